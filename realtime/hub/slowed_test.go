package hub_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A reader at a rate that does not take what it is given has its rate lowered, whether a flush is less than what may be queued for it at once or far more, and
// raised again when it reads. It is told both, and never of more or of less than there is.
func TestSlowReadersAreSlowed(t *testing.T) {
	t.Parallel()
	for _, keys := range []int{1, 3, 10, 40} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const rate = 8
				r := newRig(t, acmeTenant())
				ann := r.connect("ann")
				ann.box.LimitReplays(2000)
				if err := r.hub.Subscribe(ann.conn, hub.SubscribeRequest{ID: "1", Channel: r.channel("prices:a"), Want: hub.Want{MaxRate: rate}}); err != nil {
					t.Fatal(err)
				}
				n := 0
				last := map[string]string{}
				publish := func(steps int) {
					for range steps {
						for key := range keys {
							n++
							p := realtime.Publication{Channel: r.channel("prices:a"), ID: fmt.Sprint(n), Key: fmt.Sprint(key), Data: fmt.Appendf(nil, `"%300d"`, n)}
							if err := r.pub.Publish(context.Background(), r.tenant, []realtime.Publication{p}); err != nil {
								t.Fatal(err)
							}
							last[p.Key] = p.ID
						}
						time.Sleep(100 * time.Millisecond)
					}
					synctest.Wait()
				}
				got := map[string]string{}
				var told []float64
				read := func() {
					synctest.Wait()
					for _, f := range ann.take() {
						if f.Code == wire.NoticeTuned {
							told = append(told, f.MaxRate)
						}
						if f.Key != "" {
							got[f.Key] = f.Position[len("946684800000-"):]
						}
					}
				}
				publish(10)
				read()
				if len(told) > 0 {
					t.Errorf("a reader that reads is told %v", told)
				}
				ann.mu.Lock()
				ann.stuck = true
				ann.mu.Unlock()
				publish(50)
				ann.mu.Lock()
				ann.stuck = false
				ann.mu.Unlock()
				ann.Flush()
				read()
				if len(told) == 0 || told[len(told)-1] >= rate {
					t.Errorf("who has not read for 5 s is told %v", told)
				}
				for range 8 {
					publish(100)
					read()
				}
				if len(told) < 2 || told[len(told)-1] != rate {
					t.Errorf("who reads again is told %v", told)
				}
				time.Sleep(time.Second)
				read()
				for key, want := range last {
					if got[key] != want {
						t.Errorf("%s is at %s, want %s", key, got[key], want)
					}
				}
			})
		})
	}
}
