package record

import "github.com/tidewire/tidewire/realtime"

// Record is what is remembered of one channel: before it is made, what came, buffered; afterwards its newest
// Publications in order, each once, and since when that is all there was.
type Record struct {
	Window // empty until the record is made

	name  realtime.Channel
	quota *Quota
	place int // in quota.oldest
	mate  int // in quota.records
	rules realtime.Namespace

	complete int64 // since when the stream brings all of the channel, ms; 0: as it does of all

	made   bool
	making bool // more is about to be appended
	buffer buffer
	series series
	newest int64             // publish time of the newest Publication, ms
	told   int64             // what is older lies before a hole that was told, ms
	floor  realtime.Position // where a reader stands while the record has seen none
	keys   keys
}

// cost is what a record itself counts for, with what a Hub keeps beside it.
func cost(name realtime.Channel) int { return channelOverhead + len(name.Name()) }

// Channel returns whose record it is.
func (r *Record) Channel() realtime.Channel { return r.name }

// Quota returns what bounds the records of its tenant.
func (r *Record) Quota() *Quota { return r.quota }

// Obey gives the record other rules. What is too much by them goes with the next Publications.
func (r *Record) Obey(rules realtime.Namespace) { r.rules = rules }

// Made reports whether the record has been made of what was buffered.
func (r *Record) Made() bool { return r.made }

// Newest is the publish time of the newest Publication that came, in ms.
func (r *Record) Newest() int64 { return r.newest }

// Empty reports whether the record holds nothing.
func (r *Record) Empty() bool { return r.Len() == 0 && r.buffer.empty() }

// oldest is the turn of the oldest of what the record holds.
func (r *Record) oldest() (turn uint64, holds bool) {
	switch {
	case r.Len() > 0:
		return r.At(0).turn, true
	case !r.buffer.empty():
		return r.buffer.turn, true
	}
	return 0, false
}

// Position is where a reader stands that has had everything up to now.
func (r *Record) Position() realtime.Position {
	if p := r.last(); !p.IsZero() {
		return p
	}
	return r.floor
}

// Moment is where a reader stands that has had what came before a fence, published at ms, and nothing else:
// what comes behind the fence may have been published at a little less.
func (r *Record) Moment(ms int64) realtime.Position {
	at := ms - 1 - r.skew
	if begin := completeSince(r).UnixMilli(); at < begin {
		at = min(begin, ms-1) // nothing is known of what was before
	}
	return realtime.Position{Time: at}
}

// WhyNot says for the metrics why a record could not answer.
func WhyNot(r *Record, since realtime.Position) realtime.Reason {
	switch {
	case !since.IsUsable():
		return realtime.ReasonUnusable
	case since.Time <= r.evicted.Time:
		return realtime.ReasonEvicted
	}
	return realtime.ReasonHorizon
}
