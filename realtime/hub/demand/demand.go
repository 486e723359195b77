// Package demand keeps which channels of a namespace are read, on all instances, for those who produce what is read.
package demand

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Linger is how long a channel is shown as read after its last reader has gone: who connects again has never been away.
const Linger = 10 * time.Second

// MostKeys is how many tracked keys of a channel are named.
const MostKeys = 1000

// Reader is one subscription to a channel.
type Reader struct {
	User    string
	Keys    []string // that it tracks; nil is all
	MaxRate float64  // flushes a second; 0 is without bound
	Paused  bool
}

// Row is what is shown of a channel that is read.
type Row struct {
	Watchers int            `json:"watchers"`          // subscriptions that are not paused
	Users    int            `json:"users"`             // that have them: one at two instances counts twice
	Keys     map[string]int `json:"keys,omitzero"`     // those tracked, and by how many; absent if some subscription has all
	MaxRate  float64        `json:"maxRate,omitempty"` // of the fastest; absent if one is without bound
	Since    int64          `json:"since"`             // when it was first read, ms
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
}

type namespace struct{ tenant, name string }

type subject struct {
	channel realtime.Channel
	space   namespace
	rows    map[string]*row
	dirty   map[realtime.Channel]struct{} // whose readers have changed
	ending  map[string]time.Time          // rows without readers, and until when they are shown
}

// row is what all instances say of a channel.
type row struct {
	own    *Row // what this one says; nil: nothing
	others map[string]Row
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
			if r.own != nil && !yield(key, encode(r.own)) {
				return
			}
		}
	}
}

// Heard takes in what another instance says. What it cannot have said is as nothing.
func (t *Tally) Heard(c realtime.Channel, instance, key string, value json.RawMessage) {
	s := t.subjects[c]
	if s == nil {
		return
	}
	r := s.row(key)
	delete(r.others, instance)
	var is Row
	if value != nil && json.Unmarshal(value, &is) == nil && is.Watchers >= 0 && is.Users >= 0 {
		if r.others == nil {
			r.others = map[string]Row{}
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
			if !yield(key, encode(r.sum())) {
				return
			}
		}
	}
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
			r := s.row(key)
			r.own = nil
			t.owner.Put(s.channel, key, nil)
			t.show(s, key, r)
		}
	}
}

// count says anew what this instance says of a channel.
func (t *Tally) count(s *subject, c realtime.Channel, now time.Time) {
	key := c.Name()
	is := Row{Keys: map[string]int{}}
	users, all, rated := map[string]struct{}{}, false, true
	for r := range t.owner.Readers(c) {
		if r.Paused {
			continue
		}
		is.Watchers++
		users[r.User] = struct{}{}
		all = all || r.Keys == nil
		for _, k := range r.Keys {
			if _, has := is.Keys[k]; has || len(is.Keys) < MostKeys {
				is.Keys[k]++
			}
		}
		rated = rated && r.MaxRate > 0
		is.MaxRate = max(is.MaxRate, r.MaxRate)
	}
	is.Users = len(users)
	if all {
		is.Keys = nil
	}
	if !rated {
		is.MaxRate = 0
	}
	r := s.row(key)
	switch {
	case is.Watchers == 0 && r.own == nil:
		s.drop(key, r)
		return
	case is.Watchers == 0:
		if _, ends := s.ending[key]; !ends {
			s.ending[key] = now.Add(Linger)
		}
	default:
		delete(s.ending, key)
	}
	is.Since = now.UnixMilli()
	if r.own != nil {
		is.Since = r.own.Since
	}
	value := encode(&is)
	if r.own != nil && string(value) == string(encode(r.own)) {
		return
	}
	r.own = &is
	t.owner.Put(s.channel, key, value)
	t.show(s, key, r)
}

func (s *subject) row(key string) *row {
	r := s.rows[key]
	if r == nil {
		r = &row{}
		s.rows[key] = r
	}
	return r
}

// drop forgets a row of which nobody says anything.
func (s *subject) drop(key string, r *row) (gone bool) {
	if r.own != nil || len(r.others) > 0 {
		return false
	}
	delete(s.rows, key)
	return true
}

// show says that a row has changed.
func (t *Tally) show(s *subject, key string, r *row) {
	if s.drop(key, r) {
		t.owner.Changed(s.channel, key, nil)
		return
	}
	t.owner.Changed(s.channel, key, encode(r.sum()))
}

// sum is what all instances say of a channel together.
func (r *row) sum() *Row {
	total := Row{Keys: map[string]int{}}
	all, unbounded := false, false
	add := func(is *Row) {
		total.Watchers += is.Watchers
		total.Users += is.Users
		if total.Since == 0 || is.Since < total.Since {
			total.Since = is.Since
		}
		if is.Watchers == 0 {
			return // nobody reads there: it says nothing of keys and rates
		}
		all = all || is.Keys == nil
		unbounded = unbounded || is.MaxRate == 0
		total.MaxRate = max(total.MaxRate, is.MaxRate)
		for k, n := range is.Keys {
			total.Keys[k] += n
		}
	}
	if r.own != nil {
		add(r.own)
	}
	for _, is := range r.others {
		add(&is)
	}
	if all {
		total.Keys = nil
	}
	if unbounded {
		total.MaxRate = 0
	}
	return &total
}

func encode(r *Row) json.RawMessage {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // its fields always can be
	}
	return text
}
