package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What is told of a key whose newest change came with, or before, what is older: it is decided by what the log says, or not at all.
func TestDecidedByWhatWasBefore(t *testing.T) {
	t.Parallel()
	none := func(string) bool { return false }
	for name, tt := range map[string]struct {
		story func(p *decidePlay)
		want  realtime.Verdict
	}{
		"a clear comes late": {func(p *decidePlay) {
			p.set(0, "k", 0)
			p.set(70, "other", 0)
			p.clear(30)
			p.try(30, "k", realtime.ConditionAbsent)
		}, realtime.VerdictApplied},
		"a clear comes late, behind the end of a value": {func(p *decidePlay) {
			p.set(0, "k", time.Second)
			p.set(1100, "other", 0)
			p.expire(2000)
			p.clear(500)
			p.try(600, "k", realtime.ConditionPresent)
		}, realtime.VerdictLost},
		"a value is over, of the millisecond of a clear": {func(p *decidePlay) {
			p.clear(0)
			p.set(0, "k", time.Second)
			p.expire(2000)
			p.try(500, "k", realtime.ConditionAbsent)
		}, realtime.VerdictLost},
		"a checkpoint has removed it, nobody knows when": {func(p *decidePlay) {
			p.set(10, "k", 0)
			Outdated(p.Table, 0, p.ms(20), none, time.UnixMilli(p.ms(9000)), func(Change) {})
			p.try(500, "k", realtime.ConditionAbsent)
		}, realtime.VerdictUnknown},
		"and long before": {func(p *decidePlay) {
			p.set(10, "k", 0)
			Outdated(p.Table, 0, p.ms(20), none, time.UnixMilli(p.ms(9000)), func(Change) {})
			p.try(9500, "k", realtime.ConditionAbsent)
		}, realtime.VerdictApplied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &decidePlay{decideWorld: newDecideWorld(t, 0)}
			p.Table = NewTable(p.c, realtime.State{}, TableOptions{})
			tt.story(p)
			if got := Decided(p.Table, fmt.Sprint("e", p.n)).Verdict; got != tt.want {
				t.Errorf("it is %v, want %v", got, tt.want)
			}
		})
	}
}

// decidePlay is a Table that hears what a story says.
type decidePlay struct {
	*decideWorld
	*Table
	n int
}

func (p *decidePlay) ms(at int64) int64 { return p.now.UnixMilli() + at }

func (p *decidePlay) hear(at int64, q realtime.Publication) {
	p.n++
	q.Channel, q.ID, q.Time = p.c, fmt.Sprint("e", p.n), time.UnixMilli(p.ms(at))
	p.Apply(&realtime.Message{Kind: realtime.KindPublication, Series: q.ID, Number: 1, Publication: q})
}

func (p *decidePlay) set(at int64, key string, ttl time.Duration) {
	p.hear(at, realtime.Publication{Key: key, TTL: ttl, Data: []byte("1")})
}

func (p *decidePlay) clear(at int64) { p.hear(at, realtime.Publication{Op: realtime.OpClear}) }

func (p *decidePlay) expire(at int64) { p.Expire(time.UnixMilli(p.ms(at)), 100, func(Change) {}) }

// try publishes a value if a Condition holds. Its publisher had heard nothing.
func (p *decidePlay) try(at int64, key string, is realtime.ConditionKind) {
	p.hear(at, realtime.Publication{Key: key, Data: []byte("1"), If: &realtime.Condition{Is: is, AsOf: p.ms(0)}})
}
