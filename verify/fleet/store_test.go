package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	pubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
)

// What lies in the stores is looked at with their own clients, not through the drivers.

// documents returns a client of Firestore, for the time of the test.
func (f *fleet) documents() *firestore.Client {
	f.t.Helper()
	c, err := gcpfirestore.Open(f.t.Context(), gcp.Connection{Project: f.project, Database: f.plan.database, FirestoreEmulator: f.firestore.Addr()})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c
}

// messages returns a client of Pub/Sub, for the time of the test.
func (f *fleet) messages() *pubsub.Client {
	f.t.Helper()
	c, err := pubsub.NewClient(context.WithoutCancel(f.t.Context()), f.project, option.WithEndpoint(f.pubsub.Addr()), option.WithoutAuthentication(),
		option.WithTelemetryDisabled(), option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c
}

// left is what lies in the stores.
type left struct {
	subscriptions []string             // by name
	leases        map[string]time.Time // until when, by instance
	connections   map[string]int       // by instance
}

func (f *fleet) left(docs *firestore.Client, messages *pubsub.Client) left {
	f.t.Helper()
	l := left{leases: map[string]time.Time{}, connections: map[string]int{}}
	subs := messages.SubscriptionAdminClient.ListSubscriptions(f.t.Context(), &pubsubpb.ListSubscriptionsRequest{Project: "projects/" + f.project})
	for {
		s, err := subs.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			f.t.Fatal(err)
		}
		l.subscriptions = append(l.subscriptions, s.GetName()[strings.LastIndexByte(s.GetName(), '/')+1:])
	}
	leases, err := docs.Collection("instances").Documents(f.t.Context()).GetAll()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range leases {
		until, _ := d.Data()["leaseUntil"].(time.Time)
		l.leases[d.Ref.ID] = until
	}
	connections, err := docs.CollectionGroup("connections").Documents(f.t.Context()).GetAll()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range connections {
		instance, _ := d.Data()["instance"].(string)
		l.connections[instance]++
	}
	return l
}

func (l left) empty() bool { return len(l.subscriptions)+len(l.leases)+len(l.connections) == 0 }

func (l left) subscriptionsOf(instance string) (n int) {
	for _, name := range l.subscriptions {
		if strings.Contains(name, instance) {
			n++
		}
	}
	return n
}

// String is how many there are.
func (l left) String() string {
	return fmt.Sprintf("%d subscriptions, %d leases, %d connection documents", len(l.subscriptions), len(l.leases), sum(l.connections))
}
