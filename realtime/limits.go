package realtime

import (
	"cmp"
	"reflect"
)

// Limits bound what a tenant, a user and a connection may use. A zero field has
// the default stated in DefaultLimits. Rates are token buckets that hold two
// seconds' worth. Counts and rates hold per instance.
type Limits struct {
	Connections        int `json:"connections,omitempty"`        // open at once, tenant
	ConnectionsPerUser int `json:"connectionsPerUser,omitempty"` // open at once, user
	ConnectsPerSecond  int `json:"connectsPerSecond,omitempty"`  // tenant

	FramesPerSecond     int `json:"framesPerSecond,omitempty"`     // received, connection
	BytesPerSecond      int `json:"bytesPerSecond,omitempty"`      // received, connection
	SubscribesPerSecond int `json:"subscribesPerSecond,omitempty"` // connection; a first frame counts once
	PublishesPerSecond  int `json:"publishesPerSecond,omitempty"`  // user, through any API
	RequestsPerSecond   int `json:"requestsPerSecond,omitempty"`   // user, calls of the management API

	// What a user's and a tenant's connections may use together; 0 is UserShare and
	// TenantShare times the figure of one.
	UserShare   int `json:"userShare,omitempty"`
	TenantShare int `json:"tenantShare,omitempty"`

	SubscriptionsPerConnection int `json:"subscriptionsPerConnection,omitempty"`
	MessageBytes               int `json:"messageBytes,omitempty"` // one event's data, one frame
	BatchEvents                int `json:"batchEvents,omitempty"`  // events in one ingest request
	QueueMessages              int `json:"queueMessages,omitempty"`
	QueueBytes                 int `json:"queueBytes,omitempty"`
	RecordBytes                int `json:"recordBytes,omitempty"` // the tenant's records on one instance

	// Weight is the tenant's share of an instance that has more to write than it can, beside the weights of others; 1 to MaxWeight.
	Weight int `json:"weight,omitempty"`
}

// DefaultLimits returns what suits a dashboard: readers that ask little, and
// one producer of some hundred events a second.
func DefaultLimits() Limits {
	return Limits{
		Connections: 1000, ConnectionsPerUser: 20, ConnectsPerSecond: 100,
		FramesPerSecond: 50, BytesPerSecond: 256 << 10, SubscribesPerSecond: 50, PublishesPerSecond: 100, RequestsPerSecond: 20,
		UserShare: 4, TenantShare: 100,
		SubscriptionsPerConnection: 128, MessageBytes: 64 << 10, BatchEvents: 1000,
		QueueMessages: 1024, QueueBytes: 1 << 20, RecordBytes: 64 << 20,
		Weight: 1,
	}
}

// WithDefaults returns l with every zero field set to its default. It is asked at
// every connect, so it names the fields rather than walk them.
func (l Limits) WithDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Connections:                cmp.Or(l.Connections, d.Connections),
		ConnectionsPerUser:         cmp.Or(l.ConnectionsPerUser, d.ConnectionsPerUser),
		ConnectsPerSecond:          cmp.Or(l.ConnectsPerSecond, d.ConnectsPerSecond),
		FramesPerSecond:            cmp.Or(l.FramesPerSecond, d.FramesPerSecond),
		BytesPerSecond:             cmp.Or(l.BytesPerSecond, d.BytesPerSecond),
		SubscribesPerSecond:        cmp.Or(l.SubscribesPerSecond, d.SubscribesPerSecond),
		PublishesPerSecond:         cmp.Or(l.PublishesPerSecond, d.PublishesPerSecond),
		RequestsPerSecond:          cmp.Or(l.RequestsPerSecond, d.RequestsPerSecond),
		UserShare:                  cmp.Or(l.UserShare, d.UserShare),
		TenantShare:                cmp.Or(l.TenantShare, d.TenantShare),
		SubscriptionsPerConnection: cmp.Or(l.SubscriptionsPerConnection, d.SubscriptionsPerConnection),
		MessageBytes:               cmp.Or(l.MessageBytes, d.MessageBytes),
		BatchEvents:                cmp.Or(l.BatchEvents, d.BatchEvents),
		QueueMessages:              cmp.Or(l.QueueMessages, d.QueueMessages),
		QueueBytes:                 cmp.Or(l.QueueBytes, d.QueueBytes),
		RecordBytes:                cmp.Or(l.RecordBytes, d.RecordBytes),
		Weight:                     cmp.Or(l.Weight, d.Weight),
	}
}

func (l Limits) check() error {
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if v.Field(i).Int() < 0 {
			return Errorf(CodeBadRequest, "limits.%s: must not be negative", lowerFirst(v.Type().Field(i).Name))
		}
	}
	if l.QueueMessages != 0 && l.QueueMessages < 2*BurstMessages {
		return Errorf(CodeBadRequest, "limits.queueMessages: must be at least %d, or a burst overflows it", 2*BurstMessages)
	}
	if l.QueueBytes != 0 && l.QueueBytes < 2*BurstBytes {
		return Errorf(CodeBadRequest, "limits.queueBytes: must be at least %d, or a burst overflows it", 2*BurstBytes)
	}
	if l.MessageBytes > MaxMessageBytes {
		return Errorf(CodeBadRequest, "limits.messageBytes: must be at most %d", MaxMessageBytes)
	}
	if l.Weight > MaxWeight {
		return Errorf(CodeBadRequest, "limits.weight: must be 1 to %d, got %d", MaxWeight, l.Weight)
	}
	return nil
}

// MaxWeight is the largest Limits.Weight.
const MaxWeight = 100

func lowerFirst(s string) string { return string(s[0]|0x20) + s[1:] }

// The most of a batch that a hub queues before it flushes the readers. It is a
// part of the smallest queue, so that a burst is no reason to call a reader slow.
const (
	BurstMessages = 32
	BurstBytes    = 64 << 10
)
