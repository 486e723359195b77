package state_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// tell has a story told in a world with a stream that has come as far as there is something.
func tell(t *testing.T, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.during = func() {}
		w.follow(false)
		w.hearAll()
		w.pass(2 * time.Minute)
		story(w)
		for len(w.reads) > 0 {
			w.leave(0)
		}
	})
}

func (w *world) hearAll() {
	for _, g := range w.gens() {
		for g.hear() { //nolint:revive // it does all
		}
	}
}

// channel returns one of those of the world.
func (w *world) channel(name string) realtime.Channel {
	i := slices.IndexFunc(w.chans, func(c realtime.Channel) bool { return c.Name() == name })
	return w.chans[i]
}

// set publishes a value that all streams hear.
func (w *world) set(c realtime.Channel, key string) realtime.Message {
	m := w.event(&w.pubs[0], c, key)
	w.put(m)
	w.hearAll()
	return m
}

// remove removes one.
func (w *world) remove(c realtime.Channel, key string) {
	m := w.event(&w.pubs[0], c, key)
	m.Op, m.Data = realtime.OpDelete, nil
	w.put(m)
	w.hearAll()
}

// prove has a fence come back from a channel.
func (w *world) prove(c realtime.Channel) {
	w.locked(func() { w.cur.set.Prepare(c) })
	w.cur.work()
	w.hearAll()
}

// lose publishes what no stream hears.
func (w *world) lose(m realtime.Message) {
	m.Time = time.UnixMilli(time.Now().UnixMilli())
	w.log = append(w.log, m)
}

// asks has somebody ask for a state, and reports whether it is known. If so it is true.
func (w *world) asks(c realtime.Channel) bool {
	w.t.Helper()
	w.subscribe(c)
	for range 3 {
		w.load()
		w.hearAll() // and the fence
	}
	r := w.reads[len(w.reads)-1]
	if !r.reader.On() {
		w.reads = w.reads[:len(w.reads)-1]
		return false
	}
	w.locked(func() { w.compare(c, w.states.Of(c, true)) })
	return true
}

func (w *world) known(want bool, c realtime.Channel, when string) {
	w.t.Helper()
	if got := w.asks(c); got != want {
		w.t.Errorf("%s, the state is known: %v, want %v", when, got, want)
	}
}

// A state that somebody reads is loaded until a checkpoint is newer than the doubt, and not only once.
func TestDoubtsLastUntilTheyAreSettled(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		c := w.channel("kept:1")
		w.set(c, "a")
		w.set(c, "b")
		w.save()
		w.known(true, c, "at first")
		w.lose(w.event(&w.pubs[1], c, "a"))
		w.locked(func() { w.states.Doubt(c) })
		w.pass(40 * time.Second)
		w.load() // what is stored is older
		w.pass(40 * time.Second)
		w.save()
		w.pass(40 * time.Second)
		w.load()
		w.locked(func() { w.compare(c, w.states.Of(c, true)) })
	})
}

// What has come of a channel that nobody reads is in its state, though its record is over before somebody asks.
func TestChannelsThatNobodyReadsAreKept(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		c := w.channel("brief:1")
		w.set(c, "a")
		w.save()
		w.set(c, "b")
		w.pass(30 * time.Second)
		w.known(true, c, "long after")
	})
	tell(t, func(w *world) {
		c := w.channel("brief:1")
		w.set(c, "a")
		w.pass(10 * time.Minute)
		w.save()
		w.follow(false)
		w.hearAll()
		w.set(c, "b") // which is held back, until the replay has certainly come
		w.pass(90 * time.Second)
		w.known(true, c, "when a stream is new")
	})
}

// A checkpoint that is older than the removals that are remembered brings nothing back.
func TestOldCheckpointsBringNothingBack(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		c := w.channel("kept:1")
		w.set(c, "a")
		w.set(c, "b")
		w.save()
		w.prove(c)
		w.remove(c, "a")
		w.pass(memory + time.Minute)
		w.known(false, c, "with a keeper that is dead")
		w.save()
		w.known(true, c, "when it lives")
	})
}

// A state that is first opened after its rule was taken away and given again lacks what came meanwhile, though
// the stream has forgotten that.
func TestStatesLackWhatWasNotKept(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		c := w.channel("flips:1")
		w.save()
		w.obey(false)
		w.set(c, "a")
		w.pass(4 * time.Minute)
		w.obey(true)
		w.pass(time.Minute)
		w.known(false, c, "with an older checkpoint")
		w.pass(time.Minute)
		w.save()
		w.known(true, c, "with a newer one")
	})
}

// What expires while it is loaded takes the place of what was before it all the same.
func TestWhatExpiresWhileItIsLoaded(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		c := w.channel("kept:1")
		w.set(c, "a")
		w.save()
		w.known(true, c, "at first")
		m := w.event(&w.pubs[1], c, "a")
		m.TTL = 2*time.Minute + time.Second
		w.lose(m)
		w.locked(func() { w.states.Doubt(c) })
		w.pass(2 * time.Minute)
		w.save()
		w.during = func() { w.pass(2 * time.Second) }
		w.load()
		w.pass(20 * time.Second)
		w.during = func() {}
		w.load()
		w.locked(func() { w.compare(c, w.states.Of(c, true)) })
	})
}

// A value that came after the moment from which all is known is not removed because the keeper has not heard of it yet.
func TestWhatTheKeeperHasYetToHear(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		c := w.channel("kept:1")
		w.prove(c)
		w.set(c, "a")
		w.saved = 0
		w.watermark = time.UnixMilli(time.Now().UnixMilli() + 1) // the channel stalls on its way to the keeper
		w.known(true, c, "while the keeper lags")
	})
}

// byDesk is a filter by a tag.
type byDesk string

func (d byDesk) Match(p *realtime.Publication, _ *view.Memo) bool { return p.Tags["desk"] == string(d) }
func (d byDesk) ID() string                                       { return string(d) }

type desks struct{}

func (desks) Compile(source string, _ view.Viewer) (view.Filter, error) { return byDesk(source), nil }

// A reader that moves to another stream before it has been told what went out of its sight is told so there.
func TestWhatLeavesBeforeAMove(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		c := w.channel("kept:1")
		desk := func(d string) {
			m := w.event(&w.pubs[0], c, "row")
			m.Tags = map[string]string{"desk": d}
			w.put(m)
			w.hearAll()
		}
		desk("a")
		w.save()
		v, err := view.NewBuilder(desks{}).Build(&view.Rules{Filter: "a"})
		if err != nil {
			t.Fatal(err)
		}
		w.subscribeAs(c, v, channel.Pace{State: true, Rate: 0.1})
		w.load()
		w.hearAll()
		desk("b")
		w.follow(false)
		w.cur.work()
		w.hearAll() // and moves
		w.pass(20 * time.Second)
		if got, want := w.reads[0].told, []string{"row leave"}; !slices.Equal(got, want) || w.next != nil {
			t.Errorf("it was told %q, want %q; moved: %v", got, want, w.next == nil)
		}
	})
}

// The states of a tenant have a bound together: those that nobody reads are given up, the least used first, and are known again by
// the next checkpoint. When those that somebody reads take it all, others are refused, and so is what would make them grow.
func TestStatesOfATenantHaveABound(t *testing.T) {
	t.Parallel()
	tell(t, func(w *world) {
		w.limits.RecordBytes = 64 << 10
		w.obey(true)
		fill := func(c realtime.Channel, keys int) {
			for i := range keys {
				m := w.event(&w.pubs[0], c, strconv.Itoa(i))
				m.Data = []byte(strconv.Quote(strings.Repeat("x", 1000)))
				w.put(m)
			}
			w.hearAll()
		}
		size := func(c realtime.Channel) (bytes int) {
			w.locked(func() { _, bytes = w.states.Of(c, true).Table.Size() })
			return bytes
		}
		first, second := w.channel("kept:1"), w.channel("kept:2")
		fill(second, 30)
		w.save()
		w.known(true, second, "while there is room")
		w.leave(0)
		w.pass(time.Second)
		fill(first, 30)
		w.save()
		w.known(false, first, "while there is none")
		w.sweep()
		if a, b := size(first), size(second); a == 0 || b > 0 {
			t.Errorf("%d and %d bytes are left; the second was of use longer ago", a, b)
		}
		w.known(true, first, "when there is room again")
		fill(first, 60)
		w.pass(2 * time.Minute)
		w.save()
		w.known(false, second, "while the one that is read takes all")
		full := func(c realtime.Channel, key string, bytes int) (err *realtime.Error) {
			w.locked(func() { err = w.states.Full(c, key, bytes) })
			return err
		}
		if err := full(second, "new", 10); err == nil || err.Code != realtime.CodeLimited || err.Limit != "recordBytes" {
			t.Errorf("a new key: %v", err)
		}
		if err := full(first, "1", 10); err != nil {
			t.Errorf("a key that is there: %v", err)
		}
	})
}
