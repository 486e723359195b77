package realtime

import "time"

// Metrics is told what happens, where it happens. Implementations are safe for
// concurrent use and cheap: some methods are called once per batch of
// deliveries. reason is one of a small set of constants.
type Metrics interface {
	// Add counts n events.
	Add(c Counter, tenant, reason string, n int)
	// Level sets a gauge.
	Level(g Gauge, tenant string, value int)
	// Took records a duration.
	Took(t Timing, tenant string, d time.Duration)
}

// Counter names something that is counted, as OpenTelemetry has it after the prefix tidewire.
type Counter string

// The counters. Where a reason is named it is one of those listed.
const (
	CountConnects     Counter = "connects"     // reason: socket, events
	CountDisconnects  Counter = "disconnects"  // reason: the Code, or "client"
	CountRefusals     Counter = "refusals"     // reason: what refused (a limit's name or a Code)
	CountPublishes    Counter = "publishes"    // handed to the broker; reason: stored, failed
	CountPublications Counter = "publications" // received from the broker
	CountDeliveries   Counter = "deliveries"   // queued for a connection
	CountDrops        Counter = "drops"        // reason: repeated, stale, conflate, drop-oldest, too-slow, malformed
	CountAnswers      Counter = "answers"      // to subscribe; reason: live, resumed, gap, unavailable
	CountGaps         Counter = "gaps"         // reason: hole, late, evicted, horizon, beacon, unusable
	CountHoles        Counter = "holes"        // numbers skipped; reason: skipped, late
	CountFences       Counter = "fences"       // reason: sent, returned, overdue
	CountFollows      Counter = "follows"      // reason: first, anew, failed
	CountEvictions    Counter = "evictions"    // from records; reason: count, age, memory, aside, budget
	// CountBackendErrors counts calls of the backend's services that failed, each attempt; reason: the
	// service and the error, such as "firestore unavailable".
	CountBackendErrors Counter = "backend.errors"
	// CountPanics counts panics, each of which has ended the one thing that it concerned.
	CountPanics Counter = "panics" // reason: connection, channel, topic, broker, hook, request, sweep, report
)

// Gauge names a level.
type Gauge string

// The gauges.
const (
	GaugeConnections Gauge = "connections"
	GaugeTopics      Gauge = "topics"
	GaugeRecordBytes Gauge = "record.size" // bytes
	// GaugeQueueMessages and GaugeQueueBytes are what waits for the connections of a tenant, looked at once a second.
	GaugeQueueMessages Gauge = "queue.messages"
	GaugeQueueBytes    Gauge = "queue.size"
	// GaugeSubscriptions is how many subscriptions of the broker are in use by all instances, where that has a wall.
	GaugeSubscriptions Gauge = "subscriptions"
)

// Timing names a duration.
type Timing string

// The timings.
const (
	TimingDelivery Timing = "delivery.duration" // broker's publish time to the queues of the readers
	TimingAnswer   Timing = "answer.duration"   // subscribe to its answer
	TimingPublish  Timing = "publish.duration"  // a call of Publisher.Publish
)

// NoMetrics forgets everything.
type NoMetrics struct{}

// Add does nothing.
func (NoMetrics) Add(Counter, string, string, int) {}

// Level does nothing.
func (NoMetrics) Level(Gauge, string, int) {}

// Took does nothing.
func (NoMetrics) Took(Timing, string, time.Duration) {}
