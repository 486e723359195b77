package survey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/explain"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/survey"
	"github.com/tidewire/tidewire/realtime/wire"
)

// screen is a Transport that keeps what a connection is told, by subscription.
type screen struct {
	box  *outbox.Outbox
	deaf bool // it takes nothing

	mu    sync.Mutex // guards all below
	told  map[string][]frame
	fault string
}

type frame struct {
	Type, Sub, Key, Channel string
	Left, Deleted, Expired  bool
	Data                    json.RawMessage
	Entries                 []frame
}

func (s *screen) Flush() {
	if s.deaf || !s.box.Begin() {
		return
	}
	for {
		all := s.box.Next(nil, 1<<16)
		if len(all) == 0 {
			return
		}
		s.read(all)
	}
}

func (s *screen) read(all [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range all {
		var f frame
		text = text[max(bytes.Index(text, []byte(`{"`)), 0):] // behind the header of WebSocket
		if err := json.Unmarshal(text, &f); err != nil {
			s.fault = fmt.Sprintf("%v: %s", err, text)
		}
		s.told[f.Sub] = append(s.told[f.Sub], f)
	}
}

func (s *screen) Beat(time.Time) bool  { return true }
func (s *screen) Shut(*realtime.Error) {}

// took returns what a subscription was told since the last time, of events.
func (s *screen) took(sub string) (events []frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.told[sub] {
		switch f.Type {
		case "message":
			events = append(events, f)
		case "changes":
			events = append(events, f.Entries...)
		}
	}
	delete(s.told, sub)
	return slices.DeleteFunc(events, func(f frame) bool { return f.Expired }) // nobody has published that
}

// unread is a frame that could not be read; empty if there was none.
func (s *screen) unread() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// viewer is a connection whose subscriptions are all named.
type viewer struct {
	*screen
	user, id  string
	conn      *hub.Connection
	principal *realtime.Principal
	subs      map[string]bool // the channel is among its pattern's, or is it; by name
}

type explaining struct {
	*world
	r         *rand.Rand
	publisher *publish.Publisher
	viewers   []*viewer
	subs      int
	outcomes  map[explain.Outcome]int
	lines     int
}

func explainedDocument() *realtime.Tenant {
	transient := false
	return &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: 10_000, SubscriptionsPerConnection: 1000}, Namespaces: map[string]realtime.Namespace{
		"open":  {Filterable: []string{"data.a"}},
		"ruled": {Enforce: "tags.desk == 'eu' || key == 'free'", Columns: []string{"a", "b"}},
		"state": {State: &realtime.State{Durable: &transient}, Filterable: []string{"data.a"}, Enforce: "num(tags.level) < 7"},
		"rate":  {Rate: &realtime.Rate{Max: 5}},
		"*":     {Columns: []string{"b", "c"}},
	}}
}

var (
	explainedChannels = []string{"open:1", "open:2", "ruled:1", "state:1", "rate:1", "other:1"}
	explainedKeys     = []string{"", "k1", "k2", "free"}
)

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// connect connects somebody with rights at random.
func (w *explaining) connect() {
	r := w.r
	v := &viewer{user: fmt.Sprint("u", r.IntN(6)), subs: map[string]bool{}, screen: &screen{box: outbox.New(wire.Encoder{}, nil), deaf: r.IntN(8) == 0, told: map[string][]frame{}}}
	v.principal = &realtime.Principal{Tenant: "acme", User: v.user, Groups: []string{"eu"}, Expires: time.Now().Add(100 * time.Hour), Grants: realtime.Grants{
		Subscribe: pick(r, []realtime.Pattern{"**"}, []realtime.Pattern{"**"}, []realtime.Pattern{"open:*", "state:1"}, nil),
	}}
	if r.IntN(3) == 0 {
		v.principal.Views.Filters = map[realtime.Pattern][]string{
			"**":     {"tags.desk == '{group}'", "key == 'k1'"},
			"open:1": {"has(tags.desk)"},
		}
	}
	if r.IntN(4) == 0 {
		v.principal.Views.Columns = map[realtime.Pattern][]string{"open:*": {"a"}}
	}
	at := r.IntN(len(w.hubs))
	conn, err := w.hubs[at].Connect(w.doc, v.principal, v.box, v.screen)
	if err != nil {
		w.t.Fatal(err)
	}
	v.conn, v.id = conn, conn.ID()
	w.viewers = append(w.viewers, v)
	for range r.IntN(4) {
		w.subscribe(at, v)
	}
}

// want is how a subscription is wanted, at random.
func (w *explaining) want(channel string) (want hub.Want) {
	r := w.r
	namespace, _, _ := strings.Cut(channel, ":")
	if r.IntN(3) == 0 {
		want.Filter = pick(r, "key == 'k1'", "num(tags.level) > 3", "tags.desk != 'us'")
		if namespace == "open" {
			want.Filter = "data.a > 5"
		}
	}
	if r.IntN(5) == 0 {
		want.Fields = pick(r, []string{"a"}, []string{"c"}, []string{"z"})
	}
	if r.IntN(5) == 0 {
		want.Keys = pick(r, []string{"k1"}, []string{"k*"}, []string{"free", "k2"})
	}
	if r.IntN(6) == 0 {
		want.MaxRate = pick(r, 1.0, 10.0)
	}
	want.Paused = r.IntN(8) == 0
	return want
}

func (w *explaining) subscribe(at int, v *viewer) {
	r := w.r
	w.subs++
	sub, name := fmt.Sprint("s", w.subs), pick(r, explainedChannels...)
	if r.IntN(5) == 0 {
		req := &hub.PatternRequest{Pattern: pick(r, realtime.Pattern("**"), "open:*", "state:*"), Sub: sub, Want: w.want("")}
		req.Begins = func(realtime.Position) outbox.Frame { return wire.Encoder{}.Heartbeat(realtime.Position{}) }
		req.Complete = func() outbox.Frame { return wire.Encoder{}.Heartbeat(realtime.Position{}) }
		if err := hub.SubscribePattern(v.conn, req); err == nil {
			v.subs[sub] = true
		}
		return
	}
	req := hub.SubscribeRequest{Channel: w.channel(name), Sub: sub, Want: w.want(name), State: strings.HasPrefix(name, "state:") && r.IntN(2) == 0}
	if v.principal.May(realtime.ActionSubscribe, req.Channel) {
		if err := w.hubs[at].Subscribe(v.conn, req); err != nil {
			w.t.Fatal(name, err)
		}
		v.subs[sub] = true
	}
}

// event is one, at random.
func (w *explaining) event() *realtime.Publication {
	r := w.r
	p := &realtime.Publication{Channel: w.channel(pick(r, explainedChannels...)), Key: pick(r, explainedKeys...), Tags: map[string]string{}}
	if strings.HasPrefix(p.Channel.Name(), "state:") && p.Key != "" && r.IntN(8) == 0 {
		p.Op = realtime.OpDelete
	}
	if r.IntN(2) == 0 {
		p.Tags["desk"] = pick(r, "eu", "us")
	}
	if r.IntN(3) > 0 {
		p.Tags["level"] = pick(r, "1", "5", "9", "high")
	}
	if p.Op == realtime.OpSet {
		p.Data = fmt.Appendf(nil, `{"a":%d,"b":"x","c":[%d],"d":1}`, r.IntN(10), r.Uint32())
	}
	return p
}

// check asks what would become of an event, publishes it, and compares.
func (w *explaining) check() {
	t, event := w.t, w.event()
	t.Helper()
	user := ""
	if w.r.IntN(2) == 0 {
		user = fmt.Sprint("u", w.r.IntN(6))
	}
	for _, v := range w.viewers {
		for sub := range v.subs {
			v.took(sub)
		}
	}
	e, err := w.s.Explain(t.Context(), w.doc, event, user, 1000)
	if err != nil || !e.Complete || e.More {
		t.Fatal(e, err)
	}
	for _, v := range w.viewers {
		for sub := range v.subs {
			if told := v.took(sub); len(told) > 0 {
				t.Fatalf("asking has told %s %v", sub, told)
			}
		}
	}
	if err := w.publisher.Publish(t.Context(), w.doc, []realtime.Publication{*event}); err != nil {
		t.Fatal(err)
	}
	pass(3 * time.Second)
	seen := map[string]bool{}
	for i := range e.Lines {
		l := &e.Lines[i]
		w.outcomes[l.Outcome]++
		w.lines++
		v := w.of(l.Connection)
		if l.Sub != "" {
			seen[l.Sub] = true
			if told := v.took(l.Sub); !v.deaf {
				w.compare(event, l, told)
			} else if l.Outcome == explain.Delivered || l.Outcome == explain.Projected {
				t.Errorf("%+v, and its client takes nothing", l)
			}
			continue
		}
		if user == "" || l.User != user {
			t.Errorf("%+v is told of, and was not asked about", l)
		}
		if may := v.principal.May(realtime.ActionSubscribe, event.Channel); may != (l.Outcome == explain.NotSubscribed) || !may != (l.Outcome == explain.NoGrant) {
			t.Errorf("%+v, and may: %v", l, may)
		}
	}
	for _, v := range w.viewers { // who is not named is told nothing
		if v.unread() != "" {
			t.Fatal(v.unread())
		}
		if user != "" && v.user != user {
			continue
		}
		for sub := range v.subs {
			if told := v.took(sub); len(told) > 0 && !seen[sub] {
				t.Errorf("%s is told %+v of %v, and is not named", sub, told, event)
			}
		}
	}
}

func (w *explaining) of(connection string) *viewer {
	i := slices.IndexFunc(w.viewers, func(v *viewer) bool { return v.id == connection })
	if i < 0 {
		w.t.Fatalf("nobody has connection %q", connection)
	}
	return w.viewers[i]
}

// compare compares what was said with what a subscription was told.
func (w *explaining) compare(event *realtime.Publication, l *explain.Line, told []frame) {
	t := w.t
	t.Helper()
	bad := ""
	switch l.Outcome {
	case explain.Delivered, explain.Projected:
		if len(told) != 1 || told[0].Left {
			bad = "it is to be told once"
			break
		}
		if whole := len(event.Data) == len(told[0].Data); event.Data != nil && whole != (l.Outcome == explain.Delivered) {
			bad = "the data is another"
		}
	case explain.Left:
		if len(told) != 1 || !told[0].Left && !told[0].Deleted || told[0].Data != nil {
			bad = "it is to be told that the key has left"
		}
	case explain.Filtered, explain.Paused, explain.Unchanged:
		if len(told) != 0 {
			bad = "it is to be told nothing"
		}
	default:
		bad = "nobody is behind here"
	}
	if bad != "" {
		t.Errorf("event %+v %s, line %+v: %s, and it was told %+v", event, event.Data, *l, bad, told)
	}
	if (l.Outcome == explain.Filtered || l.Outcome == explain.Left || l.Outcome == explain.Projected) && (l.Rule == "" || l.Detail == "") {
		t.Errorf("line %+v does not say why", *l)
	}
}

// What is explained is what happens: events at random, on channels whose rules, tokens and subscriptions show this and hide that, are explained and
// then published. TIDEWIRE_STEPS is about how many lines are compared.
func TestExplainAgrees(t *testing.T) {
	t.Parallel()
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	steps, seed := trial.Number(t, "TIDEWIRE_STEPS", 4000), trial.Seed(t)
	var mu sync.Mutex
	all, total := map[explain.Outcome]int{}, 0
	t.Run("worlds", func(t *testing.T) {
		for i := range 4 {
			t.Run(fmt.Sprint(seed+i), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newExplaining(t, uint64(seed+i), filters)
					for w.lines < steps/4 && !t.Failed() {
						w.connect()
						if len(w.viewers) > 40 {
							w.hubs[0].Disconnect(w.viewers[0].conn) // the second time it does nothing
							w.hubs[1].Disconnect(w.viewers[0].conn)
							w.viewers = w.viewers[1:]
						}
						pass(2 * time.Second)
						for range 5 {
							w.check()
						}
					}
					mu.Lock()
					defer mu.Unlock()
					total += w.lines
					for o, n := range w.outcomes {
						all[o] += n
					}
				})
			})
		}
	})
	for _, o := range []explain.Outcome{explain.Delivered, explain.Projected, explain.Queued, explain.Conflated, explain.Paused, explain.Left, explain.Filtered, explain.Unchanged, explain.NotSubscribed, explain.NoGrant} {
		if all[o] == 0 {
			t.Errorf("nothing was %s", o)
		}
	}
	t.Logf("%d lines: %v", total, slices.Sorted(maps.Keys(all)))
	t.Log(all)
}

func newExplaining(t *testing.T, seed uint64, filters view.Compiler) *explaining {
	inner := memory.NewBroker(memory.BrokerOptions{})
	w := &explaining{r: rand.New(rand.NewPCG(seed, 15)), outcomes: map[explain.Outcome]int{}}
	w.world = &world{t: t, broker: &counting{Broker: inner}, doc: explainedDocument(), living: leases{}}
	w.publisher = publish.New(w.broker, publish.Options{})
	for i := range 2 {
		name := fmt.Sprintf("i%d", i)
		w.living[name] = true
		w.hubs = append(w.hubs, hub.New(w.broker, hub.Options{Instance: name, Payload: wire.Compact, Filters: filters}))
	}
	w.s = survey.New(survey.Options{Broker: w.broker, Subscriptions: inner, Leases: w.living})
	t.Cleanup(func() { w.close(inner) })
	return w
}
