package realtime

import "time"

// Metrics is told what happens, where it happens. Implementations are safe for
// concurrent use and cheap: some methods are called once per batch of
// deliveries.
type Metrics interface {
	// Add counts n events. reason is one of c.Reasons.
	Add(c Counter, tenant string, reason Reason, n int)
	// Level sets a gauge.
	Level(g Gauge, tenant string, value int)
	// Took records a duration.
	Took(t Timing, tenant string, d time.Duration)
}

// Counter names something that is counted, as OpenTelemetry has it after the prefix tidewire.
type Counter string

// The counters. Counter.Reasons lists the reasons of each.
const (
	CountConnects     Counter = "connects"
	CountDisconnects  Counter = "disconnects"
	CountRefusals     Counter = "refusals"     // of connects, frames and requests
	CountPublishes    Counter = "publishes"    // handed to the broker
	CountPublications Counter = "publications" // received from the broker
	CountDeliveries   Counter = "deliveries"   // queued for a connection
	CountDrops        Counter = "drops"        // not delivered
	CountAnswers      Counter = "answers"      // to subscribe
	CountGaps         Counter = "gaps"         // told to readers
	CountHoles        Counter = "holes"        // numbers skipped
	CountFences       Counter = "fences"
	CountFollows      Counter = "follows"
	CountEvictions    Counter = "evictions" // from records
	CountHistory      Counter = "history"   // read by a query
	CountSurveys      Counter = "surveys"   // questions to all instances, by HTTP
	// CountConflated counts Publications that a reader was not given because a newer one of their key took their place before its turn came, CountFlushes what
	// readers at a rate were given at their times, and CountTuned those that were told of another rate.
	CountConflated Counter = "conflated"
	CountFlushes   Counter = "flushes"
	CountTuned     Counter = "tuned"
	// CountCensus counts the messages by which instances tell each other who is present and what is wanted, and CountCensusBytes their size. CountCensusLosses
	// counts what of them was lost: reports that are asked for again, and instances of which nothing was heard for a lease.
	CountCensus       Counter = "census.messages"
	CountCensusBytes  Counter = "census.size"
	CountCensusLosses Counter = "census.losses"
	// CountChannelEvents counts what was published of channels that became occupied or vacated, and attempts that failed.
	CountChannelEvents Counter = "channel.events"
	// CountHooks counts what became of questions to the hooks of tenants' documents.
	CountHooks Counter = "hooks"
	// CountBackendErrors counts calls of the backend's services that failed, each attempt, by the
	// service and the error, such as "firestore unavailable".
	CountBackendErrors Counter = "backend.errors"
	// CountPanics counts panics, each of which has ended the one thing that it concerned.
	CountPanics Counter = "panics"
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
	// GaugePresenceWatchers is how many connections watch who is present, or have entered a channel; GaugePresenceRooms of how many channels it is known who is
	// present, and GaugeDemandChannels of how many what is wanted. They are looked at once a second.
	GaugePresenceWatchers Gauge = "presence.watchers"
	GaugePresenceRooms    Gauge = "presence.channels"
	GaugeDemandChannels   Gauge = "demand.channels"
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
	TimingHook     Timing = "hook.duration"     // a request to a hook of a tenant's document
)

// NoMetrics forgets everything.
type NoMetrics struct{}

// Add does nothing.
func (NoMetrics) Add(Counter, string, Reason, int) {}

// Level does nothing.
func (NoMetrics) Level(Gauge, string, int) {}

// Took does nothing.
func (NoMetrics) Took(Timing, string, time.Duration) {}
