// Package query reads the history of a channel as far as its record reaches: it waits until the record is known, and makes a page of it
// in parts.
package query

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// May refuses what a principal is not granted of what a question asks for.
func May(p *realtime.Principal, q *channel.Question) *realtime.Error {
	ch := q.Request.Channel
	if q.Then == nil && !p.May(realtime.ActionSubscribe, ch) {
		return NoGrant(ch)
	}
	if kind, _ := ch.Reserved(); kind != "" && (q.Then != nil || !q.Request.Rewind.IsZero()) {
		return realtime.Errorf(realtime.CodeBadRequest, "channel: %q has no history; subscribe to it with state", ch.Name())
	}
	if (q.Then != nil || !q.Request.Rewind.IsZero()) && !p.May(realtime.ActionHistory, ch) {
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant for the history of %q", ch.Name())
	}
	return nil
}

// NoGrant says that a channel may not be subscribed to.
func NoGrant(c realtime.Channel) *realtime.Error {
	switch kind, of := c.Reserved(); kind {
	case realtime.ReservedPresence:
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant for the presence of %q", of)
	case realtime.ReservedDemand:
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant to see the demand for %q; one with the demand pattern %q would do", of, of+":**")
	}
	return realtime.Errorf(realtime.CodeForbidden, "channel: no grant to subscribe to %q", c.Name())
}

// Owner is whoever follows the topic, on behalf of a connection.
type Owner struct {
	// Ask has a question answered, or refused.
	Ask func(q *channel.Question)
	// Hold does a part of something under the lock that guards the records, until tired says that it is enough.
	Hold func(part func(tired func() bool))
}

// Page returns a page of what was published to the channel of a reader, which has joined none, and may be shown it.
func Page(ctx context.Context, o Owner, r *channel.Reader, req *history.Request) (*history.Page, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	if r.Client().Box.Filling() {
		return nil, &realtime.Error{Code: realtime.CodeLimited, Limit: "queueBytes", Message: "the answers before are not read yet", RetryAfter: time.Second}
	}
	found, refused := make(chan *history.Page, 1), make(chan *realtime.Error, 1)
	q := &channel.Question{Request: channel.Request{Channel: req.Channel}, Reader: r, Asked: time.Now(), Refused: func(err *realtime.Error) { refused <- err }}
	q.Then = func(rec *record.Record) {
		ask := req.Ask
		ask.View = r.View()
		found <- history.NewPage(rec, &ask)
	}
	if err := May(r.Client().Conn.Principal(), q); err != nil {
		return nil, err
	}
	o.Ask(q)
	select {
	case page := <-found:
		for done := false; !done; {
			o.Hold(func(tired func() bool) { done = page.Look(tired) })
		}
		return page, nil
	case err := <-refused:
		return nil, err
	case <-ctx.Done(): // it is answered, or refused, all the same
		return nil, realtime.Errorf(realtime.CodeUnavailable, "the request has ended")
	}
}
