package gcppubsub

import (
	"strconv"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/tidewire/tidewire/realtime"
)

// The labels of Tidewire's topics and subscriptions. Pub/Sub does not say when a
// subscription was made, so a label does.
const (
	labelKind     = "tidewire"          // "topic", "follow" or "read"
	labelInstance = "tidewire-instance" // of a subscription: who follows
	labelCreated  = "tidewire-created"  // of a subscription: Unix seconds
)

func (b *Broker) projectPath() string { return "projects/" + b.project }

func (b *Broker) topicPath(t realtime.Topic) string {
	return b.projectPath() + "/topics/" + string(t)
}

func (b *Broker) subscriptionPath(name string) string {
	return b.projectPath() + "/subscriptions/" + name
}

// subscriptionName is tw-<tenant>-<instance>-<generation> for a tenant's own topic, so
// that asking for it twice makes one.
func subscriptionName(topic realtime.Topic, f realtime.Following) string {
	return string(topic) + "-" + f.Instance + "-" + strconv.FormatUint(f.Generation, 10)
}

// readingName is tw-<name>-<topic>: tw-keeper-tw-acme.
func readingName(topic realtime.Topic, name string) string { return "tw-" + name + "-" + string(topic) }

// checkInstance refuses an instance that cannot stand in a label
// (https://cloud.google.com/pubsub/docs/labels: 63 of a-z, 0-9, '_' and '-').
func checkInstance(name string) error {
	ok := name != "" && len(name) <= 63
	for i := range len(name) {
		c := name[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if !ok {
		return realtime.Errorf(realtime.CodeBadRequest, "instance: must be 1 to 63 of a-z, 0-9, '-' and '_', like a Pub/Sub label, got %.80q", name)
	}
	return nil
}

func labels(instance string, created time.Time) map[string]string {
	return map[string]string{labelKind: "follow", labelInstance: instance, labelCreated: strconv.FormatInt(created.Unix(), 10)}
}

// createdOf reads the label; a subscription that does not say is as old as can be.
func createdOf(s *pubsubpb.Subscription) time.Time {
	seconds, err := strconv.ParseInt(s.GetLabels()[labelCreated], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}
