package acceptance

import (
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A reader at a rate that stops reading stays connected. When it reads again, it is told that its rate was lowered, and again when it has its own rate; what it
// has then is the newest of each key. The metrics say how often it was told.
func TestSlowReaderIsToldOfItsRate(t *testing.T) {
	t.Parallel()
	const rate = 20
	s := start(t, setup{sends: 4 << 10, gateway: gateway.Options{WriteTimeout: time.Hour}, tenants: []*realtime.Tenant{tenant("acme")}})
	producer := s.token("acme", "producer")
	newest, n := map[string]int{}, 0
	publish := func(padding int) {
		key := strconv.Itoa(n % 20)
		a, err := s.post("acme", producer, message("prices", key, 1, n, 0, padding))
		if err != nil || a.Status != 200 {
			t.Fatalf("%v %+v", err, a)
		}
		newest[key] = n
		n++
	}
	slow, err := dial(t.Context(), s.addr, dialing{token: s.token("acme", "slow"), receives: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.conn.Close()
	if err := slow.say(`{"type":"subscribe","id":"s","channel":"prices","maxRate":` + strconv.Itoa(rate) + `}`); err != nil {
		t.Fatal(err)
	}
	if f := slow.answer(t, `"s"`); f.MaxRate != rate {
		t.Fatalf("subscribed by %+v", f)
	}
	tuned := func() float64 { return s.metric("tidewire_tuned_total", `reason="slow",tenant="acme"`) }
	await(t, "the rate to be lowered", func() bool {
		publish(8 << 10)
		return tuned() > 0
	})
	for range 40 { // each key twice, while it takes nothing
		publish(10)
	}

	has, told := map[string]int{}, []float64{}
	read := make(chan error, 1)
	whole := func() bool { return len(told) > 1 && told[len(told)-1] == rate }
	go func() { // it reads again
		for !whole() {
			f, err := slow.next()
			switch {
			case err != nil:
				read <- err
				return
			case f.Code == wire.NoticeTuned && f.Channel == "prices":
				told = append(told, f.MaxRate)
			case f.Type == wire.TypeMessage:
				_, _, number, _, err := readMessage([]byte(`"channel":"` + f.Channel + `","data":` + string(f.Data)))
				if err != nil {
					read <- err
					return
				}
				has[f.Key] = number
			}
		}
		read <- nil
	}()
	for waiting := true; waiting; {
		select {
		case err := <-read:
			if waiting = false; err != nil {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Millisecond):
			publish(10)
		}
	}
	if told[0] >= rate {
		t.Errorf("the rates that it was told are %v", told)
	}
	if got := tuned(); got != float64(len(told)) {
		t.Errorf("told are %v, and %v times are counted", told, got)
	}
	for key := range newest {
		for has[key] < newest[key] {
			f, err := slow.next()
			if err != nil {
				t.Fatalf("waiting for %d of %s: %v", newest[key], key, err)
			}
			if _, _, number, _, err := readMessage([]byte(`"channel":"` + f.Channel + `","data":` + string(f.Data))); err == nil {
				has[f.Key] = number
			}
		}
	}
	given, skipped := s.metric("tidewire_flushes_total", `reason="given",tenant="acme"`), s.metric("tidewire_flushes_total", `reason="skipped",tenant="acme"`)
	conflated := s.metric("tidewire_conflated_total", `reason="rate",tenant="acme"`)
	t.Logf("%d published, rates told %v, %v flushes given, %v skipped, %v conflated", n, told, given, skipped, conflated)
	if given == 0 || skipped < 3 || conflated == 0 {
		t.Error("flushes and what they left out are not counted")
	}
}
