package gcppubsub_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// What a delay of publishing saves and costs: messages a request, and how long a message takes, when a
// request takes 5 ms. A burst is of 50 messages of one channel; a trickle is one at a time.
func BenchmarkPublish(b *testing.B) {
	for _, delay := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond} {
		for name, size := range map[string]int{"burst": 50, "trickle": 1} {
			b.Run(fmt.Sprintf("%s/%v", name, delay), func(b *testing.B) { benchmarkPublish(b, delay, size) })
		}
	}
}

func benchmarkPublish(b *testing.B, delay time.Duration, size int) {
	var requests atomic.Int64
	f := &fakeServer{publish: func(*pubsubpb.PublishRequest) error {
		requests.Add(1)
		<-time.After(5 * time.Millisecond)
		return nil
	}}
	broker := f.serve(b, gcppubsub.BrokerOptions{PublishDelay: delay})
	c, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		b.Fatal(err)
	}
	messages := 0
	var took atomic.Int64
	for b.Loop() {
		var all sync.WaitGroup
		for range size {
			messages++
			all.Add(1)
			begun := time.Now()
			m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: fmt.Sprint(messages), Data: make([]byte, 200)}}
			broker.Publish(b.Context(), "tw-acme", m, func(err error) {
				if err != nil {
					b.Error(err)
				}
				took.Add(int64(time.Since(begun)))
				all.Done()
			})
		}
		all.Wait()
	}
	b.ReportMetric(float64(messages)/float64(requests.Load()), "messages/request")
	b.ReportMetric(float64(took.Load())/float64(messages)/1e6, "ms/message")
}
