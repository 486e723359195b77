package wire

import (
	"slices"
	"strconv"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// rewind returns how far back a subscription is to begin: a number, or a duration as text.
func rewindOf(m *members) (r realtime.Rewind) {
	if !m.has(memberRewind, false) {
		return r
	}
	raw := m.raw[memberRewind]
	text := string(raw)
	if raw[0] == '"' {
		text = m.text(memberRewind, true)
	} else if !integer(raw) {
		m.wrong("rewind: must be a number from 1 to %d, or a duration such as \"5m\", got %.64s", realtime.MaxRewind, raw)
	}
	if m.err != nil {
		return r
	}
	r, err := realtime.ParseRewind(text)
	if err == nil && (raw[0] == '"') != (r.For != 0) {
		err = realtime.Errorf(realtime.CodeBadRequest, "rewind: must be a number, or a duration such as \"5m\", got %.64s", raw)
	}
	if err != nil {
		m.wrong("%v", err)
		return realtime.Rewind{}
	}
	return r
}

// history returns what is asked for. What is not known is refused.
func queryOf(m *members) (q realtime.HistoryQuery, o Options) {
	q.Before, q.After = position(m, memberBefore), position(m, memberAfter)
	q.From, _ = m.number(memberFrom)
	q.To, _ = m.number(memberTo)
	if n, there := m.number(memberLimit); there {
		if n < 1 || n > realtime.MaxHistoryLimit {
			m.wrong("limit: must be 1 to %d, got %d", realtime.MaxHistoryLimit, n)
		}
		q.Limit = int(n)
	}
	m.common(&o)
	if m.err == nil {
		if err := q.Check(); err != nil {
			m.wrong("%v", err)
		}
	}
	onlyOf(m, "history", memberType, memberID, memberChannel, memberLimit, memberBefore, memberAfter, memberFrom, memberTo, memberFilter, memberFields)
	return q, o
}

// position returns a position that says what is asked for, and not where the client stands: a malformed one is refused.
func position(m *members, which member) realtime.Position {
	text := m.text(which, false)
	at, err := realtime.ParsePosition(text)
	if err != nil || m.has(which, false) && at.IsZero() { // "" asks for nothing: whoever pages by it would be given the same page again and again
		m.wrong("%s: must be a position as the server sent it, got %.64q", which, text)
	}
	return at
}

// onlyOf refuses what a frame does not have.
func onlyOf(m *members, what string, known ...member) {
	if m.unknown != "" {
		m.wrong("%.64q: is no option of %s; leave it out", m.unknown, what)
	}
	var all [numMembers]bool
	for _, which := range known {
		all[which] = true
	}
	for which, raw := range m.raw {
		if raw != nil && !all[which] {
			m.wrong("%s: is no option of %s; leave it out", member(which), what)
		}
	}
}

// query appends what is asked for.
func (o *object) query(q *realtime.HistoryQuery) {
	o.optional(memberBefore, q.Before)
	o.optional(memberAfter, q.After)
	for _, m := range []struct {
		name  member
		value int64
	}{{memberFrom, q.From}, {memberTo, q.To}, {memberLimit, int64(q.Limit)}} {
		if m.value != 0 {
			o.int(m.name.String(), m.value)
		}
	}
}

// AppendEntry appends a Publication as a page of history has it: what its message has, without type and channel.
func AppendEntry(b []byte, p *realtime.Publication) []byte {
	o := object{append(slices.Grow(b, MessageSize(p)), `{"position":"`...)}
	o.b = strconv.AppendInt(o.b, p.Time.UnixMilli(), 10)
	o.b = append(appendEscaped(append(o.b, '-'), p.ID), '"')
	if p.Key != "" {
		o.text("key", p.Key)
	}
	return o.rest(p)
}

// HistoryPage is what answers a history frame.
type HistoryPage struct {
	Messages [][]byte // as AppendEntry makes them, the oldest first
	More     bool     // there are more to be asked for
	Complete bool     // nothing that was asked for is missing up to the end of the page
	ByHTTP   bool     // the namespace keeps more than a record has, which is there by HTTP
}

// HistoryOK answers a history frame.
func (Answers) HistoryOK(id ID, c realtime.Channel, p *HistoryPage) outbox.Frame {
	size := 128
	for _, m := range p.Messages {
		size += len(m) + 1
	}
	o := answer(size, TypeOK, id)
	o.text("channel", c.Name())
	o.name("messages")
	o.b = append(o.b, '[')
	for i, m := range p.Messages {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = append(o.b, m...)
	}
	o.b = append(o.b, ']')
	o.bool("more", p.More)
	o.bool("complete", p.Complete)
	if p.ByHTTP {
		o.text("hint", HintHTTP)
	}
	return o.frame()
}

// HintHTTP says in the answer to a history frame that the namespace keeps more than a record has.
const HintHTTP = "http"
