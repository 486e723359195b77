// Package fleet has what an instance knows of all that follow a topic: who is present on its channels, and which of them are read; and the
// reserved channels that show it.
package fleet

import (
	"encoding/json"
	"iter"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/hub/explain"
	"github.com/tidewire/tidewire/realtime/hub/mirror"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Owner is who has a Fleet: what is known of a topic at an instance. W is a connection.
type Owner[W comparable] interface {
	// Send publishes a message; failed is called later if it may not have been stored.
	Send(m *realtime.Message, failed func())
	// After does something after a while, as all is done to a Fleet.
	After(d time.Duration, do func())
	// Document returns the one in force of a tenant.
	Document(tenant string) *realtime.Tenant
	// There are the connections of all readers of a channel, each as often as it reads it, and Readers are those readers.
	There(c realtime.Channel) iter.Seq[W]
	Readers(c realtime.Channel) iter.Seq[demand.Reader]
	// Channels are those of a namespace that have readers, or of all for the name "". One may come twice.
	Channels(tenant, namespace string) iter.Seq[realtime.Channel]
	// Explain tells w of the readers of its event's channel, and of the connections of its tenant.
	Explain(w *explain.Work)
	// Who is a connection, and Lost whether it has ended.
	Who(w W) *presence.Who
	Lost(w W) bool
	// May says why a connection may not do something; nil: it may.
	May(w W, a realtime.Action, c realtime.Channel) *realtime.Error
	// Admit makes room for something that a connection has and that lasts, and Unadmit gives it back.
	Admit(w W) error
	Unadmit(w W)
	// Push queues a frame for a connection.
	Push(w W, make func(*protocol.Protocol) outbox.Frame)
	// Begun reports whether what others say is heard.
	Begun() bool
}

// Options configure a Fleet. All but Budget and Audience are required.
type Options struct {
	Instance string
	Epoch    uint64 // a later Fleet of the same instance and topic has a larger one
	Effects  *channel.Effects
	Metrics  realtime.Metrics
	Log      *slog.Logger
	Budget   *budget.Budget
	Audience Audience // nil: there is none
}

// Fleet is what is known of one topic. It is not safe for concurrent use.
type Fleet[W comparable] struct {
	owner   Owner[W]
	readers Audience // nil: there is none
	census  *census.Census
	board   presence.Board[W]
	tally   *demand.Tally
	mirror  *mirror.Set
	entered map[realtime.Channel]map[W]*entered
	holders map[W]holding
	budget  *budget.Budget
	taken   int                            // of the budget
	wanted  map[realtime.Channel]time.Time // reserved channels, and when what others have of them is known
}

type entered struct {
	data json.RawMessage
	at   time.Time
}

// New returns a Fleet that knows nothing.
func New[W comparable](owner Owner[W], o Options) *Fleet[W] {
	f := &Fleet[W]{owner: owner, readers: o.Audience, budget: o.Budget, entered: map[realtime.Channel]map[W]*entered{}, holders: map[W]holding{}, wanted: map[realtime.Channel]time.Time{}}
	f.census = census.New(subjects[W]{f}, o.Instance, o.Epoch, o.Metrics)
	f.board.Census, f.board.Changed = f.census, func(c realtime.Channel, key string, m *realtime.Member) { present(f, c, key, m) }
	f.tally = demand.New(counted[W]{f})
	f.mirror = mirror.New(mirror.Options{Effects: o.Effects, Metrics: o.Metrics, Log: o.Log, Budget: o.Budget, Document: owner.Document, Rows: func(c realtime.Channel) iter.Seq2[string, json.RawMessage] { return rows(f, c) }})
	return f
}

// subjects is a Fleet as its Census sees it: the presence on a channel is told under the channel's name, demand under that of the reserved channel.
type subjects[W comparable] struct{ f *Fleet[W] }

func isDemand(c realtime.Channel) bool {
	kind, _ := c.Reserved()
	return kind == realtime.ReservedDemand
}

func (s subjects[W]) Send(m *realtime.Message, failed func()) { s.f.owner.Send(m, failed) }

func (s subjects[W]) Open(c realtime.Channel) {
	f := s.f
	if isDemand(c) {
		f.tally.Open(c)
		return
	}
	f.board.Open(c, f.owner.Document(c.Tenant()).Rules(c.Namespace()).Presence)
	fill(f, &f.board, c)
}

// fill tells a board of those who are here.
func fill[W comparable](f *Fleet[W], b *presence.Board[W], c realtime.Channel) {
	for w := range f.owner.There(c) {
		b.Come(c, f.owner.Who(w), w)
	}
	for w, e := range f.entered[c] {
		b.Enter(c, f.owner.Who(w), w, e.data, e.at)
	}
}

func (s subjects[W]) Close(c realtime.Channel) {
	if isDemand(c) {
		s.f.tally.Close(c)
		return
	}
	s.f.board.Close(c)
}

func (s subjects[W]) Own(c realtime.Channel) iter.Seq2[string, json.RawMessage] {
	if isDemand(c) {
		return s.f.tally.Own(c)
	}
	return s.f.board.Own(c)
}

func (s subjects[W]) Heard(c realtime.Channel, instance, key string, value any) {
	if isDemand(c) {
		row, _ := value.(*demand.Row)
		s.f.tally.Heard(c, instance, key, row)
		return
	}
	standing, _ := value.(*presence.Standing)
	s.f.board.Heard(c, instance, key, standing)
}

// parse reads what an instance says of a subject.
func parse(c realtime.Channel, value json.RawMessage) any {
	if isDemand(c) {
		if row := demand.Parse(value); row != nil {
			return row
		}
		return nil
	}
	if standing := presence.Parse(value); standing != nil {
		return standing
	}
	return nil
}

// counted is a Fleet as its Tally sees it.
type counted[W comparable] struct{ f *Fleet[W] }

func (t counted[W]) Channels(tenant, namespace string) iter.Seq[realtime.Channel] {
	return t.f.owner.Channels(tenant, namespace)
}

func (t counted[W]) Readers(c realtime.Channel) iter.Seq[demand.Reader] { return t.f.owner.Readers(c) }

func (t counted[W]) Put(subject realtime.Channel, key string, value json.RawMessage) {
	t.f.census.Put(subject, key, value, time.Now())
}

func (t counted[W]) Changed(subject realtime.Channel, key string, value json.RawMessage) {
	t.f.mirror.Put(subject, key, value)
}

// Obey gives the channels of a tenant the rules of its document.
func Obey[W comparable](f *Fleet[W], t *realtime.Tenant, now time.Time) {
	if f.readers != nil {
		f.readers.Obey(t)
	}
	for _, c := range presence.Ruled(&f.board, t) {
		presence.Rebuild(&f.board, c, t.Rules(c.Namespace()).Presence, now.Add(census.Settle))
		fill(f, &f.board, c)
		f.census.Again(c)
		f.census.Renew(c, now)
	}
}

// Joined counts a subscription of a connection, which may have come by a pattern.
func (f *Fleet[W]) Joined(w W, c realtime.Channel, roams bool) {
	if audible(f, c, roams) {
		rules := f.owner.Document(c.Tenant()).Rules(c.Namespace())
		f.readers.Joined(c, &rules)
	}
	f.board.Come(c, f.owner.Who(w), w)
	f.tally.Touch(c)
}

// Left counts one less.
func (f *Fleet[W]) Left(w W, c realtime.Channel, roams bool) {
	if audible(f, c, roams) {
		f.readers.Left(c)
	}
	f.board.Leave(c, f.owner.Who(w), w, f.owner.Lost(w), time.Now())
	f.tally.Touch(c)
}

// Tuned says that a subscription to a channel is given it otherwise.
func (f *Fleet[W]) Tuned(c realtime.Channel) { f.tally.Touch(c) }

// Said is what another instance has said.
type Said = census.Said

// Decode reads what another instance has said. It needs no lock: whoever holds one for a Fleet does so before. An error says that the message is none of a Fleet.
func Decode(m *realtime.Message) (*Said, error) { return census.Decode(m, parse) }

// Hear takes in a message of another instance, and what it says. began is when the stream that brings it began, by the broker's clock; zero if
// it has not yet.
func (f *Fleet[W]) Hear(m *realtime.Message, said *Said, began, now time.Time) {
	f.census.Hear(m, said, began.Sub(m.Time), !began.IsZero(), now)
}

// Begins says that a stream has begun, when the broker's clock showed a moment.
func (f *Fleet[W]) Begins(moment, now time.Time) {
	f.census.Began(moment, now)
	f.Restart(now)
	f.board.Unsettle(now.Add(census.Settle))
	for c := range f.wanted {
		f.wanted[c] = now.Add(census.Settle)
	}
}

// Restart says that messages may have been lost.
func (f *Fleet[W]) Restart(now time.Time) { f.census.Restart(now) }

// Bye tells the other instances that this one says no more. Nothing is to be called afterwards but what ends something.
func (f *Fleet[W]) Bye(now time.Time) {
	f.census.Bye(now)
	f.mirror.Release()
	take(f, 0)
}

// Turn does what is due, once a second.
func (f *Fleet[W]) Turn(now time.Time) {
	f.tally.Turn(now)
	for c, n := range f.board.Tick(now) {
		f.tell(c, &n)
	}
	idle(f, now)
	f.census.Tick(now)
	_ = f.mirror.Turn(now) // what is left is done in a second
	take(f, presence.Bytes(&f.board)+f.tally.Bytes())
}

// take takes about as many bytes of the process's budget, instead of those taken before.
func take[W comparable](f *Fleet[W], bytes int) {
	f.budget.Take(bytes-f.taken, 0)
	f.taken = bytes
}
