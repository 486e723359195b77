package acceptance

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
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
	noisyPhase     = 4 * time.Second
)

// noise has producers of a tenant try ten times what it may publish together, by ingest and in batches of one, for a while, beside readers of
// it. They have a process of their own. It returns how many events were taken and refused.
func noise(p *process, producer, reader string, d time.Duration) (taken, refused int64) {
	p.t.Helper()
	ctx, over := context.WithTimeout(p.t.Context(), d+patience)
	defer over()
	c := p.child(ctx, roleNoise, producer, reader)
	c.Env = append(c.Env, noiseFor+"="+d.String())
	out, err := c.Output()
	if err == nil {
		_, err = fmt.Sscan(string(out), &taken, &refused)
	}
	if err != nil {
		p.t.Fatalf("the noise: %v %q", err, out)
	}
	return taken, refused
}

// noiseFor names the variable that says how long the noise lasts.
const noiseFor = "TIDEWIRE_CHILD_FOR"

// noiseHere is the process of the noise. It says what became of the events.
func noiseHere(ctx context.Context) {
	d, err := time.ParseDuration(os.Getenv(noiseFor))
	if err != nil {
		log.Fatal(err)
	}
	addr := os.Getenv(childAddr)
	for range noisySockets {
		for listen(ctx, addr, os.Getenv(childBare)) != nil {
			if !pause(ctx, 200*time.Millisecond) { // this process has the processor last
				break
			}
		}
	}
	ctx, over := context.WithTimeout(ctx, d) // which begins when all listen, however long that has taken
	defer over()
	var taken, refused atomic.Int64
	var all sync.WaitGroup
	for i := range noisyProducers {
		all.Go(func() { makeNoise(ctx, addr, os.Getenv(childToken), i, &taken, &refused) })
	}
	all.Wait()
	fmt.Println(taken.Load(), refused.Load())
}

// listen reads the noise until the process ends.
func listen(ctx context.Context, addr, token string) error {
	c, err := dial(ctx, addr, dialing{token: token})
	if err != nil {
		return err
	}
	go func() {
		for buf := []byte(nil); ; {
			payload, err := c.read(buf[:0])
			if err != nil {
				return
			}
			buf = payload
		}
	}()
	return c.say(`{"type":"connect","subscriptions":[{"channel":"noise:0"}]}`)
}

// makeNoise is one producer.
func makeNoise(ctx context.Context, addr, token string, channel int, taken, refused *atomic.Int64) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	body := fmt.Sprintf(`{"channel":"noise:%d","data":"%s"}`, channel, strings.Repeat("x", 200))
	tick := time.NewTicker(time.Second * noisyProducers / (10 * noisyQuota))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/tenants/loud/events", strings.NewReader(body))
		if err != nil {
			log.Panic(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		res, err := client.Do(r)
		if err != nil {
			refused.Add(1)
			continue
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			taken.Add(1)
		} else {
			refused.Add(1)
		}
	}
}

// A tenant that tries ten times its quota costs a quiet one of the same process no message, and is refused what is
// over the quota. How much later the quiet one has its messages is shown.
func TestNoisyNeighbour(t *testing.T) {
	acme, loud := tenant("acme"), tenant("loud", func(t *realtime.Tenant) { t.Limits.PublishesPerSecond = noisyQuota })
	p := startProcess(t, acme, loud)
	// Short phases, so that what else the machine does meets both kinds alike.
	pairs := max(3, int(soakFor(t)/(2*noisyPhase)))
	phase := soakFor(t) / time.Duration(2*pairs+1)
	s := &steady{process: p, sent: map[string]int{}, crowd: &crowd{t: t, begun: time.Now()}}
	for i := range soakSockets {
		s.crowd.join(p.addr, dialing{token: token(t, acme, "reader")}, []string{fmt.Sprintf("prices:%d", i%soakChannels)}, 2*pairs+1)
	}
	t.Cleanup(s.crowd.leave)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var producing sync.WaitGroup
	producing.Go(func() {
		s.produce(ctx, token(t, acme, "producer"), func() int { return min(int(time.Since(s.crowd.begun)/phase), 2*pairs) })
	})
	var taken, refused int64
	var calmly, loudly float64 // seconds of CPU
	for i := range pairs {
		calm := p.figures().of("process_cpu_seconds_total")
		time.Sleep(time.Until(s.crowd.begun.Add(time.Duration(2*i+1) * phase)))
		began := p.figures().of("process_cpu_seconds_total")
		a, b := noise(p, token(t, loud, "producer"), token(t, loud, "reader"), phase)
		taken, refused = taken+a, refused+b
		calmly, loudly = calmly+began-calm, loudly+p.figures().of("process_cpu_seconds_total")-began
	}
	t.Logf("CPU of the server: %.1f %% in the calm phases, %.1f %% beside %d events taken and %d refused",
		100*calmly/float64(pairs)/phase.Seconds(), 100*loudly/float64(pairs)/phase.Seconds(), taken, refused)
	time.Sleep(phase)
	stop()
	producing.Wait()
	s.received(t)
	s.compare(t, 2*pairs+1, "beside the noisy")
	if most := int64(float64(pairs) * (phase.Seconds() + 2) * noisyQuota * 2); taken > most || refused == 0 {
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

// compare shows the latencies of the odd phases beside those of the even ones: of each percentile the median over the phases, so that a
// burst of something else on the machine spoils a phase and not the figure.
func (s *steady) compare(t *testing.T, phases int, what string) {
	t.Helper()
	at := []int{50, 90, 99}
	var kinds [2]struct {
		deliveries int
		of         [3][]time.Duration // one for each phase
	}
	for i := range phases {
		k, all := &kinds[i%2], s.crowd.of(i)
		k.deliveries += len(all)
		for j, p := range at {
			k.of[j] = append(k.of[j], percentile(all, p))
		}
	}
	for j, p := range at {
		with, without := median(kinds[1].of[j]), median(kinds[0].of[j])
		t.Logf("p%d %s %s, %s without: ratio %.2f; medians of %d and %d phases with %d and %d deliveries", p, with.Round(10*time.Microsecond), what,
			without.Round(10*time.Microsecond), float64(with)/float64(without), len(kinds[1].of[j]), len(kinds[0].of[j]), kinds[1].deliveries, kinds[0].deliveries)
	}
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return percentile(of, 50)
}
