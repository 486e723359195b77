package intake

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

// maxListed bounds how many bad events a problem document lists.
const maxListed = 100

// batch gathers the events of one request and what is wrong with them.
type batch struct {
	tenant    *realtime.Tenant
	principal *realtime.Principal
	events    int  // how many there may be
	bytes     int  // how long the data of one may be
	lone      bool // the body is an event, not a list of events
	mayBeNone bool // a list of none is as good as any other
	count     int  // events so far, good or bad
	pubs      []realtime.Publication
	bad       []problem.Part // at most maxListed
	badCount  int
	first     error         // what is wrong with the first bad one
	code      realtime.Code // of all bad ones, or CodeBadRequest if they differ
}

func newBatch(t *realtime.Tenant, p *realtime.Principal, pubs []realtime.Publication) *batch {
	standard := realtime.DefaultLimits()
	return &batch{
		tenant: t, principal: p, pubs: pubs,
		events: cmp.Or(t.Limits.BatchEvents, standard.BatchEvents),
		bytes:  cmp.Or(t.Limits.MessageBytes, standard.MessageBytes),
	}
}

// add checks the next event as a whole and keeps it. err says that it could not even be
// read. An error is returned when there are more events than one request may hold.
func (b *batch) add(p realtime.Publication, err error) error {
	if b.count++; b.count > b.events {
		e := realtime.Errorf(realtime.CodeTooLarge, "limits.batchEvents: must be at most %d events; send them in several requests", b.events)
		e.Limit = "batchEvents"
		return e
	}
	if err == nil {
		err = b.check(&p)
	}
	if err == nil {
		b.pubs = append(b.pubs, p)
		return nil
	}
	b.reject(err)
	return nil
}

// Check refuses an event as a request with it would be, which may have set what the tenant's rules say of it. Nothing is published.
func Check(t *realtime.Tenant, principal *realtime.Principal, event *realtime.Publication) error {
	return newBatch(t, principal, nil).check(event)
}

func (b *batch) check(p *realtime.Publication) error {
	if err := p.Check(); err != nil {
		return err
	}
	if len(p.Data) > b.bytes {
		e := realtime.Errorf(realtime.CodeTooLarge, "data: must be at most %d bytes (limits.messageBytes), got %d", b.bytes, len(p.Data))
		e.Limit = "messageBytes"
		return e
	}
	if err := b.tenant.Classify(p); err != nil {
		return err
	}
	if !b.principal.May(realtime.ActionPublish, p.Channel) {
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant to publish to %q", p.Channel.Name())
	}
	if document.Decides(b.tenant, realtime.HookPublish, p.Channel.Name()) && !slices.Contains(b.principal.Manage, realtime.ManagePublish) {
		return realtime.Errorf(realtime.CodeForbidden, "channel: hooks decide who publishes to %q; publish over a socket, or with a token whose claim manage contains %q", p.Channel.Name(), realtime.ManagePublish)
	}
	return nil
}

func (b *batch) reject(err error) {
	code := realtime.CodeOf(err)
	if b.badCount++; b.badCount == 1 {
		b.first, b.code = err, code
	} else if code != b.code {
		b.code = realtime.CodeBadRequest
	}
	if len(b.bad) < maxListed {
		b.bad = append(b.bad, problem.Part{Index: b.count - 1, Code: code, Detail: problem.Message(err)})
	}
}

// problem returns what to answer if the batch cannot be published.
func (b *batch) problem() *problem.Problem {
	switch {
	case b.count == 0 && !b.mayBeNone:
		return problem.Of(realtime.Errorf(realtime.CodeBadRequest, "the body contains no event"))
	case b.badCount == 0:
		return nil
	case b.lone:
		return problem.Of(b.first)
	}
	p := problem.Of(realtime.Errorf(b.code, "%d of %d events were refused, so none was published", b.badCount, b.count))
	p.Errors = b.bad
	return p
}

// unpublished lists the events that the broker did not take.
func unpublished(err error) []problem.Part {
	var failed *publish.Error
	if !errors.As(err, &failed) || failed.Of == 1 {
		return nil
	}
	var parts []problem.Part
	for _, f := range failed.Failed[:min(len(failed.Failed), maxListed)] {
		parts = append(parts, problem.Part{Index: f.Index, Code: realtime.CodeOf(f.Err), Detail: problem.Message(f.Err)})
	}
	return parts
}

// appendAnswer appends the document that says which events were published.
func appendAnswer(b []byte, pubs []realtime.Publication) []byte {
	b = append(b, `{"accepted":`...)
	b = strconv.AppendInt(b, int64(len(pubs)), 10)
	b = append(b, `,"results":[`...)
	for i := range pubs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = append(appendQuoted(b, pubs[i].ID), '}')
	}
	return append(b, "]}\n"...)
}
