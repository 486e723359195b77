package hub_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// sipper is a reader of one channel who takes frames one after the other, and knows all that was published.
type sipper struct {
	*page
	writing bool
	at      int // the number of the Publication it has had last
	asked   bool
	dropped int // told, not found missing yet
}

// sea is one channel with slow readers.
type sea struct {
	*rig
	rand    *rand.Rand
	window  int
	policy  realtime.Overflow
	sent    int         // Publications are numbered from 1
	keys    []int       // of each, by number
	newest  map[int]int // the number of the newest of each key
	times   []int64     // of each, by number
	readers []*sipper
	gaps    int
	closed  int
}

const seaChannel, seaKeys = "prices:fx", 5

// TestReplayModel: many slow readers of one channel, whose record forgets quickly. Each is given the
// successor of what it had last, or a gap that leads to the newest of what was evicted and not
// further, and when all is read, everything. Where the channel conflates, what is left out
// has a newer one of its key.
func TestReplayModel(t *testing.T) {
	t.Parallel()
	for _, policy := range []realtime.Overflow{realtime.OverflowDisconnect, realtime.OverflowConflate, realtime.OverflowDropOldest} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(policy, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { sail(t, policy, seed) })
			})
		}
	}
}

func sail(t *testing.T, policy realtime.Overflow, seed uint64) {
	t.Helper()
	s := &sea{rand: rand.New(rand.NewPCG(seed, 3)), window: 20 + int(seed)*30, policy: policy, newest: map[int]int{}, times: []int64{0}, keys: []int{0}}
	tenant := acmeTenant()
	tenant.Namespaces = map[string]realtime.Namespace{"prices": {Window: s.window, Overflow: policy}}
	tenant.Limits.QueueMessages = 40
	s.rig = newRig(t, tenant)
	for i := range 6 {
		s.readers = append(s.readers, s.newSipper(i))
	}
	s.publish(3)
	for range 3000 {
		x := s.readers[s.rand.IntN(len(s.readers))]
		switch n := s.rand.IntN(100); {
		case n < 30:
			s.publish(1 + s.rand.IntN(3))
		case n < 31:
			s.publish(s.window)
		case n < 34:
			s.hub.Disconnect(x.conn)
			*x = *s.newSipper(x.at)
		case n < 37 && x.asked:
			if !s.hub.Unsubscribe(x.conn, s.channel(seaChannel), "") {
				t.Fatal("there was no subscription")
			}
			s.ask(x)
		case n < 97:
			s.sip(x, 1+s.rand.IntN(4))
		default:
			time.Sleep(time.Duration(s.rand.IntN(3)) * time.Second)
		}
	}
	for _, x := range s.readers {
		for s.sip(x, 100) { //nolint:revive // until all is read
		}
		if x.at != s.sent {
			t.Errorf("a reader has read all and is at %d of %d", x.at, s.sent)
		}
		if n, bytes := x.box.Len(); n != 0 || bytes != 0 {
			t.Errorf("%d frames and %d bytes are left", n, bytes)
		}
	}
	if s.gaps == 0 {
		t.Error("no reader was overtaken: the test is too calm")
	}
	t.Logf("%d published, %d gaps, %d closed", s.sent, s.gaps, s.closed)
}

func (s *sea) newSipper(at int) *sipper {
	x := &sipper{page: s.connect("ann")}
	x.stuck = true // it reads by sip alone
	x.box.LimitReplays(2 + s.rand.IntN(2000))
	x.at = at
	s.ask(x)
	return x
}

func (s *sea) ask(x *sipper) {
	x.asked = false
	since := realtime.Position{}
	if x.at > 0 && x.at < len(s.times) {
		since = realtime.Position{Time: s.times[x.at], ID: strconv.Itoa(x.at)}
	}
	s.subscribe(x.page, seaChannel, since, 0)
}

func (s *sea) publish(n int) {
	for range n {
		s.sent++
		key := s.rand.IntN(seaKeys)
		s.newest[key] = s.sent
		s.keys = append(s.keys, key)
		s.times = append(s.times, time.Now().UnixMilli())
		pubs := []realtime.Publication{{Channel: s.rig.channel(seaChannel), ID: strconv.Itoa(s.sent), Key: strconv.Itoa(key), Data: []byte("1")}}
		if err := s.pub.Publish(context.Background(), s.tenant, pubs); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	synctest.Wait()
}

// sip reads some frames; it reports whether there were any.
func (s *sea) sip(x *sipper, n int) (any bool) {
	for range n {
		if !x.writing && !x.box.Begin() {
			return any
		}
		x.writing = true
		frames := x.box.Next(nil, 1)
		if len(frames) == 0 {
			x.writing = false
			return any
		}
		any = true
		for _, f := range frames {
			s.hear(x, decode(s.t, f))
		}
		if x.ended() != nil {
			s.closed++
			s.hub.Disconnect(x.conn)
			*x = *s.newSipper(x.at)
		}
	}
	return any
}

func (s *sea) hear(x *sipper, f wire.ServerFrame) {
	at := 0
	if p, err := realtime.ParsePosition(f.Position); err == nil && p.ID != "" {
		at, _ = strconv.Atoi(p.ID)
	}
	switch {
	case f.Type == wire.TypeOK && f.Resumed:
		x.asked = true
	case f.Type == wire.TypeOK:
		x.asked, x.at = true, at
	case f.Type == wire.TypeNotice && f.Code == "gap":
		s.gaps++
		if at <= x.at || at > s.sent-s.window {
			s.t.Fatalf("gap from %d to %d; the record begins behind %d", x.at, at, s.sent-s.window)
		}
		x.at = at
	case f.Type == wire.TypeMessage:
		if at <= x.at {
			s.t.Fatalf("%d comes after %d", at, x.at)
		}
		for missing := x.at + 1; missing < at; missing++ {
			if s.policy == realtime.OverflowConflate && s.newest[s.keys[missing]] > missing {
				continue
			}
			if x.dropped--; x.dropped < 0 {
				s.t.Fatalf("%d comes after %d, and %d is missing", at, x.at, missing)
			}
		}
		x.at = at
	case f.Type == wire.TypeNotice:
		x.dropped += f.Count
	}
}
