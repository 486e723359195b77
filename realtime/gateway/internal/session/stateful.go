package session

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// stateful applies what the namespace of a Publication says of its state: whose name the key is, and how much there may be.
func (h *handler) stateful(p *realtime.Publication) *realtime.Error {
	rules := h.client.Document().Rules(p.Channel.Namespace()).State
	if rules == nil {
		return nil // what is to be transient is refused by Classify
	}
	switch {
	case rules.Assign == realtime.AssignUser:
		p.Key = h.client.Connection().Principal().User
	case rules.Assign == realtime.AssignConnection, rules.Transient && p.Key == realtime.ConnectionKey:
		p.Key = h.client.Connection().ID()
		if refused := h.assigned.add(p.Channel); refused != nil {
			return refused
		}
	}
	if p.Op != realtime.OpSet || p.Key == "" {
		return nil
	}
	return hub.StateRoom(h.client.Connection(), p)
}

// maxAssigned is in how many channels a connection may have a key of its own.
const maxAssigned = 128

// assigned are the channels in which a connection has set the key that is its name. It is removed there when the connection ends.
type assigned map[realtime.Channel]struct{}

func (a *assigned) add(c realtime.Channel) *realtime.Error {
	if _, has := (*a)[c]; has {
		return nil
	}
	if len(*a) >= maxAssigned {
		err := realtime.Errorf(realtime.CodeLimited, "channel: a connection may have a key of its own in %d channels", maxAssigned)
		err.Limit = "state.assign"
		return err
	}
	if *a == nil {
		*a = assigned{}
	}
	(*a)[c] = struct{}{}
	return nil
}

// unassignTakes bounds the removal of what a connection leaves behind.
const unassignTakes = 5 * time.Second

// unassign removes the keys that are the connection's name.
func (h *handler) unassign() {
	if len(h.assigned) == 0 {
		return
	}
	pubs := make([]realtime.Publication, 0, len(h.assigned))
	for c := range h.assigned {
		pubs = append(pubs, realtime.Publication{Channel: c, Key: h.client.Connection().ID(), Op: realtime.OpDelete})
	}
	h.assigned = nil
	ctx, cancel := context.WithTimeout(h.c.Life, unassignTakes)
	defer cancel()
	if err := h.c.Publisher.Publish(ctx, h.client.Document(), pubs); err != nil {
		h.c.Logger.Warn("keys of a connection that has ended are left to their ttl", realtime.KeyConnection, h.client.Connection().ID(), realtime.KeyError, err)
	}
}
