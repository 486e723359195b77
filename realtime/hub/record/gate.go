package record

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// keeper keeps entries of a channel. What they are shown of to clients they are shown by open and encoded: the one place
// where frames of them are made.
type keeper interface {
	channel() realtime.Channel
	scratch() *scratch
	// unencodable hears that a protocol cannot put an entry.
	unencodable()
	// grew counts what encodings of an entry that is kept, published at ms, take.
	grew(n int, ms int64)
}

// Pass is what those with one View are shown of an entry. Frames of an entry come of it alone, so whatever carries
// Publications to clients, live, from the record or as state, has asked what they may see. It is good until the record, or the Table,
// changes.
type Pass struct {
	of      keeper
	entry   *Entry
	columns *view.Columns
	kept    bool
}

// Again is the Pass of an entry that has moved since: it is at another place in the record, or a copy of what is no more there.
func (p *Pass) Again(e *Entry, kept bool) { p.entry, p.kept = e, kept }

// Shown reports whether there is anything to be shown.
func (p *Pass) Shown() bool { return p.entry != nil }

// In returns what is shown as a protocol puts it; each protocol encodes it once. It is zero if the
// Encoder panics: the connection cannot go on.
func (p *Pass) In(by *protocol.Protocol) outbox.Frame {
	if first := &p.entry.first; first.by == by && first.columns == p.columns {
		return first.frame // nearly always
	}
	return p.encoded(by)
}

// Look is an entry that several Views are to be asked about: what it holds is unpacked once. Nothing of the record is asked for or
// encoded meanwhile.
type Look struct {
	of    keeper
	entry *Entry
	shown *realtime.Publication
	kept  bool
}

// LookAt begins to look at an entry of a record. kept says that the entry is in the record, and not a copy.
func LookAt(r *Record, e *Entry, kept bool) Look {
	k := recordKeeper{r}
	return Look{of: k, entry: e, shown: k.scratch().of(r.name, e), kept: kept}
}

// For asks what those with a View are shown.
func (l *Look) For(v *view.View) Pass {
	if !v.Shows(l.shown, &l.of.scratch().memo) {
		return Pass{}
	}
	return Pass{of: l.of, entry: l.entry, columns: v.Columns(), kept: l.kept}
}

// Key returns the entry's; empty if it has none.
func (l *Look) Key() string { return l.shown.Key }

// EventType returns the entry's; empty if it has none.
func (l *Look) EventType() string { return l.shown.EventType }

// Tags returns those of the entry. It is good until Done.
func (l *Look) Tags() map[string]string { return l.shown.Tags }

// Done ends it.
func (l *Look) Done() { l.of.scratch().done() }

// open asks what those with a View are shown of an entry. kept says that the entry stays where it is, and is no copy.
func open(k keeper, e *Entry, v *view.View, kept bool) Pass {
	if v.Filtered() {
		s := k.scratch()
		shown := v.Shows(s.of(k.channel(), e), &s.memo)
		s.done()
		if !shown {
			return Pass{}
		}
	}
	return Pass{of: k, entry: e, columns: v.Columns(), kept: kept}
}

// encoded returns an entry as a protocol puts it. Of one that an Encoder cannot put, readers are told in its place
// that it is missing.
func (p *Pass) encoded(by *protocol.Protocol) outbox.Frame {
	e := p.entry
	for have := e.more; have != nil; have = have.next {
		if have.by == by && have.columns == p.columns {
			return have.frame
		}
	}
	s := p.of.scratch()
	shown := s.of(p.of.channel(), e)
	shown.Data = p.columns.Project(shown.Data)
	frame, data := by.Message(shown)
	s.done()
	if frame.IsZero() {
		p.of.unencodable()
		frame = by.Gap(p.of.channel(), e.At)
	}
	grown := e.keep(encoding{by, p.columns, frame}, data)
	if p.kept {
		p.of.grew(grown, e.At.Time)
	}
	return frame
}

// Visible asks what those with a View are shown of an entry; nil shows all. kept says that the entry is in the record, and not a copy.
func (r *Record) Visible(e *Entry, v *view.View, kept bool) Pass {
	return open(recordKeeper{r}, e, v, kept)
}

// recordKeeper is a Record as what is shown of it sees it.
type recordKeeper struct{ *Record }

func (r recordKeeper) channel() realtime.Channel { return r.name }
func (r recordKeeper) scratch() *scratch         { return &r.quota.set.shown }
func (r recordKeeper) unencodable()              { r.quota.set.o.Owner.Unencodable(r.name) }
func (r recordKeeper) grew(n int, ms int64)      { r.quota.grew(n, ms) }
