package outbox

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// written is what a writer has taken, and when.
type written struct {
	mu    sync.Mutex
	at    []time.Time
	bytes []int
}

func (w *written) flush(o *Outbox) {
	if !o.Begin() {
		return
	}
	for frames := o.Next(nil, 64<<10); len(frames) > 0; frames = o.Next(nil, 64<<10) {
		w.mu.Lock()
		for _, f := range frames {
			w.at, w.bytes = append(w.at, time.Now()), append(w.bytes, len(f))
		}
		w.mu.Unlock()
	}
}

// count is how many frames there were, when all is quiet.
func (w *written) count() int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.bytes)
}

func framed(n int) Frame { return Frame{Bytes: make([]byte, n)} }

// Whatever is queued, by whichever way, in no time more is written than the rate makes of it and a quarter of a second, or the largest frame; and all of
// it is written in the end, without anybody who asks for it.
func TestBucket(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			rate := int64(1000 + r.IntN(50_000))
			o := New(nil, &Limits{Messages: 1 << 20, Bytes: 1 << 30})
			var w written
			flush := func() { w.flush(o) }
			var mu sync.Mutex         // guards left
			left := 20 + r.IntN(400)  // of a replay
			size := 21 + r.IntN(2000) // of its frames
			refill := func() {
				mu.Lock()
				defer mu.Unlock()
				for left > 0 && o.Replay(realtime.Channel{}, 1, framed(size)) {
					left--
				}
				if left == 0 {
					o.EndReplays()
				}
			}
			o.ReplayFrom(refill)
			Pace(o, rate, flush)
			refill()
			const largest = 2100
			for range 200 {
				switch r.IntN(3) {
				case 0, 1:
					n := 21 + r.IntN(2000)
					o.Push(&Delivery{Frame: framed(n), Policy: "disconnect"})
				case 2:
					o.Control(framed(20))
				}
				flush()
				time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !o.Empty() || left > 0 {
				t.Errorf("seed %d: %d of the replay are left", seed, left)
			}
			burst := max(float64(rate)*burstPart, float64(largest))
			for i := range w.at {
				sum := 0.0
				for j := i; j < len(w.at) && j < i+200; j++ {
					if w.bytes[j] != 20 { // control frames do not wait
						sum += float64(w.bytes[j])
					}
					if most := float64(rate)*w.at[j].Sub(w.at[i]).Seconds() + burst + 1; sum > most {
						t.Fatalf("seed %d: %v bytes within %v, at %d a second", seed, sum, w.at[j].Sub(w.at[i]), rate)
					}
				}
			}
			o.Close()
		})
	}
}

// Control frames do not wait, and count. Without a rate what has waited comes at once, and what is closed wakes nobody.
func TestBucketEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := New(nil, &Limits{Messages: 100, Bytes: 1 << 20})
		var w written
		flush := func() { w.flush(o) }
		Pace(o, 1000, flush)
		for range 10 {
			o.Push(&Delivery{Frame: framed(250), Policy: "disconnect"})
		}
		flush()
		if w.count() != 1 {
			t.Errorf("%v were written at once", w.bytes)
		}
		o.Control(framed(500))
		flush()
		if w.count() != 2 {
			t.Error("a control frame waits")
		}
		time.Sleep(700 * time.Millisecond)
		if w.count() != 2 {
			t.Error("the control frame did not count")
		}
		time.Sleep(100 * time.Millisecond)
		if w.count() != 3 {
			t.Errorf("%v: the timer has not woken the writer", w.bytes)
		}
		Pace(o, 0, flush)
		if w.count() != 11 {
			t.Errorf("%v were written without a rate", w.bytes)
		}
		Pace(o, 1000, flush)
		o.Push(&Delivery{Frame: framed(2000), Policy: "disconnect"})
		o.Push(&Delivery{Frame: framed(2000), Policy: "disconnect"})
		flush()
		o.Close()
		Pace(o, 1000, flush)
		time.Sleep(time.Hour)
		if w.count() != 12 {
			t.Errorf("%v were written after the end", w.bytes)
		}
	})
}
