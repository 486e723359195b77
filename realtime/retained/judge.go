package retained

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

const (
	// known is how long before its publication a Condition may say what its Key was: by so much more is read, and what came
	// in it decides.
	known = 2 * time.Minute
	// atOnce is by how much the times of Publications may differ that were published at once, as hubs take it by default: their order is the stream's.
	atOnce = 2 * time.Second
	// decideEvery is how many Conditions come between two looks at what was decided: a Table remembers more.
	decideEvery = 4096
)

// judge decides of the Publications of a channel that have a Condition, as hubs decide: in the order of the log, by what it says of their keys. It
// takes what a replay brings, in its order.
type judge struct {
	rec   *record.Record
	table *record.Table
	most  int // what the table may take, bytes

	from, to   int64 // ms: of what was published before, not everything comes, and of what later was, perhaps not in order
	numbers    *record.Numbers
	newest     int64 // ms
	conditions int   // since the last look
}

// newJudge returns one for a namespace whose channels have state, and nil for another: nothing has a Condition there. A replay was opened at a moment.
func newJudge(rec *record.Record, rules *realtime.State, complete, opened time.Time, bytes int) *judge {
	if rules == nil {
		return nil
	}
	j := &judge{rec: rec, most: bytes, from: complete.UnixMilli(), to: opened.Add(-skew).UnixMilli()}
	j.table = record.NewTable(rec.Channel(), *rules, record.TableOptions{})
	j.table.KnownSince(j.from)
	j.numbers = record.NewNumbers(complete, skew)
	return j
}

// late reports whether a message was published when the stream was open already, or may have been: such come mixed with what is older.
func (j *judge) late(m *realtime.Message) bool { return j != nil && m.Time.UnixMilli() >= j.to }

// take is told of what has come, and is about to be buffered. It returns what has become of one with a Condition, as far as that is known.
func (j *judge) take(m *realtime.Message, repeated bool) realtime.Verdict {
	if j == nil {
		return realtime.VerdictUnknown
	}
	ms := m.Time.UnixMilli()
	if j.numbers.Hear(m, repeated) && ms >= j.from {
		record.DoubtTable(j.table, ms+atOnce.Milliseconds())
	}
	if repeated || ms < j.from || m.Key == "" && m.Op != realtime.OpClear {
		return record.Decided(j.table, m.ID).Verdict
	}
	if ms < j.newest && ms >= j.newest-atOnce.Milliseconds() {
		ms = j.newest
	}
	j.newest = max(j.newest, ms)
	change := *m
	change.Time, change.Data, change.Tags = time.UnixMilli(ms), nil, nil // what a value is decides nothing
	j.table.Apply(&change)
	v := record.Decided(j.table, m.ID).Verdict
	if _, bytes := j.table.Size(); bytes > j.most {
		j.decide()
		j.table.Forget()
		record.DoubtTable(j.table, j.newest+1)
	}
	if m.If == nil {
		return v
	}
	if j.conditions++; j.conditions >= decideEvery {
		j.decide()
	}
	return v
}

// decide tells the record what has been decided.
func (j *judge) decide() {
	if j == nil {
		return
	}
	j.conditions = 0
	record.Decide(j.rec, func(id string) realtime.Verdict { return record.Decided(j.table, id).Verdict })
}
