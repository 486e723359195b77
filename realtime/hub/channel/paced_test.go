package channel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What waits for readers that are given it from time to time counts as the records of their tenant do, and has a bound across its channels. Who
// has missed something for it is told gap.
func TestWhatWaitsHasABound(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	w.fx.Wheel = NewWheel()
	const limit = 256 << 10
	w.tenant.Limits.RecordBytes = limit
	f := w.follow()
	f.Phase = PhaseCaughtUp
	var channels []realtime.Channel
	var clients []*listener
	for i := range 10 {
		c, l := w.channel(fmt.Sprint("c", i)), w.connect()
		r := NewReader(&l.Client, c, nil, Pace{Paused: true})
		q := &Question{Request: Request{Channel: c}, Reader: r, Asked: time.Now()}
		r.Asks(q)
		f.Open(c).Ask(q)
		w.carryOut()
		l.readers[c] = r
		channels, clients = append(channels, c), append(clients, l)
	}
	f.all()
	quota, most := f.Records().Quota("acme"), 0
	for n := range 1000 {
		w.publish(channels[n%len(channels)])
		m := &w.log[len(w.log)-1]
		m.Key, m.Data = m.ID, []byte(strings.Repeat("1", 1000))
		f.all()
		most = max(most, quota.Used())
	}
	if most > limit+limit/4 {
		t.Errorf("%d bytes were taken, of at most %d", most, limit)
	}
	for i, l := range clients {
		l.readers[channels[i]].Tune(Pace{}, time.Now())
		w.carryOut()
		if news := l.newsOf(channels[i]); !strings.Contains(news, "gap") {
			t.Errorf("the reader of %s is told %.100q", channels[i].Name(), news)
		}
	}
}
