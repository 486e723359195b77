// Package demand keeps which channels of a namespace are read, on all instances, for those who produce what is read.
package demand

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Linger is how long a channel is shown as read after its last reader has gone, a key as tracked after the last who tracked it, and a rate after the
// last who had it: who connects again has never been away.
const Linger = 10 * time.Second

// MostKeys is how many tracked keys of a channel are named: of more, all are taken to be wanted.
const MostKeys = 1000

// Reader is one subscription to a channel.
type Reader struct {
	User    string
	Keys    []string // that it tracks; nil is all
	MaxRate float64  // flushes a second; 0 is without bound
	Paused  bool
}

// Owner is who has a Tally: what is known of a topic at an instance.
type Owner interface {
	// Channels are those of a namespace that have readers here, and Readers are those.
	Channels(tenant, namespace string) iter.Seq[realtime.Channel]
	Readers(c realtime.Channel) iter.Seq[Reader]
	// Put tells other instances of a row, as package census has it.
	Put(subject realtime.Channel, key string, value json.RawMessage)
	// Changed says that a row of a subject has changed; value is nil if there is none any more.
	Changed(subject realtime.Channel, key string, value json.RawMessage)
}

// Tally has the demand for the namespaces of which somebody, here or elsewhere, wants to know it. It is not safe for concurrent use.
type Tally struct {
	owner    Owner
	subjects map[realtime.Channel]*subject
	// of finds the subject of a namespace.
	of map[namespace]*subject

	bytes, rows int // about what all rows take, and how many there are
}

type namespace struct{ tenant, name string }

type subject struct {
	channel realtime.Channel
	space   namespace
	rows    map[string]*row
	dirty   map[realtime.Channel]struct{} // whose readers have changed
	ending  map[string]time.Time          // rows of which something lingers, and until when
}

// row is what all instances say of a channel.
type row struct {
	own    *Row // what this one says; nil: nothing
	read   *Row // what is read here, without what lingers
	gone   lingering
	others map[string]*Row
	shown  string // what was last shown of it; empty: nothing
	bytes  int    // about what it takes
}

// New returns a Tally that knows nothing.
func New(owner Owner) *Tally {
	return &Tally{owner: owner, subjects: map[realtime.Channel]*subject{}, of: map[namespace]*subject{}}
}

// Open begins to know the demand for the namespace of a reserved channel, and Close ends that.
func (t *Tally) Open(c realtime.Channel) {
	_, name := c.Reserved()
	s := &subject{
		channel: c, space: namespace{c.Tenant(), name}, rows: map[string]*row{},
		dirty: map[realtime.Channel]struct{}{}, ending: map[string]time.Time{},
	}
	t.subjects[c], t.of[s.space] = s, s
	for read := range t.owner.Channels(c.Tenant(), name) {
		t.count(s, read, time.Now())
	}
}

// Close ends it.
func (t *Tally) Close(c realtime.Channel) {
	if s := t.subjects[c]; s != nil {
		for _, r := range s.rows {
			t.bytes -= r.bytes
		}
		t.rows -= len(s.rows)
		delete(t.subjects, c)
		delete(t.of, s.space)
	}
}

// Own returns what this instance says of a subject, as package census has it.
func (t *Tally) Own(c realtime.Channel) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		s := t.subjects[c]
		if s == nil {
			return
		}
		for key, r := range s.rows {
			if r.own != nil && !yield(key, Encode(r.own)) {
				return
			}
		}
	}
}

// Heard takes in what another instance says, as Parse has read it; nil: nothing any more.
func (t *Tally) Heard(c realtime.Channel, instance, key string, is *Row) {
	s := t.subjects[c]
	if s == nil {
		return
	}
	r := t.row(s, key)
	delete(r.others, instance)
	if is != nil {
		if r.others == nil {
			r.others = map[string]*Row{}
		}
		r.others[instance] = is
	}
	t.show(s, key, r)
}

// Rows are what is shown of a subject.
func (t *Tally) Rows(c realtime.Channel) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		s := t.subjects[c]
		if s == nil {
			return
		}
		for key, r := range s.rows {
			if !yield(key, shown(r.sum())) {
				return
			}
		}
	}
}

// Shown are the channels that this instance shows of a subject, which need not be open.
func (t *Tally) Shown(subject realtime.Channel) iter.Seq[realtime.Channel] {
	_, name := subject.Reserved()
	s := t.subjects[subject]
	if s == nil {
		return t.owner.Channels(subject.Tenant(), name)
	}
	return func(yield func(realtime.Channel) bool) {
		for key, r := range s.rows {
			if c, err := realtime.NewChannel(subject.Tenant(), key); err == nil && r.own != nil && !yield(c) {
				return
			}
		}
	}
}

// Look returns what this instance says of one of them now.
func (t *Tally) Look(subject, c realtime.Channel) *Row {
	is, now := count(t.owner.Readers(c)), time.Now()
	is.Since = now.UnixMilli()
	if s := t.subjects[subject]; s != nil {
		if r := s.rows[c.Name()]; r != nil && r.own != nil {
			is.Since = r.own.Since
			r.gone.show(is, now)
		}
	}
	return is
}

// Touch says that the readers of a channel have changed. Turn counts them; the first after a pause is counted at once.
func (t *Tally) Touch(c realtime.Channel) {
	s := t.of[namespace{c.Tenant(), c.Namespace()}]
	if s == nil {
		return
	}
	if r := s.rows[c.Name()]; r == nil || r.own == nil {
		t.count(s, c, time.Now())
		return
	}
	s.dirty[c] = struct{}{}
}

// Turn does what is due, once a second.
func (t *Tally) Turn(now time.Time) {
	for _, s := range t.subjects {
		for c := range s.dirty {
			delete(s.dirty, c)
			t.count(s, c, now)
		}
		for key, until := range s.ending {
			if now.Before(until) {
				continue
			}
			delete(s.ending, key)
			if c, err := realtime.NewChannel(s.space.tenant, key); err == nil {
				t.count(s, c, now)
			}
		}
	}
}

// count says anew what this instance says of a channel.
func (t *Tally) count(s *subject, c realtime.Channel, now time.Time) {
	key, is := c.Name(), count(t.owner.Readers(c))
	r := t.row(s, key)
	r.gone.note(r.read, is, now)
	read := *is
	r.read = &read
	until := r.gone.show(is, now)
	switch {
	case is.Watchers == 0 && r.own == nil:
		t.drop(s, key, r)
		return
	case until.IsZero():
		delete(s.ending, key)
	default:
		s.ending[key] = until
	}
	if is.Watchers == 0 && until.IsZero() {
		r.own, r.read, r.gone = nil, nil, lingering{}
		t.owner.Put(s.channel, key, nil)
		t.show(s, key, r)
		return
	}
	is.Since = now.UnixMilli()
	if r.own != nil {
		is.Since = r.own.Since
	}
	value := Encode(is)
	if r.own != nil && string(value) == string(Encode(r.own)) {
		return
	}
	r.own = is
	t.owner.Put(s.channel, key, value)
	t.show(s, key, r)
}

// Bytes is about what all rows take, and Len how many there are.
func (t *Tally) Bytes() int { return t.bytes }

// Len is how many rows there are.
func (t *Tally) Len() int { return t.rows }

func (t *Tally) row(s *subject, key string) *row {
	r := s.rows[key]
	if r == nil {
		r = &row{}
		s.rows[key] = r
		t.rows++
	}
	return r
}

// drop forgets a row of which nobody says anything.
func (t *Tally) drop(s *subject, key string, r *row) (gone bool) {
	if r.own != nil || len(r.others) > 0 {
		return false
	}
	t.bytes -= r.bytes
	t.rows--
	delete(s.rows, key)
	return true
}

// show says that a row has changed, unless it shows the same as before.
func (t *Tally) show(s *subject, key string, r *row) {
	if t.drop(s, key, r) {
		t.owner.Changed(s.channel, key, nil)
		return
	}
	value := shown(r.sum())
	bytes := r.cost(key)
	t.bytes += bytes - r.bytes
	r.bytes = bytes
	if string(value) == r.shown {
		return
	}
	r.shown = string(value)
	t.owner.Changed(s.channel, key, value)
}
