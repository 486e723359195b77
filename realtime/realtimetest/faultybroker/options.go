package faultybroker

import "time"

// Options say how often a Broker misbehaves of its own accord. The
// zero value never does. A probability is from 0 to 1, an "Every" is the mean time
// between two faults, and a "Within" is the longest time one takes; the actual
// time is anything up to it.
type Options struct {
	// Seed makes the same choices again, as far as goroutines come in the same order.
	Seed uint64

	// Refuse answers a message with CodeUnavailable, and it is not stored.
	Refuse float64
	// RefuseLate does so after a while. Until then what comes behind the message on its channel waits, and then is
	// refused with it.
	RefuseLate float64
	// RefuseWithin is for RefuseLate; 0 is a second.
	RefuseWithin time.Duration
	// Disown answers a message with CodeUnavailable although it is stored.
	Disown float64
	// Retry stores a message a second time, unchanged, with others in between, as a publisher's
	// own retry does.
	Retry float64
	// RetryWithin is for Retry; 0 is 30 s. A minute is the most that a stream's
	// claim allows for.
	RetryWithin time.Duration

	// RefuseFollow answers a Follow with CodeUnavailable.
	RefuseFollow float64
	// LateReplay withholds what a stream is to replay, a beacon that was
	// published before it was opened too, while live messages flow: a seek that takes effect
	// later. The two divide between one millisecond and the next.
	LateReplay float64
	// LateReplayWithin is for LateReplay; 0 is a minute.
	LateReplayWithin time.Duration

	// RefuseAdd answers an Add or a Remove of a single channel with CodeUnavailable, and DisownAdd does so although it is done. LateAdd has
	// what an Add brings come late.
	RefuseAdd, DisownAdd, LateAdd float64
	// LateAddWithin is for LateAdd; 0 is 10 s.
	LateAddWithin time.Duration

	// Invert gives a fence a later time, the same on every stream, than that of what follows it, as a
	// server does that stores what two publishers send at once in another order than it came.
	Invert float64
	// InvertWithin is for Invert; 0 is 50 ms.
	InvertWithin time.Duration

	// Delay holds a channel on one stream back, from one message on. Other channels flow.
	Delay float64
	// DelayWithin is for Delay; 0 is 30 s. It is also the most by which holding a channel back makes
	// a message late, whatever else befalls the channel.
	DelayWithin time.Duration
	// Redeliver brings a message that was delivered again, and all later ones
	// of its channel after it.
	Redeliver float64
	// RedeliverWithin is for Redeliver and for what follows a break; 0 is 10 s.
	RedeliverWithin time.Duration
	// Outstanding is how many messages of a channel are brought again at most; 0 is 32. Only those
	// are that were given within OutstandingFor; 0 is a minute.
	Outstanding    int
	OutstandingFor time.Duration
	// Lose drops a Publication on its way to one stream. No claim holds then.
	Lose float64
	// CutFence breaks the stream when a fence of its own instance is about to come back.
	CutFence float64

	// StallEvery stops a whole stream for a while, without an error.
	StallEvery time.Duration
	// StallWithin is for StallEvery; 0 is 8 s.
	StallWithin time.Duration
	// BreakEvery interrupts a stream with ErrBroken. What was outstanding comes again
	// later, each channel in order.
	BreakEvery time.Duration
	// EndEvery ends a stream with CodeUnavailable.
	EndEvery time.Duration
}

// Rough returns options under which everything goes wrong often, except that
// nothing is lost. It is far worse than a real backend.
func Rough(seed uint64) Options {
	return Options{
		Seed:   seed,
		Refuse: 0.01, RefuseLate: 0.005, Disown: 0.01, Retry: 0.01,
		RefuseFollow: 0.05, LateReplay: 0.3,
		RefuseAdd: 0.05, DisownAdd: 0.05, LateAdd: 0.1,
		Invert: 0.3,
		Delay:  0.002, DelayWithin: 20 * time.Second,
		Redeliver: 0.002, CutFence: 0.02,
		StallEvery: 3 * time.Minute, BreakEvery: 3 * time.Minute, EndEvery: 20 * time.Minute,
	}
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.RefuseWithin, time.Second},
		{&o.RetryWithin, 30 * time.Second},
		{&o.LateReplayWithin, time.Minute},
		{&o.LateAddWithin, 10 * time.Second},
		{&o.InvertWithin, 50 * time.Millisecond},
		{&o.DelayWithin, 30 * time.Second},
		{&o.RedeliverWithin, 10 * time.Second},
		{&o.OutstandingFor, time.Minute},
		{&o.StallWithin, 8 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if o.Outstanding <= 0 {
		o.Outstanding = 32
	}
	return o
}
