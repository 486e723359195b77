package state

import (
	"context"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Keeps reports whether the state that a namespace has, if it has one, can be shown here.
func Keeps(ss *Set, n *realtime.Namespace) bool {
	return n.State != nil && (ss.o.Store != nil || !*n.State.WithDefaults().Durable)
}

// Selects refuses a pattern that selects no channel of a tenant whose state can be shown here.
func Selects(ss *Set, t *realtime.Tenant, p realtime.Pattern) *realtime.Error {
	name, _, _ := strings.Cut(string(p), ":")
	n := t.Rules(name)
	keeps := Keeps(ss, &n)
	if name == "*" || name == "**" {
		for name := range t.Namespaces {
			n := t.Rules(name)
			keeps = keeps || Keeps(ss, &n)
		}
	}
	if keeps {
		return nil
	}
	return realtime.Errorf(realtime.CodeBadRequest, "state: none is kept here of the channels of %q", p)
}

// listingTakes bounds the listing of the channels of which a store has the states.
const listingTakes = 10 * time.Second

// List has do told, with the lock held, of the channels that a pattern selects of which the store has something.
func List(ss *Set, tenant string, p realtime.Pattern, do func([]realtime.Channel, *realtime.Error)) {
	o := ss.o.Owner
	o.Go(func() {
		all, refused := stored(ss, tenant, p)
		o.Lock()
		defer o.Unlock()
		do(all, refused)
	})
}

func stored(ss *Set, tenant string, p realtime.Pattern) ([]realtime.Channel, *realtime.Error) {
	if ss.o.Store == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ss.o.Life, listingTakes)
	defer cancel()
	all, err := ss.o.Store.Channels(ctx, tenant, p, realtime.MaxPatternChannels)
	if err != nil {
		ss.o.Log.Warn("the channels with a state could not be listed", realtime.KeyTenant, tenant, realtime.KeyError, err)
		return nil, &realtime.Error{Code: realtime.CodeUnavailable, Message: "state: which channels have one cannot be told at the moment", RetryAfter: 5 * time.Second, Err: err}
	}
	return all, nil
}
