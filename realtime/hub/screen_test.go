package hub_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// screen is what a viewer has of a channel.
type screen struct {
	v       *viewer
	channel realtime.Channel
	state   bool
	want    hub.Want

	keys     map[string]string // key to the ID of its value
	ends     map[string]int64  // when the time of a key is over, ms; 0 is never
	at       realtime.Position // the newest that it was told
	view     string            // by which it has what it has
	loading  bool              // a snapshot is under way
	resumed  bool              // by the last answer
	seen     bool              // what it is shown has changed since the last answer
	answered bool
	asked    string
	last     map[string]string // without state: key to the ID of what came last
	floorAt  realtime.Position // what is not later than this need not come either
	floor    int               // without state: from which of the channel's events on all must have come
	time     int64             // publish time of what came last on this connection
	lost     int               // events without key that it was told are dropped
	events   map[string]bool
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
	if d, ok := strings.CutPrefix(s.v.w.tenant.Load().Rules(s.channel.Namespace()).Enforce, "desk "); ok && m.Tags["desk"] != d {
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
	case wire.TypeChanges:
		sc.changes(f, at)
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
		sc.view = f.View
	} else if !f.Resumed {
		sc.restart(at)
	}
	sc.stand(at)
}

// restart says that nothing is promised of what was before.
func (sc *screen) restart(at realtime.Position) {
	sc.floorAt = at
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
		if was, twice := sc.keys[e.Key]; twice && !older(was, sc.identity(e)) { // it may have been removed and set again meanwhile
			sc.fail("%s is twice in a snapshot", e.Key)
		}
		sc.put(e, sc.identity(e))
	}
	if !f.More {
		sc.loading, sc.view = false, f.View
		sc.stand(at)
	}
}

// changes takes what a reader is sent who does not keep up: the newest of some keys, each of them newer than what it has.
func (sc *screen) changes(f *wire.ServerFrame, at realtime.Position) {
	if !sc.state || sc.loading || !sc.answered || len(f.Entries) == 0 {
		sc.fail("changes out of place")
	}
	for i := range f.Entries {
		switch e := &f.Entries[i]; {
		case e.Deleted, e.Left.Sight:
			delete(sc.keys, e.Key)
		default:
			id := sc.identity(e)
			if sc.keys[e.Key] == shown(e, id) && !sc.resumed && !sc.seen {
				sc.fail("%s of %s comes twice", id, e.Key)
			}
			sc.put(e, id)
		}
	}
	sc.v.w.rounds.Add(1)
	sc.stand(at)
}

// identity is the ID of an entry: what is transient has it in its data.
func (sc *screen) identity(e *wire.ServerFrame) string {
	if id, ok := strings.CutPrefix(string(e.Data), `"passes `); ok && e.Position == "" {
		return strings.TrimSuffix(id, `"`)
	}
	p, err := realtime.ParsePosition(e.Position)
	if err != nil || p.IsZero() {
		sc.fail("%s is at %q: %v", e.Key, e.Position, err)
	}
	return p.ID
}

func (sc *screen) message(f *wire.ServerFrame, at realtime.Position) {
	switch {
	case sc.loading && (f.Key != "" || f.Cleared): // an event that is owed comes before the snapshot
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
		if sc.keys[f.Key] == shown(f, at.ID) && !sc.resumed && !sc.seen && strict {
			sc.fail("%s of %s comes twice", at.ID, f.Key)
		}
		sc.put(f, at.ID)
	}
}

// put takes down the value of a key, which a client removes itself when its time is over.
func (sc *screen) put(f *wire.ServerFrame, id string) {
	if sc.ends == nil {
		sc.ends = map[string]int64{}
	}
	sc.keys[f.Key], sc.ends[f.Key] = shown(f, id), f.ExpiresAt
}

// shown is what a row is of a value: its data too, or not.
func shown(f *wire.ServerFrame, id string) string {
	if string(f.Data) == "null" {
		return blinded(id)
	}
	return id
}

// older reports whether what is shown of a row is of an event that was published before another: their IDs are their numbers.
func older(shown, id string) bool {
	was, err := strconv.Atoi(strings.TrimSuffix(shown, blinded("")))
	is, err2 := strconv.Atoi(id)
	return err == nil && err2 == nil && was < is
}

func blinded(id string) string { return id + " without data" }

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
	case wire.NoticeTuned:
		sc.v.w.tuned.Add(1)
	case wire.NoticeView:
		sc.view = f.View
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
		maps.DeleteFunc(sc.keys, func(key, _ string) bool { return sc.ends[key] > 0 && sc.ends[key] <= time.Now().UnixMilli() })
		want := map[string]string{}
		for key, m := range w.truth.state(sc.channel) {
			if sc.shows(&m) {
				if want[key] = m.ID; sc.v.blind {
					want[key] = blinded(m.ID)
					if has, ok := strings.CutSuffix(sc.keys[key], blinded("")); ok && w.truth.alike(sc.channel, has, m.ID) {
						want[key] = sc.keys[key]
					}
				}
			}
		}
		if !maps.Equal(want, sc.keys) {
			sc.fail("has %s, want %s", brief(sc.keys), brief(want))
		}
		w.judged.Add(1)
		return
	}
	sc.floor = max(sc.floor, w.truth.after(sc.channel, sc.floorAt))
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
		got := sc.last[key]
		if got != m.ID && got != "left" && !removed[key+" "+got] && (!sc.v.blind || !w.truth.alike(sc.channel, got, m.ID)) {
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

// strict has screens judge too that nothing comes twice.
const strict = true
