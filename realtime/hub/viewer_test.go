package hub_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// viewer is a client that believes what it is told: a connection that comes back, and what it has on its screen of some channels.
type viewer struct {
	w     *viewWorld
	name  string
	desk  string // its token's filter; empty is none
	views []*screen
	seat  *seat
	fixed bool // its token stays what it is
}

// screen is what a viewer has of a channel.
type screen struct {
	v       *viewer
	channel realtime.Channel
	state   bool
	want    hub.Want

	keys     map[string]string // key to the ID of its value
	at       realtime.Position // the newest that it was told
	loading  bool              // a snapshot is under way
	resumed  bool              // by the last answer
	seen     bool              // what it is shown has changed since the last answer
	answered bool
	asked    string
	last     map[string]string // without state: key to the ID of what came last
	floor    int               // without state: from which of the channel's events on all must have come
	time     int64             // publish time of what came last on this connection
	lost     int               // events without key that it was told are dropped
	events   map[string]bool
}

// seat is one connection of a viewer, and its transport.
type seat struct {
	v    *viewer
	hub  *hub.Hub
	conn *hub.Connection
	box  *outbox.Outbox

	mu    sync.Mutex // held while frames are read, and guards the viewer's screens; guards what follows
	stuck bool
	slow  bool
	over  bool
}

// byDesk is a filter by a tag, and byOdd one by the last digit of the ID's number.
type byDesk string

func (d byDesk) Match(p *realtime.Publication) bool { return p.Tags["desk"] == string(d) }
func (d byDesk) ID() string                         { return "desk " + string(d) }
func (d byDesk) Equality() (name, value string, ok bool) {
	return "tags.desk", string(d), true
}

type byOdd struct{}

func (byOdd) Match(p *realtime.Publication) bool { return p.Tags["odd"] == "1" }
func (byOdd) ID() string                         { return "odd" }

type deskCompiler struct{}

func (deskCompiler) Compile(source string, _ view.Viewer) (view.Filter, error) {
	if source == "odd" {
		return byOdd{}, nil
	}
	if desk, ok := strings.CutPrefix(source, "desk "); ok {
		return byDesk(desk), nil
	}
	return nil, errors.New("unknown filter")
}

// shows reports whether a viewer may see a Publication, and wants to.
func (s *screen) shows(m *realtime.Message) bool {
	if m.Op == realtime.OpClear {
		return true
	}
	if m.Op == realtime.OpDelete {
		return s.filterless() && s.tracks(m.Key)
	}
	if d := s.v.desk; d != "" && m.Tags["desk"] != d {
		return false
	}
	if d, ok := strings.CutPrefix(s.want.Filter, "desk "); ok && m.Tags["desk"] != d {
		return false
	}
	if s.want.Filter == "odd" && m.Tags["odd"] != "1" {
		return false
	}
	return s.tracks(m.Key)
}

func (s *screen) filterless() bool { return s.v.desk == "" && s.want.Filter == "" }

func (s *screen) tracks(key string) bool {
	if s.want.Keys == nil || key == "" {
		return true
	}
	for _, k := range s.want.Keys {
		if k == key || strings.HasSuffix(k, "*") && strings.HasPrefix(key, k[:len(k)-1]) {
			return true
		}
	}
	return false
}

// connect opens a connection to a hub; the one before is closed first.
func (v *viewer) connect(h *hub.Hub) {
	v.disconnect()
	s := &seat{v: v, hub: h, box: outbox.New(wire.Encoder{}, nil)}
	s.slow = v.w.rand.IntN(4) == 0
	s.box.LimitReplays(1 + v.w.rand.IntN(3000))
	conn, err := h.Connect(v.w.tenant.Load(), v.principal(), s.box, s)
	if err != nil {
		return
	}
	s.conn, v.seat = conn, s
	for _, sc := range v.views {
		s.ask(sc)
	}
}

func (v *viewer) principal() *realtime.Principal {
	p := &realtime.Principal{
		Tenant: "acme", User: v.name, Expires: time.Now().Add(100 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}
	if v.desk != "" {
		p.Views.Filters = map[realtime.Pattern][]string{"**": {"desk " + v.desk}}
	}
	return p
}

func (v *viewer) disconnect() {
	if v.seat != nil {
		v.seat.end()
		v.seat = nil
	}
}

func (s *seat) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.hub.Disconnect(s.conn)
}

// ask asks for a channel from where the screen stands.
func (s *seat) ask(sc *screen) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	sc.answered, sc.time = false, 0
	since := sc.at
	if sc.loading {
		since = realtime.Position{} // what it has is a part of a snapshot
	}
	sc.asked = strconv.FormatInt(s.v.w.asked.Add(1), 10)
	req := hub.SubscribeRequest{ID: strconv.Quote(sc.asked), Channel: sc.channel, Since: since, Want: sc.want, State: sc.state}
	s.v.w.story.tell("%s %s %s: asks since %s state=%v %+v", s.v.name, s.hub.Instance(), sc.channel.Name(), since, sc.state, sc.want)
	s.mu.Unlock()
	if err := s.hub.Subscribe(s.conn, req); err != nil {
		if realtime.CodeOf(err) == realtime.CodeConflict {
			sc.fail("asks twice")
		}
		s.v.w.story.tell("%s refused: %v", s.v.name, err)
		s.again(sc)
	}
}

// again asks again in a while.
func (s *seat) again(sc *screen) {
	s.v.w.closing.Go(func() {
		time.Sleep(5 * time.Second)
		s.ask(sc)
	})
}

func (s *seat) Beat(time.Time) bool { return true }

func (s *seat) Shut(err *realtime.Error) {
	s.v.w.story.tell("%s is shut: %v", s.v.name, err)
	s.v.w.closing.Go(s.end)
}

func (s *seat) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stuck || !s.box.Begin() {
		return
	}
	if s.slow {
		s.v.w.closing.Go(s.trickle)
		return
	}
	for s.take(1 << 10) { //nolint:revive // it does all
	}
}

func (s *seat) trickle() {
	for pause := time.Millisecond; ; pause = min(2*pause, 40*time.Millisecond) {
		s.mu.Lock()
		if s.over {
			pause = 0
		}
		more := s.take(1)
		s.mu.Unlock()
		if !more {
			return
		}
		time.Sleep(pause)
	}
}

func (s *seat) take(most int) bool {
	frames := s.box.Next(nil, most)
	for _, b := range frames {
		if s.over {
			continue
		}
		f := decode(s.v.w.t, b)
		for _, sc := range s.v.views {
			if f.Channel == sc.channel.Name() {
				sc.hear(s, &f, b)
			}
		}
	}
	return len(frames) > 0
}

func (sc *screen) fail(format string, args ...any) {
	w := sc.v.w
	text := fmt.Sprintf("%s %s state=%v %+v: %s", sc.v.name, sc.channel.Name(), sc.state, sc.want, fmt.Sprintf(format, args...))
	w.story.tell("FAULT %s", text)
	w.fault(text)
}

func (sc *screen) hear(s *seat, f *wire.ServerFrame, raw []byte) {
	w := sc.v.w
	w.heard.Add(1)
	w.story.tell("%s %s %s: %s", sc.v.name, s.hub.Instance(), sc.channel.Name(), raw[2:])
	if d := sc.v.desk; d != "" && sc.v.fixed && strings.Contains(string(raw), "secret-"+string("ab"['b'-d[0]])) {
		sc.fail("is shown what its token hides: %s", raw)
	}
	at, err := realtime.ParsePosition(f.Position)
	if err != nil {
		sc.fail("position: %v", err)
	}
	switch f.Type {
	case wire.TypeOK:
		if string(f.ID) == strconv.Quote(sc.asked) {
			sc.answer(f, at)
		}
	case wire.TypeError:
		if f.Code == realtime.CodeUnavailable {
			w.unavailable.Add(1)
		}
		if len(f.ID) == 0 || string(f.ID) == strconv.Quote(sc.asked) {
			s.again(sc)
		}
	case wire.TypeSnapshot:
		sc.snapshot(f, at)
	case wire.TypeMessage:
		if !sc.answered {
			sc.fail("a message before the answer")
		}
		sc.message(f, at)
	case wire.TypeNotice:
		sc.notice(f, at)
	}
}

func (sc *screen) answer(f *wire.ServerFrame, at realtime.Position) {
	w := sc.v.w
	sc.answered, sc.resumed, sc.seen = true, f.Resumed, false
	w.answers.Add(1)
	if f.Resumed {
		w.resumes.Add(1)
	}
	if sc.state {
		if f.Gap {
			sc.fail("is told gap")
		}
		if sc.loading = !f.Resumed; sc.loading {
			sc.keys = map[string]string{}
		}
	} else if !f.Resumed {
		sc.restart(at)
	}
	sc.stand(at)
}

// restart says that nothing is promised of what was before.
func (sc *screen) restart(realtime.Position) {
	sc.last, sc.events, sc.lost = map[string]string{}, map[string]bool{}, 0
	sc.floor = sc.v.w.truth.len(sc.channel)
}

// stand takes down the newest Position.
func (sc *screen) stand(at realtime.Position) {
	if !at.IsZero() {
		sc.at = at
	}
}

func (sc *screen) snapshot(f *wire.ServerFrame, at realtime.Position) {
	if !sc.state {
		sc.fail("a snapshot")
	}
	if f.Reset {
		sc.keys, sc.loading, sc.resumed, sc.at = map[string]string{}, true, false, realtime.Position{}
	}
	if !sc.loading {
		sc.fail("a snapshot that nobody began")
	}
	for i := range f.Entries {
		e := &f.Entries[i]
		p, err := realtime.ParsePosition(e.Position)
		if _, twice := sc.keys[e.Key]; twice || err != nil {
			sc.fail("%s is twice in a snapshot: %v", e.Key, err)
		}
		sc.keys[e.Key] = p.ID
	}
	if !f.More {
		sc.loading = false
		sc.stand(at)
	}
}

func (sc *screen) message(f *wire.ServerFrame, at realtime.Position) {
	switch {
	case sc.loading:
		sc.fail("a message in the middle of a snapshot")
	case f.Expired && !sc.state:
		sc.fail("%s has expired", f.Key)
	case !sc.state && at.Time < sc.time:
		sc.fail("%s comes behind one of %d", f.Position, sc.time)
	}
	sc.time = max(sc.time, at.Time)
	sc.stand(at)
	if !sc.state {
		if f.Key == "" && !f.Cleared {
			sc.events[at.ID] = true
			return
		}
		sc.last[f.Key] = at.ID
		if f.Left.Sight {
			sc.last[f.Key] = "left"
		}
		return
	}
	switch {
	case f.Cleared:
		clear(sc.keys)
	case f.Key == "":
		if sc.events[at.ID] && !sc.resumed {
			sc.fail("the event %s comes twice", at.ID)
		}
	case f.Deleted, f.Left.Sight:
		delete(sc.keys, f.Key)
	default:
		if sc.keys[f.Key] == at.ID && !sc.resumed && !sc.seen {
			sc.fail("%s of %s comes twice", at.ID, f.Key)
		}
		sc.keys[f.Key] = at.ID
	}
}

func (sc *screen) notice(f *wire.ServerFrame, at realtime.Position) {
	switch f.Code {
	case wire.NoticeGap:
		sc.v.w.gaps.Add(1)
		if sc.state {
			sc.fail("is told gap")
		}
		sc.restart(at)
		sc.stand(at)
	case wire.NoticeDropped:
		sc.lost += f.Count
		if f.Count < 1 {
			sc.fail("%d are dropped", f.Count)
		}
	case "tuned":
		sc.v.w.tuned.Add(1)
	}
}

// judge compares the screen with what is.
func (sc *screen) judge() {
	w := sc.v.w
	if sc.want.Paused {
		return
	}
	if !sc.answered || sc.loading {
		sc.fail("is not answered")
		return
	}
	if sc.state {
		want := map[string]string{}
		for key, m := range w.truth.state(sc.channel) {
			if sc.shows(&m) {
				want[key] = m.ID
			}
		}
		if !maps.Equal(want, sc.keys) {
			sc.fail("has %s, want %s", brief(sc.keys), brief(want))
		}
		w.judged.Add(1)
		return
	}
	newest, events, removed := map[string]realtime.Message{}, 0, map[string]bool{}
	for _, m := range w.truth.messages(sc.channel, sc.floor) {
		if m.Op == realtime.OpDelete { // which is told, by whatever View, if it takes away what has yet to be sent
			removed[m.Key+" "+m.ID] = newest[m.Key].ID != ""
		}
		switch {
		case m.Op == realtime.OpClear:
			clear(newest)
		case !sc.shows(&m):
		case m.Key == "":
			if !sc.events[m.ID] {
				events++
			}
		default:
			newest[m.Key] = m
		}
	}
	for key, m := range newest {
		if got := sc.last[key]; got != m.ID && got != "left" && !removed[key+" "+got] {
			sc.fail("of %q has %s, want %s", key, got, m.ID)
		}
	}
	if events > sc.lost {
		sc.fail("%d events did not come, and it was told that %d did not", events, sc.lost)
	}
	w.judged.Add(1)
}

func brief(m map[string]string) string {
	b, _ := json.Marshal(m)
	return string(b)
}
