package acceptance

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// soakFor is how long the test takes: TIDEWIRE_SOAK, as Go writes durations.
func soakFor(t *testing.T) time.Duration {
	t.Helper()
	d := 5 * time.Second
	if s := os.Getenv("TIDEWIRE_SOAK"); s != "" {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			t.Fatalf("TIDEWIRE_SOAK: %v", err)
		}
	}
	return d
}

const (
	soakSockets  = 200
	soakChannels = 20
	soakEvery    = 20 * time.Millisecond // between messages, of one channel after the other
	soakMemory   = 192 << 20             // bytes that Go may use
	hostilePhase = 20 * time.Second      // at most, once there is time for some of them
)

// steady are honest readers and their producer.
type steady struct {
	*process
	crowd  *crowd
	sent   map[string]int
	failed error
}

func (s *steady) produce(ctx context.Context, token string, round func() int) {
	tick := time.NewTicker(soakEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		channel := fmt.Sprintf("prices:%d", i%soakChannels)
		a, err := s.post("acme", token, message(channel, "k", round(), s.sent[channel], time.Since(s.crowd.begun), 100))
		if err != nil || a.Status != 200 {
			s.failed = fmt.Errorf("producer, message %d: %w %+v", i, err, a)
			return
		}
		s.sent[channel]++
	}
}

// Hostile clients of every kind come and go beside honest ones, against one server. The honest lose nothing and none
// of them is closed, memory does not grow from one attack to the next, and nothing of the attackers is left behind.
// How much later the honest have their messages is shown.
func TestHostileBesideHonest(t *testing.T) {
	acme, evil := tenant("acme"), tenant("evil", func(t *realtime.Tenant) {
		t.Limits = realtime.Limits{}
		t.Namespaces = map[string]realtime.Namespace{
			"conflate": {Overflow: realtime.OverflowConflate},
			"drop":     {Overflow: realtime.OverflowDropOldest},
			"close":    {Overflow: realtime.OverflowDisconnect},
		}
	})
	t.Setenv("GOMEMLIMIT", fmt.Sprint(soakMemory)) // of a small container
	p := startProcess(t, acme, evil)
	signer, err := auth.NewSigner(evil)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := signer.Sign(auth.Claims{User: "nobody", Expires: time.Now().Add(12 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}

	pairs := max(3, int(soakFor(t)/(2*hostilePhase))) // of a calm and a hostile phase
	phase := soakFor(t) / time.Duration(2*pairs+1)
	s := &steady{process: p, sent: map[string]int{}, crowd: &crowd{t: t, begun: time.Now()}}
	reader := token(t, acme, "reader")
	for i := range soakSockets {
		s.crowd.join(p.addr, dialing{token: reader}, []string{fmt.Sprintf("prices:%d", i%soakChannels)}, 2*pairs+1)
	}
	t.Cleanup(s.crowd.leave)
	round := func() int { return min(int(time.Since(s.crowd.begun)/phase), 2*pairs) }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var producing sync.WaitGroup
	producing.Go(func() { s.produce(ctx, token(t, acme, "producer"), round) })

	var resident []float64 // MiB, after each attack
	for i := range pairs {
		calm := p.figures().of("process_cpu_seconds_total")
		time.Sleep(time.Until(s.crowd.begun.Add(time.Duration(2*i+1) * phase)))
		began := p.figures().of("process_cpu_seconds_total")
		attacked, over := context.WithTimeout(ctx, phase)
		attack(attacked, p, evil, bare)
		over()
		t.Logf("CPU of the server: %.0f %% in a calm phase, %.0f %% in a hostile one", 100*(began-calm)/phase.Seconds(), 100*(p.figures().of("process_cpu_seconds_total")-began)/phase.Seconds())
		resident = append(resident, p.figures().of("process_resident_memory_bytes")/(1<<20))
	}
	time.Sleep(phase)
	stop()
	producing.Wait()
	s.judge(t, pairs, resident)
}

func (s *steady) judge(t *testing.T, pairs int, resident []float64) {
	t.Helper()
	s.received(t)
	s.compare(t, 2*pairs+1, "beside the hostile")
	t.Logf("resident after each attack: %.0f MiB", resident)
	if most := slices.Max(resident); most > 1.4*soakMemory/(1<<20) {
		t.Errorf("%.0f MiB are resident, and Go was given %d", most, soakMemory>>20)
	}
	await(t, "all sockets to be gone", func() bool { return s.figures().sum("tidewire_connections") == 0 })
}
