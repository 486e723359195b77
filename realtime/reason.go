package realtime

// Reason says why something was counted. Each Counter has its own, which Counter.Reasons lists.
type Reason string

// NoReason is that of counters, and of events, which need none.
const NoReason Reason = ""

// Reasons of CountConnects and CountDisconnects.
const (
	ReasonSocket Reason = "socket" // a WebSocket
	ReasonEvents Reason = "events" // a stream of Server-Sent Events
	ReasonClient Reason = "client" // the client left
)

// Reasons of CountRefusals. Others are the names of limits, Codes, and why package auth refuses a token.
const (
	ReasonWaiting       Reason = "waiting"       // too many clients have not said who they are
	ReasonVerifying     Reason = "judging"       // too many tokens are being verified
	ReasonUnknownFrames Reason = "unknownFrames" // too many frames of a client that has not said who it is
	ReasonConnectHook   Reason = "connect-hook"  // the program's own Connect hook
	ReasonOrigin        Reason = "origin"        // the page's origin
	ReasonMemory        Reason = "memory"        // the process is short of memory; of CountEvictions: the tenant's records are
)

// Reasons of CountPublishes.
const (
	ReasonStored Reason = "stored"
	ReasonFailed Reason = "failed" // of CountFollows: the broker refused
)

// ReasonDirect is that of CountDeliveries for what was sent to users, groups and connections.
const ReasonDirect Reason = "direct"

// Reasons of CountDrops.
const (
	ReasonRepeated   Reason = "repeated"    // it was received before
	ReasonMalformed  Reason = "malformed"   // no publisher of ours sends it
	ReasonConflate   Reason = "conflate"    // the reader was slow: another event with the same key replaced it
	ReasonDropOldest Reason = "drop-oldest" // the reader was slow: it was the oldest
	ReasonTooSlow    Reason = "too-slow"    // the reader was slow, and was closed
	ReasonStateless  Reason = "stateless"   // it is transient, and the state of its channel is not
)

// Reasons of CountAnswers. Others are Codes.
const (
	ReasonLive    Reason = "live"
	ReasonResumed Reason = "resumed"
	ReasonRewound Reason = "rewound"
	ReasonReset   Reason = "reset" // a state is given anew, because what has changed since is not known
	ReasonGap     Reason = "gap"
)

// Reasons of CountGaps. docs/resume.md explains them.
const (
	ReasonEvicted  Reason = "evicted"
	ReasonHorizon  Reason = "horizon"
	ReasonBeacon   Reason = "beacon" // of CountFollows: the beacon did not come back in time
	ReasonHole     Reason = "hole"   // of CountFollows: a Publication is missing
	ReasonMoved    Reason = "moved"
	ReasonUnusable Reason = "unusable"
	// ReasonUndecided is a Publication with a Condition of which nobody here knows whether it counts.
	ReasonUndecided Reason = "undecided"
)

// Reasons of CountChannelEvents, besides ReasonFailed.
const (
	ReasonOccupied Reason = "occupied"
	ReasonVacated  Reason = "vacated"
)

// Reasons of CountHooks, besides ReasonFailed.
const (
	ReasonAgreed  Reason = "agreed"
	ReasonRefused Reason = "refused"
	ReasonCached  Reason = "cached"  // an answer that counts still, which is counted as agreed or refused too
	ReasonTimeout Reason = "timeout" // no answer in time
	ReasonOpen    Reason = "open"    // the hook was not asked, because it has failed several times
	ReasonBusy    Reason = "busy"    // nor because too many requests wait for its answer
)

// Reasons of CountHoles.
const (
	ReasonSkipped Reason = "skipped" // a number was left out
	ReasonLate    Reason = "late"    // it came after its successors
)

// Reasons of CountFences.
const (
	ReasonSent     Reason = "sent"
	ReasonReturned Reason = "returned"
	ReasonOverdue  Reason = "overdue"
)

// Reasons of CountFollows.
const (
	ReasonFirst  Reason = "first"  // the topic was not followed
	ReasonBroken Reason = "broken" // the stream was interrupted, and goes on
	ReasonEnded  Reason = "ended"  // the stream ended
	ReasonFence  Reason = "fence"  // a fence did not come back in time
	ReasonPulse  Reason = "pulse"  // nothing came, not even what the instance publishes to itself
	ReasonPanic  Reason = "panic"  // a fault of the program
	ReasonWhole  Reason = "whole"  // single channels were followed, and do not show what is asked for
	ReasonSingle Reason = "single" // the whole topic was followed, and single channels will do
)

// Reasons of CountEvictions.
const (
	ReasonCount  Reason = "count"  // the window's number of events
	ReasonAge    Reason = "age"    // the window's age
	ReasonAside  Reason = "aside"  // a buffer of what came before the record could be complete
	ReasonBudget Reason = "budget" // the process is short of memory
)

// Reasons of CountHistory: where it was.
const (
	ReasonRecord   Reason = "record"
	ReasonRetained Reason = "retained" // what the topic keeps
)

// Reasons of CountConflated, CountFlushes and CountTuned. Flushes are ReasonSkipped too, if the client has not taken the one before.
const (
	ReasonRate  Reason = "rate"  // the reader has asked for less, at a rate or by a pause
	ReasonSlow  Reason = "slow"  // it does not keep up; of CountTuned: or does again
	ReasonRules Reason = "rules" // those of its channel have changed
	ReasonGiven Reason = "given"
)

// Reasons of CountSurveys.
const (
	ReasonAnswered   Reason = "answered"   // by all instances
	ReasonIncomplete Reason = "incomplete" // some have not answered in time
)

// Reasons of CountCensus and of CountCensusLosses: what is said.
const (
	ReasonAsk   Reason = "ask"   // who wants to know of what
	ReasonAlive Reason = "alive" // nothing but that it lives, or goes
	ReasonQuery Reason = "query" // the answer to a question by HTTP
	ReasonLease Reason = "lease" // an instance of which nothing was heard
)

// Reasons of CountPanics: what a panic has ended.
const (
	ReasonConnection Reason = "connection"
	ReasonChannel    Reason = "channel"
	ReasonTopic      Reason = "topic"
	ReasonBroker     Reason = "broker"
	ReasonHook       Reason = "hook"
	ReasonRequest    Reason = "request"
	ReasonSweep      Reason = "sweep"
	ReasonReport     Reason = "report" // also of CountCensus and CountCensusLosses: what an instance has
)

// Reasons are those that a Counter has. The zero value has none.
type Reasons struct {
	Constants []Reason // of this package
	Codes     bool     // every Code
	Limits    bool     // the name of every limit
	Tokens    bool     // why a token was refused: package auth
	Backend   bool     // what failed in the services of a backend: its driver
}

// Reasons lists the reasons of a counter. NoReason is one of those that have no others, and of CountDeliveries.
func (c Counter) Reasons() Reasons {
	switch c {
	case CountConnects:
		return Reasons{Constants: []Reason{ReasonSocket, ReasonEvents}}
	case CountDisconnects:
		return Reasons{Constants: []Reason{ReasonClient}, Codes: true}
	case CountRefusals:
		return Reasons{
			Constants: []Reason{ReasonWaiting, ReasonVerifying, ReasonUnknownFrames, ReasonConnectHook, ReasonOrigin, ReasonMemory},
			Codes:     true, Limits: true, Tokens: true,
		}
	case CountPublishes:
		return Reasons{Constants: []Reason{ReasonStored, ReasonFailed}}
	case CountDeliveries:
		return Reasons{Constants: []Reason{ReasonDirect}}
	case CountDrops:
		return Reasons{Constants: []Reason{ReasonRepeated, ReasonMalformed, ReasonConflate, ReasonDropOldest, ReasonTooSlow, ReasonStateless}}
	case CountAnswers:
		return Reasons{Constants: []Reason{ReasonLive, ReasonResumed, ReasonRewound, ReasonReset, ReasonGap}, Codes: true}
	case CountGaps:
		return Reasons{Constants: []Reason{ReasonEvicted, ReasonHorizon, ReasonBeacon, ReasonHole, ReasonMoved, ReasonUnusable, ReasonUndecided}}
	case CountHoles:
		return Reasons{Constants: []Reason{ReasonSkipped, ReasonLate}}
	case CountHistory:
		return Reasons{Constants: []Reason{ReasonRecord, ReasonRetained}}
	case CountConflated:
		return Reasons{Constants: []Reason{ReasonRate, ReasonSlow}}
	case CountFlushes:
		return Reasons{Constants: []Reason{ReasonGiven, ReasonSkipped}}
	case CountTuned:
		return Reasons{Constants: []Reason{ReasonSlow, ReasonRules}}
	case CountSurveys:
		return Reasons{Constants: []Reason{ReasonAnswered, ReasonIncomplete, ReasonFailed}}
	case CountCensus:
		return Reasons{Constants: []Reason{ReasonAsk, ReasonReport, ReasonAlive, ReasonQuery}}
	case CountCensusLosses:
		return Reasons{Constants: []Reason{ReasonReport, ReasonLease}}
	case CountFences:
		return Reasons{Constants: []Reason{ReasonSent, ReasonReturned, ReasonOverdue}}
	case CountFollows:
		return Reasons{Constants: []Reason{ReasonFirst, ReasonFailed, ReasonBroken, ReasonEnded, ReasonHole, ReasonBeacon, ReasonFence, ReasonPulse, ReasonPanic, ReasonWhole, ReasonSingle}}
	case CountEvictions:
		return Reasons{Constants: []Reason{ReasonCount, ReasonAge, ReasonMemory, ReasonAside, ReasonBudget}}
	case CountChannelEvents:
		return Reasons{Constants: []Reason{ReasonOccupied, ReasonVacated, ReasonFailed}}
	case CountHooks:
		return Reasons{Constants: []Reason{ReasonAgreed, ReasonRefused, ReasonCached, ReasonFailed, ReasonTimeout, ReasonOpen, ReasonBusy}}
	case CountBackendErrors:
		return Reasons{Backend: true}
	case CountPanics:
		return Reasons{Constants: []Reason{ReasonConnection, ReasonChannel, ReasonTopic, ReasonBroker, ReasonHook, ReasonRequest, ReasonSweep, ReasonReport}}
	}
	return Reasons{}
}
