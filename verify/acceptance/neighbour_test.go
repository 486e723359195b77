package acceptance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	noisyProducers = 8
	noisySockets   = 50
	noisyQuota     = 100 // publishes a second
)

// noise are producers of a tenant that together try ten times what it may publish, as batches of one, some by
// ingest and some by a socket, and its readers.
type noise struct {
	*process
	tenant        *realtime.Tenant
	taken, refuse atomic.Int64
}

func (n *noise) make(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	producer := token(n.t, n.tenant, "producer")
	for i := range noisyProducers {
		all.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			s := &service{t: n.t, addr: n.addr, http: client}
			body := fmt.Sprintf(`{"channel":"noise:%d","data":"%s"}`, i, strings.Repeat("x", 200))
			tick := time.NewTicker(time.Second * noisyProducers / (10 * noisyQuota))
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				if a, err := s.post(n.tenant.ID, producer, body); err == nil && a.Status == http.StatusOK {
					n.taken.Add(1)
				} else {
					n.refuse.Add(1)
				}
			}
		})
	}
}

// A tenant that tries ten times its quota costs a quiet one of the same process no message, and is refused what is
// over the quota. How much later the quiet one has its messages is shown.
func TestNoisyNeighbour(t *testing.T) {
	acme, loud := tenant("acme"), tenant("loud", func(t *realtime.Tenant) { t.Limits.PublishesPerSecond = noisyQuota })
	p := startProcess(t, acme, loud)
	const pairs = 3
	phase := soakFor(t) / (2*pairs + 1)
	s := &steady{process: p, sent: map[string]int{}, crowd: &crowd{t: t, begun: time.Now()}}
	for i := range soakSockets {
		s.crowd.join(p.addr, dialing{token: token(t, acme, "reader")}, []string{fmt.Sprintf("prices:%d", i%soakChannels)}, 2*pairs+1)
	}
	t.Cleanup(s.crowd.leave)
	for range noisySockets {
		c, err := dial(t.Context(), p.addr, dialing{token: token(t, loud, "reader")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.conn.Close() })
		c.subscribe(t, "noise:0")
		_ = c.conn.SetReadDeadline(time.Time{})
		go func() {
			for buf := []byte(nil); ; {
				payload, err := c.read(buf[:0])
				if err != nil {
					return
				}
				buf = payload
			}
		}()
	}
	n := &noise{process: p, tenant: loud}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var producing sync.WaitGroup
	producing.Go(func() {
		s.produce(ctx, token(t, acme, "producer"), func() int { return min(int(time.Since(s.crowd.begun)/phase), 2*pairs) })
	})
	for i := range pairs {
		time.Sleep(time.Until(s.crowd.begun.Add(time.Duration(2*i+1) * phase)))
		loudly, over := context.WithTimeout(ctx, phase)
		n.make(loudly)
		over()
	}
	time.Sleep(phase)
	stop()
	producing.Wait()
	s.received(t)
	s.compare(t, 2*pairs+1, "beside the noisy")
	taken, refused := n.taken.Load(), n.refuse.Load()
	t.Logf("the noisy one had %d events taken and %d refused", taken, refused)
	if most := int64(pairs * (phase.Seconds() + 2) * noisyQuota * 2); taken > most || refused == 0 {
		t.Errorf("%d were taken and %d refused: the quota of %d/s is not kept", taken, refused, noisyQuota)
	}
}

// received says who of the honest lacks a message.
func (s *steady) received(t *testing.T) {
	t.Helper()
	if s.failed != nil {
		t.Error(s.failed)
	}
	total := int64(0)
	for _, n := range s.sent {
		total += int64(n) * soakSockets / soakChannels
	}
	s.crowd.await(t, "all that was sent", total)
	s.crowd.leave()
	for i, m := range s.crowd.members {
		channel := fmt.Sprintf("prices:%d", i%soakChannels)
		if m.expected[channel] != s.sent[channel] {
			t.Errorf("reader %d has %d of %d messages; it ended with %v", i, m.expected[channel], s.sent[channel], m.failed)
		}
	}
}

// compare shows the latencies of the odd phases beside those of the even ones.
func (s *steady) compare(t *testing.T, phases int, what string) {
	t.Helper()
	var all [2][]time.Duration
	for i := range phases {
		all[i%2] = append(all[i%2], s.crowd.of(i)...)
	}
	slices.Sort(all[0])
	slices.Sort(all[1])
	for _, at := range []int{50, 90, 99} {
		with, without := percentile(all[1], at), percentile(all[0], at)
		t.Logf("p%d %s %s, %s without: ratio %.2f of %d and %d deliveries", at, with.Round(10*time.Microsecond), what,
			without.Round(10*time.Microsecond), float64(with)/float64(without), len(all[1]), len(all[0]))
	}
}
