package janitor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/functions/janitor"
	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// cloud is a project of the emulators, with the real drivers on it.
type cloud struct {
	connection gcp.Connection
	broker     *gcppubsub.Broker // the janitor's
	registry   *gcpfirestore.Registry
	raw        *pubsub.Client
}

func openCloud(t *testing.T, pubsubAddr, firestoreAddr string) *cloud {
	t.Helper()
	c := &cloud{connection: gcp.Connection{Project: emulators.Project(t), PubSubEmulator: pubsubAddr, FirestoreEmulator: firestoreAddr}}
	c.broker = c.openBroker(t)
	db, err := gcpfirestore.Open(t.Context(), c.connection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	c.registry = gcpfirestore.NewRegistry(db, gcpfirestore.RegistryOptions{Timeout: time.Minute})
	c.raw, err = pubsub.NewClient(t.Context(), c.connection.Project, option.WithEndpoint(pubsubAddr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.raw.Close() }) // its emulator may have been ended
	return c
}

func (c *cloud) openBroker(t *testing.T) *gcppubsub.Broker {
	t.Helper()
	b, err := gcppubsub.OpenBroker(t.Context(), c.connection, gcppubsub.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) }) // what it would let go is gone, or its emulator
	return b
}

// instance is a gateway process that follows the topics of two tenants and holds a connection of each,
// all of which is as old as age. Its lease has ended that long ago; never: it has written none.
func (c *cloud) instance(t *testing.T, name string, ended, age time.Duration) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	b := c.openBroker(t)
	if ended != never {
		if err := c.registry.Renew(ctx, realtime.Lease{Instance: name, Sockets: 2, Until: now.Add(-ended)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tenant := range []string{"acme", "globex"} {
		topic := realtime.Topic("tw-" + tenant)
		if err := b.EnsureTopic(ctx, topic); err != nil {
			t.Fatal(err)
		}
		s, err := b.Follow(ctx, topic, realtime.Following{Instance: name, Generation: 1, Since: now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(context.Background()) }) // the janitor may have been there
	}
	for s, err := range b.Subscriptions(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Instance == name {
			c.age(t, s, now.Add(-age))
		}
	}
	c.connect(t, name, age, "acme", "globex")
}

// connect writes a document for each of the tenants.
func (c *cloud) connect(t *testing.T, instance string, age time.Duration, tenants ...string) {
	t.Helper()
	now := time.Now()
	var docs []realtime.ConnectionDoc
	for i, tenant := range tenants {
		docs = append(docs, realtime.ConnectionDoc{
			Tenant: tenant, ID: fmt.Sprint(instance, "-", i), User: "ann", Groups: []string{"desk"}, Meta: map[string]string{"theme": "dark"},
			Instance: instance, Connected: now.Add(-age), Expires: now.Add(time.Hour),
		})
	}
	if err := c.registry.Connect(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
}

// age makes a subscription look as if it had been made at another time.
func (c *cloud) age(t *testing.T, s realtime.Subscription, created time.Time) {
	t.Helper()
	path := "projects/" + c.connection.Project + "/subscriptions/" + s.Name
	sub, err := c.raw.SubscriptionAdminClient.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: path})
	if status.Code(err) == codes.NotFound {
		return // it was for a replay, and is not needed any more
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := sub.GetLabels()["tidewire-created"]; !ok {
		t.Fatalf("%s has no label tidewire-created: %v", path, sub.GetLabels())
	}
	// Labels cannot be changed on the emulator, so it is made again.
	sub.Labels["tidewire-created"] = strconv.FormatInt(created.Unix(), 10)
	if err := c.broker.DeleteSubscription(t.Context(), s.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := c.raw.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: path, Topic: sub.GetTopic(), Labels: sub.GetLabels()}); err != nil {
		t.Fatal(err)
	}
}

// left counts what there is of an instance: subscriptions, connections, leases.
func (c *cloud) left(t *testing.T, name string) (n [3]int) {
	t.Helper()
	for s, err := range c.broker.Subscriptions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Instance == name {
			n[0]++
		}
	}
	for _, err := range c.registry.ConnectionsOf(t.Context(), name) {
		if err != nil {
			t.Fatal(err)
		}
		n[1]++
	}
	switch _, err := c.registry.Lease(t.Context(), name); {
	case err == nil:
		n[2]++
	case realtime.CodeOf(err) != realtime.CodeNotFound:
		t.Fatal(err)
	}
	return n
}

func (c *cloud) options() janitor.Options {
	return janitor.Options{
		Subscriptions: c.broker, Leases: c.registry, Connections: c.registry,
		Confirm: time.Millisecond, MaxTime: 5 * time.Minute, CallTimeout: time.Minute, // of a slow machine
	}
}

// topic makes a topic with a subscription, both of this name.
func (c *cloud) topic(t *testing.T, name string) {
	t.Helper()
	path := "projects/" + c.connection.Project
	if _, err := c.raw.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: path + "/topics/" + name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.raw.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: path + "/subscriptions/" + name, Topic: path + "/topics/" + name}); err != nil {
		t.Fatal(err)
	}
}

// take returns n messages of a subscription, without those that come twice.
func (c *cloud) take(t *testing.T, name string, n int) []*pubsubpb.PubsubMessage {
	t.Helper()
	path := "projects/" + c.connection.Project + "/subscriptions/" + name
	seen, all := map[string]bool{}, []*pubsubpb.PubsubMessage(nil)
	for len(all) < n {
		pulled, err := c.raw.SubscriptionAdminClient.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: path, MaxMessages: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var acks []string
		for _, m := range pulled.GetReceivedMessages() {
			acks = append(acks, m.GetAckId())
			if id := m.GetMessage().GetMessageId(); !seen[id] {
				seen[id], all = true, append(all, m.GetMessage())
			}
		}
		if len(acks) == 0 {
			continue
		}
		if err := c.raw.SubscriptionAdminClient.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: path, AckIds: acks}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (c *cloud) openLost(t *testing.T, topic string) *gcppubsub.Lost {
	t.Helper()
	l, err := gcppubsub.OpenLost(t.Context(), c.connection, topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestOnTheEmulators(t *testing.T) {
	t.Parallel()
	c := openCloud(t, servers.PubSub(t), servers.Firestore(t))
	c.instance(t, "dead", 10*time.Minute, time.Hour)
	c.instance(t, "orphan", never, time.Hour)
	c.instance(t, "alive", -time.Minute, time.Hour)
	c.instance(t, "starting", never, 0)
	c.instance(t, "back", time.Hour, 0)
	c.instance(t, "ended", -time.Minute, time.Hour)
	if err := c.registry.Release(t.Context(), "ended"); err != nil {
		t.Fatal(err)
	}
	c.topic(t, "lost")
	c.topic(t, "somebody-elses")

	o := c.options()
	o.Owed = c.openLost(t, "lost")
	j := janitor.New(o)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			r, err := j.Run(t.Context())
			if err != nil || r.Errors != 0 || r.More {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
	both.Wait()
	for name, want := range map[string][3]int{
		"dead": nothing, "orphan": nothing, "alive": all, "starting": noLease, "back": all,
		"ended": all, // it has ended less than the grace ago
	} {
		got := c.left(t, name)
		if got[0] > want[0] {
			got[0] = want[0] // a replay may have a subscription of its own
		}
		if got != want {
			t.Errorf("of %s %v is left, want %v", name, got, want)
		}
	}
	if _, err := c.raw.SubscriptionAdminClient.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: "projects/" + c.connection.Project + "/subscriptions/somebody-elses"}); err != nil {
		t.Errorf("a subscription that is not Tidewire's: %v", err)
	}

	o.Grace = time.Nanosecond
	released := janitor.New(o)
	for _, want := range []int{2, 0} {
		before := c.left(t, "ended")
		r, err := released.Run(t.Context())
		if err != nil || r.Errors != 0 || c.left(t, "ended") != nothing || before[1] != want {
			t.Errorf("%+v %v", r, err)
		}
	}
	if got := c.left(t, "alive"); got[1] != 2 || got[2] != 1 {
		t.Errorf("of the one that is alive %v is left", got)
	}

	// starting and back are dead to the janitor with no grace, so they are told of as well.
	told := map[string]string{}
	for len(told) < 8 {
		for _, m := range c.take(t, "lost", 1) {
			id, instance := lostConnection(t, m)
			told[id] = instance
		}
	}
	if diff := cmp.Diff(map[string]string{
		"acme/dead-0": "dead", "globex/dead-1": "dead", "acme/orphan-0": "orphan", "globex/orphan-1": "orphan",
		"acme/starting-0": "starting", "globex/starting-1": "starting", "acme/back-0": "back", "globex/back-1": "back",
	}, told); diff != "" {
		t.Error(diff)
	}
}

// lostConnection reads a message as an HTTP hook would get it from a push subscription without wrapper, and returns
// the connection and its instance.
func lostConnection(t *testing.T, m *pubsubpb.PubsubMessage) (connection, instance string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://hook", bytes.NewReader(m.GetData()))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range m.GetAttributes() {
		r.Header.Set(name, value)
	}
	e, err := cloudevents.NewEventFromHTTPRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	var data struct {
		Tenant, ID, User, Instance string
		Groups                     []string
		Meta                       map[string]string
	}
	if err := json.Unmarshal(e.Data(), &data); err != nil {
		t.Fatal(err)
	}
	if e.Type() != gcppubsub.LostType || e.ID() != data.ID || e.Subject() != "tenants/"+data.Tenant+"/connections/"+data.ID ||
		e.Source() != "/instances/"+data.Instance || e.Extensions()["tenant"] != data.Tenant {
		t.Errorf("not an event of this connection: %s", e)
	}
	if data.User != "ann" || len(data.Groups) != 1 || data.Meta["theme"] != "dark" {
		t.Errorf("its document is not whole: %s", e.Data())
	}
	return data.Tenant + "/" + data.ID, data.Instance
}

// TestManyConnections has more than fit on a page, of more tenants than one, and a topic that is missing at first.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	c := openCloud(t, servers.PubSub(t), servers.Firestore(t))
	var tenants []string
	for range 700 {
		tenants = append(tenants, "acme", "globex")
	}
	c.connect(t, "dead", time.Hour, tenants...)
	c.connect(t, "alive", time.Hour, tenants[:10]...)
	for name, until := range map[string]time.Duration{"dead": -time.Hour, "alive": time.Minute} {
		if err := c.registry.Renew(t.Context(), realtime.Lease{Instance: name, Sockets: len(tenants), Until: time.Now().Add(until)}); err != nil {
			t.Fatal(err)
		}
	}
	o := c.options()
	o.Owed = c.openLost(t, "lost")
	r := run(t, o)
	if want := (janitor.Count{Seen: len(tenants)}); r.Connections != want || r.Errors == 0 || r.Lost != 0 || r.Leases.Deleted != 0 {
		t.Errorf("without a topic: %+v", r)
	}
	c.topic(t, "lost")
	r = run(t, o)
	if want := (janitor.Count{Seen: len(tenants), Deleted: len(tenants)}); r.Connections != want || r.Errors != 0 || r.Lost != len(tenants) || r.Leases.Deleted != 1 {
		t.Errorf("with the topic: %+v", r)
	}
	told := map[string]bool{}
	for _, m := range c.take(t, "lost", len(tenants)) {
		id, _ := lostConnection(t, m)
		told[id] = true
	}
	if len(told) != len(tenants) {
		t.Errorf("%d connections were told of, want %d", len(told), len(tenants))
	}
	if got := c.left(t, "alive"); got != ([3]int{0, 10, 1}) {
		t.Errorf("of the one that is alive %v is left", got)
	}
}

// TestStoresThatAreDown pauses one emulator after the other: a run ends by its time, has removed nothing
// and says so, and the first one after it does everything.
func TestStoresThatAreDown(t *testing.T) {
	t.Parallel()
	ps, err := emulators.StartPubSub(t.Context())
	emulators.Check(t, err)
	t.Cleanup(ps.Kill)
	fs, err := emulators.StartFirestore(t.Context())
	emulators.Check(t, err)
	t.Cleanup(fs.Kill)
	c := openCloud(t, ps.Addr(), fs.Addr())
	c.instance(t, "dead", time.Hour, time.Hour)
	for _, p := range []*emulators.Process{ps, fs} {
		o := c.options()
		o.MaxTime = 2 * time.Second
		p.Pause()
		_, err := janitor.New(o).Run(t.Context())
		p.Resume()
		if realtime.CodeOf(err) != realtime.CodeUnavailable {
			t.Errorf("while one is paused: %v", err)
		}
		if got := c.left(t, "dead"); got[0] < 2 || got[1] != 2 || got[2] != 1 {
			t.Errorf("%v is left", got)
		}
	}
	run(t, c.options())
	if got := c.left(t, "dead"); got != nothing {
		t.Errorf("%v is left", got)
	}
}
