package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/functions/janitor"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// told is what a subscriber of the lifecycle topic is told of each channel: occupied:1, vacated:1, and so on, each once.
type told struct {
	mu  sync.Mutex // guards all below
	of  map[string][]string
	ids map[string]bool
}

func (l *told) take(m *pubsubpb.PubsubMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id, what := m.Attributes["ce-id"], m.Attributes["ce-type"]
	short, is := map[string]string{realtime.ChannelOccupied: "occupied", realtime.ChannelVacated: "vacated"}[what]
	if !is || l.ids[id] {
		return // of a connection, or told again
	}
	l.ids[id] = true
	var d struct {
		Channel    string `json:"channel"`
		Generation int64  `json:"generation"`
	}
	if json.Unmarshal(m.Data, &d) == nil {
		l.of[d.Channel] = append(l.of[d.Channel], fmt.Sprint(short, ":", d.Generation))
	}
}

func (l *told) has(channel string, n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.of[channel]) >= n
}

// lifecycle subscribes to the topic.
func (f *fleet) lifecycle() *told {
	f.t.Helper()
	client, topic := f.messages(), f.plan.environments["gateway"]["TIDEWIRE_LIFECYCLE_TOPIC"]
	name := "projects/" + f.project + "/subscriptions/told"
	if _, err := client.SubscriptionAdminClient.CreateSubscription(f.t.Context(), &pubsubpb.Subscription{
		Name: name, Topic: "projects/" + f.project + "/topics/" + topic, EnableMessageOrdering: true,
	}); err != nil {
		f.t.Fatal(err)
	}
	l := &told{of: map[string][]string{}, ids: map[string]bool{}}
	ctx, cancel := context.WithCancel(context.Background())
	var receiving sync.WaitGroup
	receiving.Go(func() { // one request after the other: the client's own receiver outlives what ends it
		for ctx.Err() == nil {
			got, err := client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: name, MaxMessages: 100})
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			ack := &pubsubpb.AcknowledgeRequest{Subscription: name}
			for _, m := range got.GetReceivedMessages() {
				l.take(m.GetMessage())
				ack.AckIds = append(ack.AckIds, m.GetAckId())
			}
			if len(ack.GetAckIds()) > 0 {
				_ = client.SubscriptionAdminClient.Acknowledge(ctx, ack) // else it comes again
			}
		}
	})
	f.t.Cleanup(func() {
		cancel()
		receiving.Wait()
	})
	return l
}

// burials returns what runs the janitor once, with no grace beyond the leases, until the test ends.
func (f *fleet) burials() func() janitor.Report {
	f.t.Helper()
	ctx := f.t.Context()
	c := gcp.Connection{Project: f.project, Database: f.plan.database, PubSubEmulator: f.pubsub.Addr(), FirestoreEmulator: f.firestore.Addr()}
	broker, err := gcppubsub.OpenBroker(ctx, c, gcppubsub.BrokerOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	events, err := gcppubsub.OpenChannelEvents(ctx, c, f.plan.environments["janitor"]["TIDEWIRE_LIFECYCLE_TOPIC"])
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := errors.Join(events.Close(), broker.Close(context.WithoutCancel(ctx))); err != nil {
			f.t.Error(err)
		}
	})
	docs := f.documents()
	registry := gcpfirestore.NewRegistry(docs, gcpfirestore.RegistryOptions{})
	j := janitor.New(janitor.Options{
		Subscriptions: broker, Leases: registry, Connections: registry, Channels: gcpfirestore.NewOccupancies(docs, gcpfirestore.OccupanciesOptions{}), Events: events,
		Grace: time.Second, Confirm: time.Second,
	})
	return func() janitor.Report {
		f.t.Helper()
		report, err := j.Run(ctx)
		if err != nil {
			f.t.Fatal(err)
		}
		f.book.did("the janitor says %+v", report)
		return report
	}
}

// reads has a visitor of a gateway read channels.
func (f *fleet) reads(p *process, channels ...string) *visitor {
	f.t.Helper()
	v, end := visit(f.t, p.addr, f.token("acme", "ann"))
	if v == nil {
		f.t.Fatalf("%s: %+v", p.name, end)
	}
	for _, name := range channels {
		v.say(wire.ClientFrame{Type: wire.TypeSubscribe, ID: "1", Channel: name})
		if answer, end := v.next(); end != nil || answer.Type != wire.TypeOK {
			f.t.Fatalf("%s: %s: %+v, %+v", p.name, name, answer, end)
		}
	}
	return v
}

// Channels of a gateway that is killed are vacated by the janitor, once, unless somebody reads them elsewhere; and who comes later occupies them anew. For each channel
// occupied and vacated alternate, and each pair has its generation.
func TestChannelsOfAKilledGateway(t *testing.T) {
	f := startFleet(t, 2, tenant("acme", func(doc *realtime.Tenant) {
		doc.Namespaces["orders"] = realtime.Namespace{Lifecycle: true}
	}))
	told := f.lifecycle()
	dying, living := f.gateways[0], f.gateways[1]
	f.reads(dying, "orders:alone", "orders:both")
	elsewhere := f.reads(living, "orders:both")
	await(t, "both are occupied", func() bool { return told.has("orders:alone", 1) && told.has("orders:both", 1) })
	f.kill(dying)
	buries := f.burials()
	await(t, "the janitor finds it dead", func() bool {
		time.Sleep(time.Second)
		return buries().Dead > 0
	})
	await(t, "what it alone had is vacated", func() bool { return told.has("orders:alone", 2) })
	buries() // who is buried twice is told of once

	_ = elsewhere.conn.Close() // and comes back at once, as clients do
	elsewhere = f.reads(living, "orders:both", "orders:alone")
	await(t, "it is occupied again", func() bool { return told.has("orders:alone", 3) })
	_ = elsewhere.conn.Close()
	await(t, "both are vacated", func() bool { return told.has("orders:alone", 4) && told.has("orders:both", 2) })
	want := map[string][]string{
		"orders:alone": {"occupied:1", "vacated:1", "occupied:2", "vacated:2"},
		"orders:both":  {"occupied:1", "vacated:1"},
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	if diff := cmp.Diff(want, told.of); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
