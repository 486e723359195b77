package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// limitTenant is what bounds the states of a tenant together.
const limitTenant = "recordBytes"

// grew hears by how much the state of a channel has grown, in bytes.
func (ss *Set) grew(c realtime.Channel, n int) {
	if ss.held[c.Tenant()] += n; ss.held[c.Tenant()] == 0 {
		delete(ss.held, c.Tenant())
	}
}

// room is how many bytes the states of a tenant may grow by; less than 0 if they are too large. They may take as much as its records
// do besides.
func room(ss *Set, tenant string) int {
	return ss.o.Owner.Document(tenant).Limits.WithDefaults().RecordBytes - ss.held[tenant]
}

// crowded is what is told of a state that nobody reads while those of its tenant are too large.
func crowded(ss *Set, c realtime.Channel) *realtime.Error {
	err := realtime.Errorf(realtime.CodeLimited, "state: the states of the tenant take %d bytes of this instance, %d more than limits.recordBytes allows", ss.held[c.Tenant()], -room(ss, c.Tenant()))
	err.Limit, err.RetryAfter = limitTenant, 30*time.Second
	return err
}

// Full refuses a value of so many bytes that a key is to be set to, if a state would exceed a bound by it.
func (ss *Set) Full(c realtime.Channel, key string, bytes int) (err *realtime.Error) {
	limit, grows := "", true
	if s := ss.all[c]; s != nil {
		limit, grows = s.Table.Full(key, bytes), record.Grows(s.Table, key, bytes)
	}
	switch {
	case limit != "":
		err = realtime.Errorf(realtime.CodeLimited, "key: the state of %q is full (%s of its namespace); remove keys, or replace those it has", c.Name(), limit)
	case grows && room(ss, c.Tenant()) < bytes:
		limit = limitTenant
		err = realtime.Errorf(realtime.CodeLimited, "key: the states of the tenant are full (limits.recordBytes); remove keys, or replace those they have")
	default:
		return nil
	}
	err.Limit = limit
	return err
}

// spare looks which states Sweep may give up, those that were of use longest ago first: nobody reads them, and they are of tenants whose
// states are too large.
func spare(ss *Set) {
	ss.spares = ss.spares[:0]
	for tenant := range ss.held {
		if room(ss, tenant) >= 0 {
			continue
		}
		for c, s := range ss.all {
			if _, bytes := s.Table.Size(); c.Tenant() == tenant && bytes > 0 && s.Readers() == 0 && !s.loading {
				ss.spares = append(ss.spares, c)
			}
		}
	}
	slices.SortFunc(ss.spares, func(a, b realtime.Channel) int {
		return cmp.Compare(ss.all[b].touched.UnixNano(), ss.all[a].touched.UnixNano())
	})
}

// giveUp gives up one of those, if that is still needed. It reports whether there are more.
func giveUp(ss *Set) (more bool) {
	n := len(ss.spares)
	if n == 0 {
		return false
	}
	c := ss.spares[n-1]
	ss.spares = ss.spares[:n-1]
	if s := ss.all[c]; s != nil && s.Readers() == 0 && !s.loading && room(ss, c.Tenant()) < 0 {
		ss.o.Metrics.Add(realtime.CountEvictions, c.Tenant(), realtime.ReasonMemory, 1)
		s.Table.Forget()
		ss.Begun(c)
	}
	return true
}
