package retained

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// play is a log as a replay brings it, from 100 s on, of publishers that count. What was published before 100 s is not all of it.
type play struct {
	t       *testing.T
	rec     *record.Record
	judge   *judge
	numbers map[string]uint64
	ids     int
}

const (
	playFrom = 100_000 // ms
	playTo   = 900_000
)

func newPlay(t *testing.T) *play {
	t.Helper()
	c, err := realtime.NewChannel("acme", "lock:1")
	if err != nil {
		t.Fatal(err)
	}
	set := record.New(record.Options{Owner: owner{}, Skew: skew})
	set.Complete(time.UnixMilli(playFrom))
	forever := realtime.Namespace{Window: 20_000, WindowFor: realtime.Duration(100 * 365 * 24 * time.Hour)}
	rec := set.Open(c, &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"*": forever}})
	return &play{t: t, rec: rec, judge: newJudge(rec, &realtime.State{}, time.UnixMilli(playFrom), time.UnixMilli(playTo).Add(skew), 1<<20), numbers: map[string]uint64{}}
}

// bring brings a message that a publisher has published. It returns the ID.
func (p *play) bring(by string, ms int64, q realtime.Publication) string {
	p.ids++
	p.numbers[by]++
	q.Channel, q.ID, q.Key, q.Time = p.rec.Channel(), fmt.Sprint("e", p.ids), "k", time.UnixMilli(ms)
	m := &realtime.Message{Kind: realtime.KindPublication, Series: by, Number: p.numbers[by], Publication: q}
	if p.judge.late(m) {
		return q.ID
	}
	record.BufferDecided(p.rec, m, false, p.judge.take(m, false))
	return q.ID
}

func (p *play) set(by string, ms int64) string {
	return p.bring(by, ms, realtime.Publication{Data: []byte("1")})
}

// try publishes a value if there is none, of which its publisher had heard everything up to a moment, and known what it was.
func (p *play) try(by string, ms, asOf int64, known string) string {
	c := &realtime.Condition{Is: realtime.ConditionAbsent, AsOf: asOf}
	if known != "" {
		c.Known = realtime.KeyState{At: realtime.Position{Time: asOf - 1, ID: known}}
	}
	return p.bring(by, ms, realtime.Publication{Data: []byte("1"), If: c})
}

// shows fails unless the record has these.
func (p *play) shows(want ...string) {
	p.t.Helper()
	p.judge.decide()
	p.rec.Make(playTo)
	var has []string
	for i := range p.rec.Len() {
		has = append(has, p.rec.At(i).At.ID)
	}
	if fmt.Sprint(has) != fmt.Sprint(want) {
		p.t.Errorf("the record has %v, want %v", has, want)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]func(p *play){
		"the first of many wins, and those who know less lose all the same": func(p *play) {
			won := p.try("a", 200_000, 199_000, "")
			p.try("b", 200_001, 199_000, "")
			p.try("c", 260_000, 199_000, "")
			p.shows(won)
		},
		"what a publisher knew decides, if all has come since": func(p *play) {
			p.try("a", 200_000, playFrom, "older")
			won := p.try("b", 200_001, playFrom, "")
			p.shows(won)
		},
		"a publisher that knew less than what has come decides nothing": func(p *play) {
			p.set("b", playFrom)
			p.bring("b", playFrom+1, realtime.Publication{Op: realtime.OpDelete})
			last := p.set("b", playFrom+2)
			p.shows("e1", "e2", last)
		},
		"nobody knows what was before everything comes": func(p *play) {
			p.try("a", 200_000, playFrom-1, "")
			first := p.set("a", 200_001)
			p.shows(first)
		},
		"what came before that decides nothing": func(p *play) {
			p.set("b", playFrom-10)
			p.try("a", 200_000, playFrom-20, "")
			last := p.set("a", 200_001)
			p.shows(last)
		},
		"of several at once the order of the stream counts": func(p *play) {
			first := p.set("a", 200_300)
			p.bring("b", 200_100, realtime.Publication{Op: realtime.OpDelete})
			won := p.try("c", 200_500, 199_000, "")
			p.shows("e2", first, won) // a record has them in the order of their times
		},
		"behind a hole nobody knows": func(p *play) {
			p.set("a", 200_000)
			p.numbers["a"]++
			p.bring("a", 200_100, realtime.Publication{}) // which may have been deleted before
			p.try("b", 200_200, 199_000, "")
			last := p.set("b", 200_300)
			p.shows(last)
		},
		"until somebody knows again": func(p *play) {
			p.set("a", 200_000)
			p.numbers["a"]++
			after := p.set("a", 200_100)
			p.try("b", 300_200, 290_000, after)
			won := p.bring("b", 300_300, realtime.Publication{Op: realtime.OpDelete, If: &realtime.Condition{Is: realtime.ConditionPresent, AsOf: 290_000, Known: realtime.KeyState{At: realtime.Position{Time: 200_100, ID: after}}}})
			p.shows(after, won)
		},
		"what came when the stream was open already is left out": func(p *play) {
			won := p.try("a", playTo-1, 800_000, "")
			p.try("b", playTo, 800_000, "")
			p.set("b", playTo+5)
			p.shows(won)
		},
		"too much is forgotten, and decides nothing": func(p *play) {
			p.judge.most = 100
			p.set("a", 200_000)
			p.try("b", 200_100, 199_000, "")
			won := p.try("b", 200_200, 200_150, "")
			p.shows(won)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(newPlay(t))
		})
	}
}

// Where there is no state nothing has a condition; what has one all the same is given to nobody.
func TestWithoutState(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.judge = newJudge(p.rec, nil, time.UnixMilli(playFrom), time.UnixMilli(playTo), 1<<20)
	p.set("a", 200_000)
	p.try("a", 200_100, 199_000, "")
	last := p.set("a", playTo+10)
	p.shows(last)
}

// However many conditions there are, all are decided before the Table forgets the first.
func TestManyConditions(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	won := p.try("a", playFrom+500, playFrom+1, "")
	for i := range 3 * decideEvery {
		p.try("a", playFrom+501+int64(i), playFrom+1, "")
	}
	p.shows(won)
}
