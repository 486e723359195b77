package resumetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// CheckerOptions are the settings of a Checker. The zero value works.
type CheckerOptions struct {
	// AnswerWithin is how long a question may stay unanswered; 0 asks only that
	// each is answered before Finish.
	AnswerWithin time.Duration
}

// Checker judges the claim of the resume: from its first answer on, each client has
// had every Publication of its channels once and in order, or was told gap at
// that very place.
//
// It is told what was published, in the order in which the broker stored the
// first copies (see Tap), and what each client was told, in the order the
// client was told it (see Client). It judges at once, and Finish judges what should have come
// by then. It is safe for concurrent use; calls about one client and channel come
// one after the other.
type Checker struct {
	options CheckerOptions

	mu       sync.Mutex // guards what follows
	channels map[realtime.Channel]*history
	claims   map[reading]*claim
	counts   Counts
	faults   []Fault // the first maxFaults
}

// maxFaults is how many faults are kept; all are counted.
const maxFaults = 100

// reading is a client's view of a channel.
type reading struct {
	client  string
	channel realtime.Channel
}

// NewChecker returns a checker that knows nothing.
func NewChecker(o CheckerOptions) *Checker {
	return &Checker{options: o, channels: map[realtime.Channel]*history{}, claims: map[reading]*claim{}}
}

// Published says that the broker has stored an event, or is about to: it is told before
// any client can have it. Only the first call for an ID counts.
func (k *Checker) Published(c realtime.Channel, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.history(c).add(id) {
		k.counts.Published++
	}
}

// Withdrawn says that the broker did not store the event after all.
func (k *Checker) Withdrawn(c realtime.Channel, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.history(c).remove(id) {
		k.counts.Published--
	}
}

// Asked says that a client asks to read a channel. It may ask again, on another
// connection, before it is answered.
func (k *Checker) Asked(client string, c realtime.Channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	cl := k.claim(client, c)
	cl.owed = append(cl.owed, time.Now())
}

// Unasked takes a question back, because its connection has ended. The answer
// may be overdue by then.
func (k *Checker) Unasked(client string, c realtime.Channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.settle(k.claim(client, c), client, c)
}

// Answer says that a question was answered. From the first answer on, every
// event that is published from now on has to come; some that were published before may
// come first, without a hole.
func (k *Checker) Answer(client string, c realtime.Channel, resumed, gap bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	cl := k.claim(client, c)
	k.counts.Answers++
	if resumed {
		k.counts.Resumed++
	}
	if len(cl.owed) == 0 {
		k.fault(Fault{Kind: FaultUnasked, Client: client, Channel: c})
	}
	k.settle(cl, client, c)
	cl.live = true
	h := k.history(c)
	if !cl.answered {
		cl.answered, cl.latest = true, h.len()
	}
	if gap {
		k.gap(cl, h)
	}
}

// Message says that a client was given an event.
func (k *Checker) Message(client string, c realtime.Channel, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Delivered++
	cl, h := k.claim(client, c), k.history(c)
	f := Fault{Client: client, Channel: c, ID: id}
	at, ok := h.at[id]
	switch {
	case !ok:
		f.Kind = FaultUnknown
	case !cl.answered:
		f.Kind = FaultEarly
	case at < cl.earliest && cl.has(at):
		f.Kind = FaultRepeated
	case at < cl.earliest:
		f.Kind = FaultDisordered
	default:
		f.Missing = h.between(cl.latest, at)
		k.counts.FalseGaps += cl.moveTo(at, h)
		if f.Missing == 0 {
			return
		}
		f.Kind = FaultMissing
	}
	k.fault(f)
}

// Gap says that a client was told, by a notice, that something is missing right here.
func (k *Checker) Gap(client string, c realtime.Channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	cl := k.claim(client, c)
	if !cl.answered {
		k.fault(Fault{Kind: FaultEarly, Client: client, Channel: c})
		return
	}
	k.gap(cl, k.history(c))
}

// early says that something came on a connection before its answer.
func (k *Checker) early(client string, c realtime.Channel, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault(Fault{Kind: FaultEarly, Client: client, Channel: c, ID: id})
}

// Lost says that a client's connection has ended, for these channels or for all if none is
// named. It keeps what it has; nothing need come until the next answer.
func (k *Checker) Lost(client string, channels ...realtime.Channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(channels) > 0 {
		for _, c := range channels {
			k.claim(client, c).live = false
		}
		return
	}
	for r, cl := range k.claims {
		if r.client == client {
			cl.live = false
			for len(cl.owed) > 0 {
				k.settle(cl, r.client, r.channel)
			}
		}
	}
}

// Left says that a client does not want the channel any more: its claim ends,
// and another first answer begins a new one.
func (k *Checker) Left(client string, c realtime.Channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.claims, reading{client, c})
}

// Finish judges the end: whoever is connected has everything, and no question is
// open. It is called when what is under way has had time to arrive.
func (k *Checker) Finish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for r, cl := range k.claims {
		for len(cl.owed) > 0 {
			k.counts.Unanswered++
			k.fault(Fault{Kind: FaultUnanswered, Client: r.client, Channel: r.channel, Late: time.Since(cl.owed[0])})
			cl.owed = cl.owed[1:]
		}
		h := k.history(r.channel)
		if missing := h.between(cl.latest, h.len()); cl.live && missing > 0 {
			k.fault(Fault{Kind: FaultMissing, Client: r.client, Channel: r.channel, Missing: missing})
		}
	}
}

// Counts returns what was judged so far.
func (k *Checker) Counts() Counts {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.counts
}

// Faults returns the first faults that were found; Counts says how many there were.
func (k *Checker) Faults() []Fault {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]Fault(nil), k.faults...)
}

// Err joins the faults; it is nil if the claim holds so far.
func (k *Checker) Err() error {
	faults, all := k.Faults(), k.Counts().Faults
	var errs []error
	for _, f := range faults {
		errs = append(errs, errors.New(f.String()))
	}
	if all > len(faults) {
		errs = append(errs, fmt.Errorf("and %d more", all-len(faults)))
	}
	return errors.Join(errs...)
}

// The methods below are called with k.mu held.

func (k *Checker) history(c realtime.Channel) *history {
	h := k.channels[c]
	if h == nil {
		h = &history{at: map[string]int{}}
		k.channels[c] = h
	}
	return h
}

func (k *Checker) claim(client string, c realtime.Channel) *claim {
	r := reading{client, c}
	cl := k.claims[r]
	if cl == nil {
		cl = &claim{}
		k.claims[r] = cl
	}
	return cl
}

// gap loosens a claim: what follows may begin anywhere up to what is published now.
func (k *Checker) gap(cl *claim, h *history) {
	k.counts.Gaps++
	if h.between(cl.latest, h.len()) == 0 {
		k.counts.FalseGaps++ // nothing has been published that could be missing
		return
	}
	if cl.gaps == 0 {
		cl.before = cl.latest
	}
	cl.gaps++
	cl.latest = h.len()
}

// settle ends the oldest question of a claim, if there is one.
func (k *Checker) settle(cl *claim, client string, c realtime.Channel) {
	if len(cl.owed) == 0 {
		return
	}
	took := time.Since(cl.owed[0])
	cl.owed = cl.owed[1:]
	k.counts.SlowestAnswer = max(k.counts.SlowestAnswer, took)
	if k.options.AnswerWithin > 0 && took > k.options.AnswerWithin {
		k.counts.Unanswered++
		k.fault(Fault{Kind: FaultUnanswered, Client: client, Channel: c, Late: took})
	}
}

func (k *Checker) fault(f Fault) {
	f.At = time.Now()
	k.counts.Faults++
	if len(k.faults) < maxFaults {
		k.faults = append(k.faults, f)
	}
}
