package hub_test

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// What readers at a rate are sent costs about what the same bytes cost those who are sent everything: each of them is given at most what its rate allows, and
// the rest is replaced before anything is made of it. TIDEWIRE_READERS is how many there are. The processor time is logged, not judged.
func TestConflatedBytesCostNoMore(t *testing.T) {
	readers := 50
	if s := os.Getenv("TIDEWIRE_READERS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("TIDEWIRE_READERS: %v", err)
		}
		readers = n
	}
	const keys, changes, rate, seconds = 100, 50, 2, 5
	conflated, sent := fanOut(t, readers, rate, keys, changes, seconds)
	if most := int64(readers * keys * rate * (seconds + 1)); sent > most || sent < most/2 {
		t.Errorf("%d messages were sent, of at most %d", sent, most)
	}
	plain, same := fanOut(t, readers, 0, keys, rate, seconds)
	many, _ := fanOut(t, 0, 0, keys, changes, seconds) // what is published to nobody costs that
	few, _ := fanOut(t, 0, 0, keys, rate, seconds)
	t.Logf("%d readers: %d messages conflated from %d took %s of a processor, %s of it to publish them; %d as they came %s, %s of it to publish them: without that %.2f", readers, sent,
		int64(readers*keys*changes*seconds), conflated, many, same, plain, few, (conflated-many).Seconds()/float64(sent)/((plain-few).Seconds()/float64(same)))
}

// fanOut has readers at a rate read a channel whose keys change so many times a second, and returns the processor time and how many messages they were sent.
func fanOut(t *testing.T, readers int, rate float64, keys, changes, seconds int) (took time.Duration, sent int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		pages := make([]*page, readers)
		for i := range pages {
			pages[i] = r.connect(fmt.Sprint("u", i))
			pages[i].quiet = true
			if err := r.hub.Subscribe(pages[i].conn, hub.SubscribeRequest{ID: "1", Channel: r.channel("prices:fx"), Want: hub.Want{MaxRate: rate}}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		counted := func() (n int64) {
			for _, p := range pages {
				n += p.bytes.Load()
			}
			return n
		}
		before, from := counted(), processor(t)
		for range changes * seconds {
			for k := range keys {
				p := []realtime.Publication{{Channel: r.channel("prices:fx"), Key: fmt.Sprint("k", k+100), Data: []byte(`{"bid":1.08412,"ask":1.08415}`)}}
				if err := r.pub.Publish(t.Context(), r.tenant, p); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second / time.Duration(changes))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		took = processor(t) - from
		bytes := counted() - before
		sent = bytes / messageSize(t, r)
	})
	return took, sent
}

// messageSize is how many bytes one of these messages has.
func messageSize(t *testing.T, r *rig) int64 {
	t.Helper()
	q := r.connect("two")
	q.quiet = true
	r.subscribe(q, "prices:fx", realtime.Position{}, 0)
	before := q.bytes.Load()
	if err := r.pub.Publish(t.Context(), r.tenant, []realtime.Publication{{Channel: r.channel("prices:fx"), Key: "k100", Data: []byte(`{"bid":1.08412,"ask":1.08415}`)}}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return q.bytes.Load() - before
}

// processor is the processor time that the process has taken.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
