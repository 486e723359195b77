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

// ChannelEvents tells a topic of channels that become occupied and vacated, in the form in which Lost tells of connections. The id is
// that of the realtime.ChannelEvent, the subject tenants/{tenant}/channels/{channel}, which is also the ordering key: a subscription with
// message ordering is given the events of a channel in their order. It is safe for concurrent use.
type ChannelEvents struct {
	client    *pubsub.Client
	publisher *pubsub.Publisher
}

var _ realtime.ChannelEvents = (*ChannelEvents)(nil)

// OpenChannelEvents returns ChannelEvents on a topic, which has to exist. It makes no call before it is used. Close it.
func OpenChannelEvents(ctx context.Context, c gcp.Connection, topic string) (*ChannelEvents, error) {
	client, err := pubsub.NewClient(ctx, c.Project, c.PubSub()...)
	if err != nil {
		return nil, fmt.Errorf("open pub/sub of project %s: %w", c.Project, err)
	}
	p := client.Publisher(topic)
	p.PublishSettings.Timeout = lostTime
	p.EnableMessageOrdering = true
	return &ChannelEvents{client, p}, nil
}

// Tell publishes one event after the other, and each when the topic has the one before.
func (o *ChannelEvents) Tell(ctx context.Context, events []realtime.ChannelEvent) error {
	for i := range events {
		m, err := channelEvent(&events[i])
		if err != nil {
			return err
		}
		if _, err := o.publisher.Publish(ctx, m).Get(ctx); err != nil {
			o.publisher.ResumePublish(m.OrderingKey) // else nothing of the channel is published any more
			return brokerError("publish what has become of a channel", err)
		}
	}
	return nil
}

// channelEvent is the message of an event.
func channelEvent(e *realtime.ChannelEvent) (*pubsub.Message, error) {
	tenant, name := e.Channel.Tenant(), e.Channel.Name()
	data, err := json.Marshal(struct {
		Tenant     string `json:"tenant"`
		Channel    string `json:"channel"`
		Generation int64  `json:"generation"`
	}{tenant, name, e.Generation})
	if err != nil {
		return nil, fmt.Errorf("encode an event of channel %q: %w", name, err)
	}
	subject := "tenants/" + tenant + "/channels/" + name
	return &pubsub.Message{Data: data, OrderingKey: subject, Attributes: map[string]string{
		"Content-Type":   "application/json",
		"ce-specversion": "1.0",
		"ce-type":        e.Type(),
		"ce-source":      "/tenants/" + tenant,
		"ce-id":          e.ID(),
		"ce-subject":     subject,
		"ce-time":        e.Time.UTC().Format(time.RFC3339Nano),
		"ce-tenant":      tenant, // for filters of subscriptions
	}}, nil
}

// Close publishes what is under way and closes the connection.
func (o *ChannelEvents) Close() error {
	o.publisher.Stop()
	return o.client.Close()
}
