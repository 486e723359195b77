package telemetry

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Prefix stands before the name of every metric.
const Prefix = "tidewire."

// Kind is what a metric measures.
type Kind string

// The kinds of metrics.
const (
	KindCounter   Kind = "counter"
	KindGauge     Kind = "gauge"
	KindHistogram Kind = "histogram"
)

// Instrument is a metric. Names and units follow OpenTelemetry's conventions
// (https://opentelemetry.io/docs/specs/semconv/general/naming/): units are of UCUM and not part of the name, and what is
// countable is in the plural.
type Instrument struct {
	Name        string
	Kind        Kind
	Unit        string
	Description string
	// Attributes may be on a point: tenant, and reason, which is one of a few constants.
	Attributes []string
}

// The names of attributes.
const (
	AttributeTenant = "tenant"
	AttributeReason = "reason"
)

// Instruments returns all metrics there are, for whoever builds dashboards and alerts.
func Instruments() []Instrument {
	var all []Instrument
	for _, c := range counters {
		all = append(all, Instrument{Prefix + string(c.name), KindCounter, c.unit, c.description, []string{AttributeTenant, AttributeReason}})
	}
	for _, g := range gauges {
		all = append(all, Instrument{Prefix + string(g.name), KindGauge, g.unit, g.description, []string{AttributeTenant}})
	}
	for _, h := range timings {
		all = append(all, Instrument{Prefix + string(h.name), KindHistogram, "s", h.description, []string{AttributeTenant}})
	}
	return slices.Clip(all)
}

type described[N ~string] struct {
	name              N
	unit, description string
}

var counters = [...]described[realtime.Counter]{
	{realtime.CountConnects, "{connection}", "Connections that were opened."},
	{realtime.CountDisconnects, "{connection}", "Connections that ended, by the code they were closed with."},
	{realtime.CountRefusals, "{refusal}", "Connects, frames and requests that were refused, by limit or code."},
	{realtime.CountPublishes, "{publication}", "Publications that were handed to the broker."},
	{realtime.CountPublications, "{publication}", "Publications that an instance received from the broker."},
	{realtime.CountDeliveries, "{delivery}", "Publications that were queued for a connection."},
	{realtime.CountDrops, "{publication}", "Publications that were not delivered, by reason."},
	{realtime.CountAnswers, "{answer}", "Answers to subscribes."},
	{realtime.CountGaps, "{gap}", "Times that readers were told that something may be missing, by reason."},
	{realtime.CountHooks, "{answer}", "What became of questions to the hooks of tenants' documents."},
	{realtime.CountChannelEvents, "{event}", "Events of channels that became occupied or vacated, and attempts that failed."},
	{realtime.CountHoles, "{hole}", "Publications that the broker did not deliver in order."},
	{realtime.CountHistory, "{message}", "Messages given to queries of history, by where they were."},
	{realtime.CountConflated, "{publication}", "Publications that a reader was not given because a newer one took their place, by why it was not given them at once."},
	{realtime.CountFlushes, "{flush}", "Flushes of readers at a rate, by outcome."},
	{realtime.CountTuned, "{reader}", "Readers that were told of another rate, by why it is another one."},
	{realtime.CountSurveys, "{question}", "Questions to all instances by HTTP, by outcome."},
	{realtime.CountCensus, "{message}", "Messages by which instances tell each other who is present and what is wanted, by what is said."},
	{realtime.CountCensusBytes, "By", "Size of these messages."},
	{realtime.CountCensusLosses, "{loss}", "What of them was lost, by what is missing."},
	{realtime.CountFences, "{fence}", "Fences, by outcome."},
	{realtime.CountFollows, "{follow}", "Times that an instance started to follow a topic, by reason."},
	{realtime.CountEvictions, "{publication}", "Publications that records dropped, by reason."},
	{realtime.CountBackendErrors, "{error}", "Failed attempts to call the services of the backend, by service and code."},
	{realtime.CountPanics, "{panic}", "Contained panics, by what they ended."},
}

var gauges = [...]described[realtime.Gauge]{
	{realtime.GaugeConnections, "{connection}", "Connections that are open."},
	{realtime.GaugeTopics, "{topic}", "Topics that the instance follows."},
	{realtime.GaugeRecordBytes, "By", "Size of the records, from which resumes are answered."},
	{realtime.GaugeQueueMessages, "{message}", "Messages that wait for their connections."},
	{realtime.GaugeQueueBytes, "By", "Size of the messages that wait for their connections."},
	{realtime.GaugePresenceWatchers, "{connection}", "Connections that watch who is present, or have entered a channel."},
	{realtime.GaugePresenceRooms, "{channel}", "Channels of which the instance knows who is present."},
	{realtime.GaugeDemandChannels, "{channel}", "Channels of which the instance knows how they are wanted."},
	{realtime.GaugeSubscriptions, "{subscription}", "Subscriptions in the whole project, as last counted."},
}

var timings = [...]described[realtime.Timing]{
	{realtime.TimingDelivery, "s", "Time from the broker's publish time to the queues of the readers."},
	{realtime.TimingAnswer, "s", "Time from a subscribe to its answer."},
	{realtime.TimingPublish, "s", "Time until the broker has stored a call's publications."},
	{realtime.TimingHook, "s", "Time of a request to a hook of a tenant's document."},
}

// buckets are the bounds of all timings, in seconds. 1 s is the objective of deliveries.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
