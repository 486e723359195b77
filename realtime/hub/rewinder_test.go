package hub_test

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// rewinder is a client that subscribes to one channel with a rewind and is judged by the ledger: what it is given is what the ledger has, from
// somewhere on, each once and in order, but for a gap that it is told at the very place; and what it is told of that is true.
type rewinder struct {
	w       *rewindWorld
	conn    *hub.Connection
	hub     *hub.Hub
	channel realtime.Channel
	rewind  realtime.Rewind
	key     string // all that it wants to see; "" is everything
	box     *outbox.Outbox

	mu       sync.Mutex // guards what follows
	stuck    bool
	over     bool
	answered bool
	answer   wire.ServerFrame
	told     int64 // when it was answered, ms
	next     int   // the place that comes next; -1 is any
	given    int   // messages since the answer
	gapped   bool  // since the last message, or since the answer
	broken   bool  // a gap was told before all of the rewind had come
	lines    []string
}

func (r *rewinder) fault(format string, args ...any) {
	r.w.t.Errorf("%s of %s, rewind %q, key %q, rewound %d, complete %t: %s\n%s", r.conn.ID(), r.channel.Name(), r.rewind, r.key,
		r.answer.Rewound, r.answer.Complete, fmt.Sprintf(format, args...), strings.Join(r.lines, "\n"))
}

func (r *rewinder) hear(f *wire.ServerFrame) {
	at, err := realtime.ParsePosition(f.Position)
	if err != nil {
		r.fault("%v", err)
	}
	r.lines = append(r.lines, fmt.Sprintf("%s %s %s", time.Now().Format("15:04:05.000"), f.Type, f.Position))
	if len(r.lines) > 30 {
		r.lines = r.lines[1:]
	}
	switch f.Type {
	case wire.TypeOK:
		r.answeredBy(f)
	case wire.TypeNotice:
		r.gapped = true
		if r.given < r.answer.Rewound {
			r.broken = true
		}
	case wire.TypeMessage:
		r.message(at)
	case wire.TypeError:
		r.over = true
		r.w.count(func(c *rewindCounts) { c.refused++ })
	}
}

func (r *rewinder) answeredBy(f *wire.ServerFrame) {
	r.answered, r.answer, r.told, r.next = true, *f, time.Now().UnixMilli(), -1
	r.gapped = f.Gap
	r.w.count(func(c *rewindCounts) {
		c.answers++
		c.rewound += f.Rewound
		if f.Complete {
			c.complete++
		}
	})
	if r.rewind.Count == 0 {
		return
	}
	if f.Rewound > r.rewind.Count {
		r.fault("more than was asked for")
	}
	if f.Complete != (f.Rewound == r.rewind.Count) && f.Complete {
		r.fault("complete, and it is not")
	}
}

func (r *rewinder) message(at realtime.Position) {
	place := r.w.ledger.place(r.channel, at.ID)
	switch {
	case !r.answered:
		r.fault("%s before the answer", at)
	case place < 0:
		r.fault("%s is not known", at)
	case r.next < 0:
		r.first(place, at)
	case place < r.next:
		r.fault("%s comes again, or in disorder", at)
	case !r.gapped && r.w.ledger.between(r.channel, r.next, place, r.key, 0) > 0:
		r.fault("%d are missing before %s", r.w.ledger.between(r.channel, r.next, place, r.key, 0), at)
	}
	r.next, r.gapped = place+1, false
	r.given++
	if r.given == r.answer.Rewound && !r.broken {
		r.w.count(func(c *rewindCounts) { c.whole++ })
	}
}

// first judges where it begins.
func (r *rewinder) first(place int, at realtime.Position) {
	if !r.answer.Complete || r.gapped || r.rewind.For == 0 {
		return
	}
	if n := r.w.ledger.between(r.channel, 0, place, r.key, r.told-r.rewind.For.Milliseconds()); n > 0 {
		r.fault("complete, and begins with %s, but %d before it are young enough", at, n)
	}
}

// finish judges the end: what it was promised has come, if it has had the time.
func (r *rewinder) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.stuck || !r.answered {
		return
	}
	if r.given < r.answer.Rewound && !r.broken {
		r.fault("%d of %d have come", r.given, r.answer.Rewound)
	}
	if r.next >= 0 && !r.gapped {
		if n := r.w.ledger.between(r.channel, r.next, r.w.ledger.len(r.channel), r.key, 0); n > 0 {
			r.fault("the last %d are missing", n)
		}
	}
}

func (r *rewinder) Beat(time.Time) bool { return true }

func (r *rewinder) Shut(*realtime.Error) {
	r.w.closing.Go(r.end)
}

func (r *rewinder) end() {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.hub.Disconnect(r.conn)
}

func (r *rewinder) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stuck || !r.box.Begin() {
		return
	}
	for {
		frames := r.box.Next(nil, 1<<10)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			if got := decode(r.w.t, f); !r.over && got.Type != wire.TypeHeartbeat {
				r.hear(&got)
			}
		}
	}
}
