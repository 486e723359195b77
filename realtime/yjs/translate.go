package yjs

import (
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// The IDs of frames of a Door, by which it knows the answers.
const (
	tidying wire.ID = "tidying"
	aware   wire.ID = "aware"
)

// entry is one of a state, or a change of one. What it holds is part of a frame.
type entry struct {
	op       byte
	key      string
	position string
	data     []byte
}

func readEntry(r *reader) entry {
	return entry{op: r.octet(), key: string(r.bytes()), position: string(r.bytes()), data: r.bytes()}
}

// Translate returns what the client is sent for a frame of the hub, which it does not change: frames of a WebSocket, or nothing.
func (d *Door) Translate(frame []byte) []byte {
	payload := outbox.Frame{Bytes: frame}.Payload()
	if len(payload) == 0 {
		return frame
	}
	if payload[0] < eventNothing {
		return d.update(frame, payload)
	}
	r := &reader{b: payload[1:]}
	switch payload[0] {
	case eventEntries:
		return d.entries(r)
	case eventAwareness:
		return d.presence(r)
	case eventError:
		return d.failed(r)
	}
	return nil
}

// entries sends updates of the document, as far as the client lacks them.
func (d *Door) entries(r *reader) (out []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	flags := r.octet()
	for len(r.b) > 0 {
		e := readEntry(r)
		d.log.comes(e.key, e.op == entrySet)
		if e.op != entrySet || len(e.data) == 0 {
			continue
		}
		u, err := Parse(e.data)
		if err != nil {
			out = appendSync(out, syncUpdate, e.data) // of somebody else, who is no client of Yjs
			continue
		}
		switch through := d.show(d.load(&e, u)); {
		case through == u:
			out = appendSync(out, syncUpdate, e.data)
		case !through.Empty():
			out = appendSync(out, syncUpdate, through.Append(nil))
		}
	}
	if d.phase == loading && flags&(flagMore|flagChanges) == 0 {
		d.o.Shared.holds(-d.order.size)
		if rest := d.order.rest(); !rest.Empty() { // of which the document lacks what comes before
			out = appendSync(out, syncUpdate, rest.Append(nil))
		}
		d.phase, d.have = loaded, nil
		out = appendSync(out, syncStep2, nothing) // with which it has been sent everything
		out = appendSync(out, syncStep1, d.known.edits.StateVector())
	}
	return out
}

// update sends an update that the hub has for all readers, and takes it while the client is loading: it would send it back.
func (d *Door) update(frame, message []byte) []byte {
	r := &reader{b: message}
	if r.integer() != messageSync || r.integer() != syncUpdate {
		return frame
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u, err := Parse(r.bytes())
	if err != nil || d.phase == opened {
		return frame
	}
	if d.known != nil {
		d.known.add(u)
	}
	switch through := d.show(u); {
	case through == u:
		return frame
	case !through.Empty():
		return appendSync(nil, syncUpdate, through.Append(nil))
	}
	return nil
}

// load takes an update of the state while the client is loading, and returns what the client lacks of it. d.mu is held.
func (d *Door) load(e *entry, u *Update) *Update {
	if d.phase != loading {
		return u
	}
	d.loaded.add(e, u)
	d.known.add(u)
	if rest := u.Without(d.have, nil); len(rest.pieces) < len(u.pieces) {
		return rest
	}
	return u
}

// show returns what is to be sent now for an update: what is not its turn yet waits. d.mu is held.
func (d *Door) show(u *Update) *Update {
	before := d.order.size
	through := d.order.let(u, d.phase == loading, d.o.Shared.mayHold(d.phase == loading))
	d.o.Shared.holds(d.order.size - before)
	return through
}

// presence tells the client where others are.
func (d *Door) presence(r *reader) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []mark
	for len(r.b) > 0 {
		e := readEntry(r)
		if m, ok := d.meet(&e); ok {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return appendMarks(nil, all)
}

// failed is what becomes of an error. What passes makes the client come back: then it sends what the document lacks.
func (d *Door) failed(r *reader) []byte {
	flags := r.octet()
	err := &realtime.Error{Code: realtime.Code(r.bytes())}
	err.Limit = string(r.bytes())
	err.Message = string(r.bytes())
	switch {
	case flags&flagTidying != 0:
		return nil // nothing was changed
	case flags&flagEnds != 0:
	case err.Code == realtime.CodeForbidden || err.Code == realtime.CodeBadRequest:
		d.mu.Lock()
		defer d.mu.Unlock()
		d.log.forget()
		return d.deny(err.Message)
	case strings.HasPrefix(err.Limit, "state."):
		err.Code = realtime.CodeTooLarge // coming back does not help
	}
	d.o.End(err)
	return nil
}
