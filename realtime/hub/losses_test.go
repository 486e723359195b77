package hub_test

import (
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/wire"
)

// losses judges what the Checker cannot while a tenant is being moved: two topics have two orders then. Whatever a publisher was
// told is stored has come to each client that read its channel, or the client was told gap later than that. A nil one
// takes nothing down.
type losses struct {
	mu      sync.Mutex // guards what follows
	stored  map[realtime.Channel]map[string]int64
	clients map[string]map[realtime.Channel]*account
}

// account is what one client has had of a channel. Times are in ms.
type account struct {
	since int64 // where its first answer stood
	had   map[string]bool
	gap   int64 // when it was last told that something before is missing
}

func newLosses() *losses {
	return &losses{stored: map[realtime.Channel]map[string]int64{}, clients: map[string]map[realtime.Channel]*account{}}
}

// published takes down what a publisher was told of some events that it had first asked for at a moment: what was stored then may
// lie before a gap, and a later try is a repetition.
func (l *losses) published(pubs []realtime.Publication, err error, asked time.Time) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bad := map[string]bool{}
	for _, p := range failed(pubs, err) {
		bad[p.ID] = true
	}
	for _, p := range pubs {
		if bad[p.ID] {
			continue
		}
		if l.stored[p.Channel] == nil {
			l.stored[p.Channel] = map[string]int64{}
		}
		l.stored[p.Channel][p.ID] = asked.UnixMilli()
	}
}

// heard takes down a frame.
func (l *losses) heard(v *visit, c realtime.Channel, f *wire.ServerFrame, at realtime.Position) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	channels := l.clients[v.who.name]
	if channels == nil {
		channels = map[realtime.Channel]*account{}
		l.clients[v.who.name] = channels
	}
	a := channels[c]
	switch {
	case f.Type == wire.TypeOK && string(f.ID) != strconv.Quote(v.asked[c]):
	case f.Type == wire.TypeOK && a == nil:
		channels[c] = &account{since: at.Time, had: map[string]bool{}}
	case f.Type == wire.TypeOK && !f.Resumed, f.Type == wire.TypeNotice:
		a.gap = time.Now().UnixMilli() // its position is where the client stood before what is missing
	case f.Type == wire.TypeMessage:
		a.had[at.ID] = true
	}
}

// judge fails for each event that never came, and was not told to be missing.
func (l *losses) judge(t *testing.T) {
	t.Helper()
	const skew = 1000
	all, missed := 0, 0
	for name, channels := range l.clients {
		for c, a := range channels {
			for id, at := range l.stored[c] {
				if at <= a.since+skew {
					continue // it began to read behind it
				}
				all++
				if a.had[id] {
					continue
				}
				if missed++; a.gap < at-skew {
					t.Errorf("%s %s: %s of %d never came, and the newest gap was told at %d", name, c.Name(), id, at, a.gap)
				}
			}
		}
	}
	if all < 20_000 || missed == 0 || missed > all/10 { // some 5 % are usual, and a little more by single channels
		t.Errorf("%d of %d events were under a gap: too few were tried, or too many missed", missed, all)
	}
}

// A tenant goes from its own topic to a shared one and back while the broker fails, hubs get behind and clients read slowly. Nothing is
// lost unsaid. TIDEWIRE_WORLDS sets how many worlds are tried, TIDEWIRE_SEED the first seed.
func TestMoveLosesNothingUnsaid(t *testing.T) {
	t.Parallel()
	seed := trial.Seed(t)
	for i := range trial.Number(t, "TIDEWIRE_WORLDS", 1) {
		t.Run(strconv.Itoa(seed+i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, uint64(seed+i))
				w.losses = newLosses()
				for i, c := range w.clients {
					c.connect(w.hubs[i%len(w.hubs)])
				}
				flow(w, time.Now().Add(5*time.Minute))
				moveAndBack(w)
				w.close()
				w.losses.judge(t)
			})
		})
	}
}
