package budget

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// shelf is a Keeper that has so many bytes of records by the second of publishing, and of queues.
type shelf struct {
	budget *Budget
	bytes  map[int64]int
	queues int64
	until  int64 // of the last call
	closed int64
}

func (s *shelf) add(second int64, n int) {
	s.bytes[second] += n
	s.budget.Take(n, second*1000+500)
}

func (s *shelf) GiveUpUntil(ms int64) {
	s.until = ms
	for second, n := range s.bytes {
		if second*1000+500 <= ms {
			s.budget.Take(-n, second*1000+500)
			delete(s.bytes, second)
		}
	}
}

func (s *shelf) CloseSlowest(n int64) int64 {
	s.closed = min(n, s.queues)
	s.queues -= s.closed
	return s.closed
}

func (s *shelf) makeRoom(now time.Time) {
	s.until, s.closed = 0, 0
	s.budget.MakeRoom(now, s, slog.New(slog.DiscardHandler))
}

// No more goes than has to, of what is oldest, and what is given back is not counted.
func TestMakeRoomTakesTheOldest(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 600_000_000)
	for name, tt := range map[string]struct {
		room    int
		seconds int // of records, a thousand bytes each, the last of them now
		left    int
	}{
		"enough":         {10_000, 10, 10},
		"nothing":        {10_000, 0, 0},
		"one too many":   {16_000, 17, 15}, // a sixteenth more than has to
		"half":           {16_000, 31, 15},
		"all":            {1000, 600, 0},
		"older than all": {16_000, seconds - 3, 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{budget: New(tt.room), bytes: map[int64]int{}}
			for i := range tt.seconds {
				s.add(now.Unix()-int64(i), 1000)
			}
			s.makeRoom(now)
			if len(s.bytes) != tt.left || s.budget.Records() != int64(tt.left)*1000 {
				t.Errorf("%d seconds are left, %d bytes are counted; want %d seconds", len(s.bytes), s.budget.Records(), tt.left)
			}
			for second := range s.bytes {
				if second <= now.Unix()-int64(tt.left) {
					t.Errorf("second %d is left, with older ones gone that are newer", second-now.Unix())
				}
				if got := s.budget.Published(time.Unix(second, 0)); got != 1000 {
					t.Errorf("%d bytes of second %d", got, second-now.Unix())
				}
			}
			for i := range int64(seconds) {
				at := now.Unix() - i
				if _, kept := s.bytes[at]; !kept && s.budget.Published(time.Unix(at, 0)) != 0 {
					t.Errorf("bytes of second %d are counted, which is gone", -i)
				}
			}
		})
	}
}

// A process is short by what it uses, too; each round of the collector is acted on once.
func TestMeasured(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 600_000_000)
	inUse, round := int64(0), uint64(7)
	s := &shelf{bytes: map[int64]int{}, queues: 1 << 20}
	s.budget = Measured(16_000, func() (int64, uint64) { return inUse, round })
	s.add(now.Unix(), 1000)
	s.makeRoom(now)
	if s.until != 0 || s.closed != 0 {
		t.Fatal("it is not short of anything")
	}
	inUse, round = 20_000, 8
	s.makeRoom(now)
	if len(s.bytes) != 0 || s.closed != 4000 {
		t.Errorf("%d bytes of records are left, %d of queues are closed; want all, and what is short then: 4000", s.budget.Records(), s.closed)
	}
}

// A connection is refused, with a time, only while there is no room for it.
func TestConnect(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 600_000_000)
	inUse, round := int64(0), uint64(0)
	s := &shelf{bytes: map[int64]int{}}
	s.budget = Measured(10*socketCost, func() (int64, uint64) { round++; return inUse, round })
	refused := func(what string, want bool) {
		t.Helper()
		err := s.budget.Connect("c1")
		if (err != nil) != want {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && (err.Code != realtime.CodeUnavailable || err.RetryAfter < retryAfter) {
			t.Errorf("%s: %v, again after %v", what, err, err.RetryAfter)
		}
	}
	for i := range 10 {
		refused(fmt.Sprint("connection ", i), false)
	}
	refused("one more than there is room for", true)
	s.budget.Disconnect()
	refused("when one has gone", false)
	s.budget.Disconnect()
	inUse = 1 << 30
	s.makeRoom(now)
	refused("while memory is short", true)
	inUse = 0
	s.makeRoom(now)
	refused("when it is not any more", false)
	inUse = 1 << 30
	s.makeRoom(now)
	for range 10 {
		s.budget.Disconnect()
	}
	refused("when all have gone, and with them whoever looks", false)
}

// Whoever waits is told when records grow beyond what there is, and not before.
func TestShort(t *testing.T) {
	t.Parallel()
	b := New(1000)
	short := func() bool {
		select {
		case <-b.Short():
			return true
		default:
			return false
		}
	}
	b.Take(1000, 0)
	if short() || b.Over() {
		t.Error("it is just full")
	}
	b.Take(1, 0)
	b.Take(1, 0)
	if !b.Over() || !short() || short() {
		t.Error("it was not told, or twice")
	}
	b.Take(-2, 0)
	if b.Over() || short() {
		t.Error("it is told of what was given back")
	}
}

// That memory is short is logged once a minute.
func TestMakeRoomSaysSo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 600_000_000)
	s := &shelf{budget: New(1000), bytes: map[int64]int{}}
	for _, after := range []time.Duration{0, time.Second, 59 * time.Second, time.Minute} {
		s.add(now.Unix(), 2000)
		s.budget.MakeRoom(now.Add(after), s, slog.New(slog.NewTextHandler(&out, nil)))
	}
	if n := strings.Count(out.String(), "memory is short"); n != 2 {
		t.Errorf("it was said %d times in a minute, want twice:\n%s", n, out.String())
	}
}

// A nil Budget has no bound.
func TestNil(t *testing.T) {
	t.Parallel()
	var b *Budget
	b.Take(1<<40, 1)
	if err := b.Connect("c1"); err != nil || b.Over() {
		t.Errorf("%v, over: %t", err, b.Over())
	}
	b.Disconnect()
}
