package fleet

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/tidewire/tidewire/internal/emulators"
)

// latencies are those of many messages.
type latencies struct {
	mu  sync.Mutex // guards all
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *latencies) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// String is the middle and the 99th of a hundred.
func (l *latencies) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.all)
	at := func(p int) time.Duration { return l.all[(len(l.all)-1)*p/100].Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %s, p99 %s", at(50), at(99))
}

// cpu is the CPU time that a process has had.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

// From publish to socket, on the memory driver and on the emulator in one run, and what of it the
// emulator takes by itself. The table goes into docs/performance.md.
func TestLatency(t *testing.T) {
	l, full := loadOf(t)
	messages, readers := 200, 20
	if full {
		messages, readers = 1000, l.sockets/4
	}
	const every = 20 * time.Millisecond
	measure := func(s *system, gateway *process, others ...*process) (*latencies, string) {
		t.Helper()
		ch := channel(t, "acme", "ticks:a")
		took := &latencies{}
		var clients []*client
		for i := range readers {
			c := newClient(fmt.Sprint("c", i), "acme", s.socketURL(), s.token("acme", "reader"), s.book, ch)
			c.heard = func(p payload, at time.Time) { took.add(at.Sub(time.UnixMicro(p.Sent))) }
			clients = append(clients, c)
		}
		token := s.token("acme", "producer")
		p := newProducer("http://"+s.ingest.addr, func(string) string { return token }, s.book, every, 1, ch)
		traffic := s.begin(clients, []*producer{p})
		traffic.reach("warm")
		took.mu.Lock()
		took.all = nil
		took.mu.Unlock()
		before := gateway.cpu()
		rest := time.Duration(0)
		for _, o := range others {
			rest -= o.cpu()
		}
		await(t, "enough messages", func() bool { return took.count() >= messages*readers })
		n := time.Duration(took.count())
		spent := gateway.cpu() - before
		for _, o := range others {
			rest += o.cpu()
		}
		traffic.quiesce()
		traffic.leave()
		s.book.judge()
		each := fmt.Sprintf("CPU of the gateway %.1f us a delivery, %.0f us a message", float64((spent/n).Nanoseconds())/1e3, float64((spent * time.Duration(readers) / n).Microseconds()))
		if len(others) > 0 {
			each += fmt.Sprintf(", of ingest %d us a message", (rest * time.Duration(readers) / n).Microseconds())
		}
		return took, each
	}

	dev, one := startDev(t, tenant("acme"))
	memory, memoryCPU := measure(dev, one)
	one.terminate()
	f := startFleet(t, 1, tenant("acme"))
	emulator, emulatorCPU := measure(f.system, f.gateways[0], f.others...)
	raw := f.raw(messages, every)
	t.Logf("%d readers, %s between messages", readers, every)
	t.Logf("memory driver, one process:       %v; %s (ingest and broker are in it)", memory, memoryCPU)
	t.Logf("Pub/Sub emulator, gateway process: %v; %s", emulator, emulatorCPU)
	t.Logf("the emulator alone, raw publish to raw pull: %v", raw)
}

// raw measures the emulator without Tidewire: one ordered subscription and its streaming pull, in a project of its own.
func (f *fleet) raw(messages int, every time.Duration) *latencies {
	f.t.Helper()
	c := f.messages()
	project := "projects/" + emulators.Project(f.t)
	topic, subscription := project+"/topics/raw", project+"/subscriptions/raw"
	ctx, stop := context.WithCancel(f.t.Context())
	defer stop()
	if _, err := c.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: topic}); err != nil {
		f.t.Fatal(err)
	}
	if _, err := c.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{Name: subscription, Topic: topic, EnableMessageOrdering: true}); err != nil {
		f.t.Fatal(err)
	}
	pull, err := c.SubscriptionAdminClient.StreamingPull(ctx)
	if err == nil {
		err = pull.Send(&pubsubpb.StreamingPullRequest{Subscription: subscription, StreamAckDeadlineSeconds: 10})
	}
	if err != nil {
		f.t.Fatal(err)
	}
	took := &latencies{}
	var pulling sync.WaitGroup
	pulling.Go(func() {
		for {
			answer, err := pull.Recv()
			if err != nil {
				return // ctx has ended
			}
			var acks []string
			for _, m := range answer.GetReceivedMessages() {
				sent, err := strconv.ParseInt(string(m.GetMessage().GetData()), 10, 64)
				if err != nil {
					f.t.Error(err)
				}
				took.add(time.Since(time.UnixMicro(sent)))
				acks = append(acks, m.GetAckId())
			}
			_ = pull.Send(&pubsubpb.StreamingPullRequest{AckIds: acks}) // Recv tells if it fails
		}
	})
	p := c.Publisher(topic)
	p.EnableMessageOrdering = true
	p.PublishSettings.DelayThreshold = 0
	p.PublishSettings.CountThreshold = 1
	tick := time.NewTicker(every)
	defer tick.Stop()
	for range messages {
		<-tick.C
		result := p.Publish(ctx, &pubsub.Message{Data: strconv.AppendInt(nil, time.Now().UnixMicro(), 10), OrderingKey: "k"})
		if _, err := result.Get(ctx); err != nil {
			f.t.Fatal(err)
		}
	}
	await(f.t, "everything to be pulled", func() bool { return took.count() >= messages })
	p.Stop()
	stop()
	pulling.Wait()
	return took
}
