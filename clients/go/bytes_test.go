package tidewire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// A reader with a line of 56 kbit/s stays connected to state that changes by 2 Mbit/s, is sent no more than its line takes, and is never far behind.
func TestSlowLineOfKeyedState(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		const line = 7000 // bytes a second
		var waited int
		c := d.client("ann", func(o *Options) {
			o.MaxBytesPerSecond = line
			o.OnState = func(s State) {
				if s.Phase == PhaseWaiting {
					waited++
				}
			}
			o.Token = d.token("ann", 2*time.Hour)
		})
		defer c.Close()
		producer := d.client("producer", func(o *Options) { o.Token = d.token("producer", 2*time.Hour) })
		defer producer.Close()
		view, err := c.View("fleet:eu", ViewOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer view.Close()
		<-view.Ready()
		const keys, minutes = 10, 10
		pad := strings.Repeat("x", 200) // some 300 bytes a message, 800 a second: 2 Mbit/s
		newest := map[string]int64{}
		var behind []time.Duration
		begun := time.Now()
		var confirmed *Confirmation
		for n := 0; time.Since(begun) < minutes*time.Minute; n++ {
			key := "v" + strconv.Itoa(n%keys)
			newest[key] = time.Now().UnixMilli()
			if confirmed, err = producer.Enqueue(t.Context(), Event{Channel: "fleet:eu", Key: key, Data: json.RawMessage(fmt.Sprintf(`{"at":%d,"pad":%q}`, newest[key], pad))}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second / 800)
			if n%100 != 0 || time.Since(begun) < 10*time.Second {
				continue
			}
			for _, m := range view.All() {
				behind = append(behind, time.Since(m.Time))
			}
		}
		if _, err := confirmed.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(behind)
		p99 := behind[len(behind)*99/100]
		t.Logf("staleness: p50 %v, p99 %v, at most %v", behind[len(behind)/2], p99, behind[len(behind)-1])
		if p99 > 2*time.Second {
			t.Errorf("p99 of staleness: %v", p99)
		}
		if s := c.State(); waited > 0 || s.Phase != PhaseLive {
			t.Errorf("it was disconnected %d times: %+v", waited, s)
		}
		time.Sleep(10 * time.Second)
		for key, at := range newest { // the last value of each arrives
			if m, ok := view.Get(key); !ok || !strings.Contains(string(m.Data), fmt.Sprintf(`{"at":%d,`, at)) {
				t.Errorf("%s is not what it was last", key)
			}
		}
	})
}

// What is asked for holds on the next connection as well, and what cannot be is refused with the name of the field.
func TestMaxBytesPerSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int64{-1, 1, 999, 1_000_000_001} {
			if _, err := New(Options{URL: "http://a", Token: StaticToken("t"), MaxBytesPerSecond: n}); realtime.CodeOf(err) != realtime.CodeBadRequest || !strings.Contains(err.Error(), "MaxBytesPerSecond") {
				t.Errorf("%d: %v", n, err)
			}
		}
		s, c := fakeServer(t, func(o *Options) { o.MaxBytesPerSecond = 5000 })
		defer c.Close()
		if hello := s.newest().taken("connect"); hello[0].MaxBytesPerSecond != 5000 {
			t.Errorf("%+v", hello)
		}
		done := make(chan error)
		go func() { done <- c.SetMaxBytesPerSecond(t.Context(), 7000) }()
		asked := s.newest().taken("tune")
		if len(asked) != 1 || asked[0].MaxBytesPerSecond != 7000 || asked[0].Channel != "" {
			t.Fatalf("%+v", asked)
		}
		s.newest().give(fmt.Sprintf(`{"type":"ok","id":%s,"maxBytesPerSecond":7000}`, asked[0].ID))
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.newest().shut(1006)
		time.Sleep(time.Minute)
		if hello := s.newest().taken("connect"); hello[0].MaxBytesPerSecond != 7000 {
			t.Errorf("%+v", hello)
		}
		if err := c.SetMaxBytesPerSecond(t.Context(), 0); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Error(err)
		}
	})
}
