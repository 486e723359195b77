package record

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// verdicts are what a Table has decided of Publications with a Condition, and what it could not decide.
//
// Every Table decides alike, whenever it began to hear the log, because it decides from no more than this: the newest change of the key that its
// own log has brought, if that is newer than what the publisher knew; else what the publisher knew, if the Table has heard everything since.
// Of neither, nothing is decided: it is given to nobody, and the key is open until a later one tells what it was.
type verdicts struct {
	outcomes map[string]outcome    // by ID: it may come again, and by other streams
	order    []string              // the same, the oldest first
	open     map[string]*undecided // by key
	waiting  int                   // messages in open
	notes    int                   // noted in open
	doubted  int64                 // up to which moment something of any key may have been missed, ms
}

type outcome struct {
	realtime.Outcome
	at int64 // publish time, ms
}

// undecided is what could not be decided of a key, in the order in which it came.
type undecided struct {
	messages []realtime.Message
	noted    []noted
	newest   int64 // publish time, ms
	vague    bool  // there is more, or they may have come in another order: only who has heard what is newer can tell
}

// noted is a message that could not be decided.
type noted struct {
	id string
	ms int64 // publish time
}

const (
	mostOutcomes = 8192
	outcomeCost  = 200
	mostOpen     = 256      // messages
	mostOpenData = 16 << 10 // bytes of each
	mostOpenKeys = 1024
	mostNotes    = 4096
	// near is by how much the times of two changes differ at most whose order in the log their times do not tell, in ms.
	near = 5000
)

// decide decides of a Publication with a Condition of which that is not known yet. late is what has become of others of its key that could not be decided before.
func decide(t *Table, m *realtime.Message) (o realtime.Outcome, late []Change) {
	v := &t.verdicts
	have, ms := t.keys[m.Key], m.Time.UnixMilli()
	switch {
	case have != nil && have.At.ID == m.ID: // a checkpoint has it
		return remember(t, m, realtime.Outcome{Verdict: realtime.VerdictApplied, Position: have.At}), nil
	case t.wasCleared(m) || have != nil && !have.before(m): // what was before what has come is not known any more
		if have != nil && have.series != m.Series && have.At.Time-ms <= near {
			v.blur(m.Key, have.At.Time)
		}
		return realtime.Outcome{}, nil
	}
	base, late, known := base(t, m, have)
	switch {
	case !known:
		v.leave(m)
		return realtime.Outcome{}, nil
	case m.If.Holds(base, ms):
		return remember(t, m, realtime.Outcome{Verdict: realtime.VerdictApplied, Position: m.Position()}), late
	case base.Has(ms):
		return remember(t, m, realtime.Outcome{Verdict: realtime.VerdictLost, Position: base.At}), late
	}
	return remember(t, m, realtime.Outcome{Verdict: realtime.VerdictLost}), late
}

// base is what the key was before a Publication, of which have is the newest change here.
func base(t *Table, m *realtime.Message, have *node) (base realtime.KeyState, late []Change, known bool) {
	v, c := &t.verdicts, m.If
	own, sure, left := stateOf(t, have), max(t.since, v.doubted), v.open[m.Key]
	newer := !own.At.IsZero() && own.At.Time >= c.AsOf
	// When a checkpoint has removed a value, nobody knows from which moment on there was none.
	vague := newer && have != nil && have.op == realtime.OpExpire && !have.lapsed && own.At == have.At && have.ends > m.Time.UnixMilli()
	mine := newer && own.At.Time >= sure
	switch {
	case vague:
		return base, nil, false
	case left == nil && mine:
		return own, nil, true
	case c.AsOf == 0 || c.AsOf < sure || left != nil && left.vague && c.AsOf <= left.newest:
		return base, nil, false
	}
	if base = c.Known; mine {
		base = own
	}
	if left != nil {
		base, late = refold(t, left, base, c.AsOf, m)
	}
	return base, late, true
}

// refold decides what was left open of a key, once it is known by a message what the key was before a moment, in ms. It brings the Table to that, unless it
// cannot know the value: then the key stays open.
func refold(t *Table, left *undecided, base realtime.KeyState, asOf int64, by *realtime.Message) (realtime.KeyState, []Change) {
	from := 1 + slices.IndexFunc(left.messages, func(m realtime.Message) bool { return m.ID == base.At.ID })
	value := from - 1 // of the messages, the one by which the key is what it is; -1 is none of them
	for value < 0 && from < len(left.messages) && left.messages[from].Time.UnixMilli() < asOf {
		from++
	}
	for i := from; i < len(left.messages); i++ {
		m := &left.messages[i]
		if !m.If.Holds(base, m.Time.UnixMilli()) {
			remember(t, m, realtime.Outcome{Verdict: realtime.VerdictLost, Position: base.At})
			continue
		}
		remember(t, m, realtime.Outcome{Verdict: realtime.VerdictApplied, Position: m.Position()})
		n := node{Entry: newEntry(m), op: m.Op}
		if n.op == realtime.OpSet {
			n.mayEnd(&t.rules, m)
		}
		base, value = stateOf(t, &n), i
	}
	own, ms := stateOf(t, t.keys[by.Key]), by.Time.UnixMilli()
	var c Change
	is := false
	switch {
	case value >= 0:
		c, is = apply(t, &left.messages[value], 0)
	case own.At.ID == base.At.ID, base.At.IsZero() && !own.Has(ms):
	case base.Has(ms), base.At.IsZero(): // by something that has not come here
		t.verdicts.blur(by.Key, left.newest)
		return base, nil
	default:
		c, is = over(t, by.Key, base)
	}
	t.verdicts.settle(by.Key, left.newest+1)
	if is {
		return base, []Change{c}
	}
	return base, nil
}

// over removes what a Table has of a key whose newest change is another, of which nothing is left.
func over(t *Table, key string, s realtime.KeyState) (Change, bool) {
	m := realtime.Message{Publication: realtime.Publication{Channel: t.name, ID: s.At.ID, Key: key, Op: realtime.OpDelete, Time: time.UnixMilli(s.At.Time)}}
	if s.Ends > s.At.Time {
		m.Op = realtime.OpExpire
	}
	c, is := apply(t, &m, 0)
	if is && m.Op == realtime.OpExpire {
		c.node.lapsed, c.node.ends = true, s.Ends
	}
	return c, is
}

// stateOf is what a node has made of its key; of a key without one, what the newest clear has.
func stateOf(t *Table, n *node) realtime.KeyState {
	switch {
	case n == nil && t.cleared.IsZero():
		return realtime.KeyState{}
	case n == nil, n.cleared:
		return realtime.KeyState{At: t.cleared, Ends: t.cleared.Time}
	case n.op == realtime.OpSet, n.lapsed:
		return realtime.KeyState{At: n.At, Ends: n.ends}
	}
	return realtime.KeyState{At: n.At, Ends: n.At.Time}
}

func remember(t *Table, m *realtime.Message, o realtime.Outcome) realtime.Outcome {
	v := &t.verdicts
	if v.outcomes == nil {
		v.outcomes = map[string]outcome{}
	}
	v.outcomes[m.ID] = outcome{o, m.Time.UnixMilli()}
	v.order = append(v.order, m.ID)
	t.o.Budget.Take(outcomeCost, 0)
	if len(v.order) > mostOutcomes {
		forgetOutcomes(t, 1)
	}
	return o
}

// forgetOutcomes forgets the oldest.
func forgetOutcomes(t *Table, n int) {
	v := &t.verdicts
	for _, id := range v.order[:n] {
		delete(v.outcomes, id)
	}
	if v.order = v.order[n:]; len(v.order) == 0 {
		v.order, v.outcomes = nil, nil
	}
	t.o.Budget.Take(-n*outcomeCost, 0)
}

// pruneOutcomes forgets those of before a moment, in ms.
func pruneOutcomes(t *Table, ms int64) {
	v := &t.verdicts
	n := 0
	for n < len(v.order) && v.outcomes[v.order[n]].at < ms {
		n++
	}
	forgetOutcomes(t, n)
}
