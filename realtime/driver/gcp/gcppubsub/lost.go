package gcppubsub

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
)

// LostType is the type of the event that a connection was lost.
const LostType = "tidewire.connection.lost"

// Lost tells a topic of connections whose instance has died, of which no disconnect hook was run.
// Each is a CloudEvent in binary mode of the Pub/Sub binding: its attributes are those of the message, so
// that a push subscription without wrapper that writes metadata is an HTTP hook of CloudEvents. The id is the
// connection's, the subject tenants/{tenant}/connections/{connection}, and the data its document.
// A connection may be told of more than once. It is safe for concurrent use.
type Lost struct {
	client    *pubsub.Client
	publisher *pubsub.Publisher
}

var _ realtime.LostConnections = (*Lost)(nil)

// OpenLost returns a Lost of a topic, which has to exist. It makes no call before it is used. Close it.
func OpenLost(ctx context.Context, c gcp.Connection, topic string) (*Lost, error) {
	client, err := pubsub.NewClient(ctx, c.Project, c.PubSub()...)
	if err != nil {
		return nil, fmt.Errorf("open pub/sub of project %s: %w", c.Project, err)
	}
	p := client.Publisher(topic)
	p.PublishSettings.Timeout = lostTime
	return &Lost{client: client, publisher: p}, nil
}

// lostTime is how long the client tries to publish before it says that it cannot.
const lostTime = 8 * time.Second

// Lost returns nil once the topic has an event of each connection.
func (l *Lost) Lost(ctx context.Context, docs []realtime.ConnectionDoc) error {
	messages := make([]*pubsub.Message, len(docs))
	for i := range docs {
		m, err := lostEvent(&docs[i], time.Now())
		if err != nil {
			return err
		}
		messages[i] = m
	}
	results := make([]*pubsub.PublishResult, len(docs))
	for i, m := range messages {
		results[i] = l.publisher.Publish(ctx, m)
	}
	var errs []error
	for _, r := range results {
		if _, err := r.Get(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if errs != nil {
		return brokerError("publish lost connections", fmt.Errorf("%d of %d failed: %w", len(errs), len(docs), errs[0]))
	}
	return nil
}

// lostEvent is the event of one connection. Its time is when it was found lost.
func lostEvent(d *realtime.ConnectionDoc, now time.Time) (*pubsub.Message, error) {
	data, err := json.Marshal(struct {
		Tenant string `json:"tenant"`
		*realtime.ConnectionDoc
	}{d.Tenant, d})
	if err != nil {
		return nil, fmt.Errorf("encode connection %q: %w", d.ID, err)
	}
	return &pubsub.Message{Data: data, Attributes: map[string]string{
		"Content-Type":   "application/json",
		"ce-specversion": "1.0",
		"ce-type":        LostType,
		"ce-source":      "/instances/" + d.Instance,
		"ce-id":          d.ID,
		"ce-subject":     "tenants/" + d.Tenant + "/connections/" + d.ID,
		"ce-time":        now.UTC().Format(time.RFC3339Nano),
		"ce-tenant":      d.Tenant, // for filters of subscriptions
	}}, nil
}

// Close publishes what is under way and closes the connection.
func (l *Lost) Close() error {
	l.publisher.Stop()
	return l.client.Close()
}
