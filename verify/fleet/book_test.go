package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
	"github.com/tidewire/tidewire/realtime/wire"
)

// book is where all that happens in a run is written down, and where it is judged.
type book struct {
	t       *testing.T
	checker *resumetest.Checker
	begun   time.Time

	mu     sync.Mutex // guards what follows
	counts map[string]int
	faults []string
	story  []happening
	gaps   []*gap
	open   map[reading]*gap // told, and nothing has come since
	calm   bool             // no client may be without a connection now
}

// happening is something that was done to the fleet.
type happening struct {
	at   time.Time
	what string
}

// gap is one that a client was told.
type gap struct {
	reading
	at       time.Time
	by       string // the frame that told it
	instance string
	position string
	missing  int64 // what had not come when the next message came; -1 if none came
}

type reading struct{ client, channel string }

func newBook(t *testing.T) *book {
	return &book{
		t: t, checker: resumetest.NewChecker(resumetest.CheckerOptions{AnswerWithin: patience}), begun: time.Now(),
		counts: map[string]int{}, open: map[reading]*gap{},
	}
}

// did writes down what was done.
func (b *book) did(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := happening{time.Now(), fmt.Sprintf(format, args...)}
	b.story = append(b.story, h)
	b.t.Logf("%6.1f s  %s", h.at.Sub(b.begun).Seconds(), h.what)
}

func (b *book) count(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[what]++
}

// counted returns a count.
func (b *book) counted(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts[what]
}

// fault is something that must not be.
func (b *book) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts["faults"]++
	if len(b.faults) < 100 {
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
}

// foreign says that a client was given what is not its tenant's or channel's.
func (b *book) foreign(l *link, f *wire.ServerFrame, p payload) {
	b.count("foreign")
	b.fault("%s of %s was given on %s what was published to %s of %s: %s", l.client.name, l.client.tenant, f.Channel, p.Channel, p.Tenant, f.Position)
}

// bare says that a client has no connection any more.
func (b *book) bare(client string) {
	b.mu.Lock()
	calm := b.calm
	b.mu.Unlock()
	b.count("moments without a socket")
	if calm {
		b.fault("%s has no connection, and nothing was done to it", client)
	}
}

// setCalm says whether a client may not be without a connection from now on.
func (b *book) setCalm(calm bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calm = calm
}

func (b *book) gap(l *link, f *wire.ServerFrame, by string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := &gap{
		reading: reading{l.client.name, l.client.tenant + "/" + f.Channel}, at: time.Now(),
		by: by, instance: l.instance, position: f.Position, missing: -1,
	}
	b.gaps = append(b.gaps, g)
	b.open[g.reading] = g
}

// after says which message came after which.
func (b *book) after(client, channel string, last, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.open[reading{client, channel}]; g != nil {
		g.missing = n - last - 1
		delete(b.open, reading{client, channel})
	}
}

// judge has the checker judge the end, and reports all that must not be.
func (b *book) judge() resumetest.Counts {
	b.t.Helper()
	b.checker.Finish()
	if err := b.checker.Err(); err != nil {
		b.t.Errorf("the checker has found:\n%v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.t.Error(f)
	}
	c := b.checker.Counts()
	b.t.Logf("%d published, %d delivered, %d answers of which %d resumed, slowest answer %s; %d gaps told, %d of them though nothing was missing; faults: %d",
		c.Published, c.Delivered, c.Answers, c.Resumed, c.SlowestAnswer.Round(time.Millisecond), c.Gaps, c.FalseGaps, c.Faults)
	for _, what := range slices.Sorted(maps.Keys(b.counts)) {
		b.t.Logf("%8d  %s", b.counts[what], what)
	}
	return c
}

// tellGaps prints the gaps, those of one place together.
func (b *book) tellGaps() {
	b.mu.Lock()
	defer b.mu.Unlock()
	places := map[string][]*gap{}
	for _, g := range b.gaps {
		place := fmt.Sprintf("%s of %s, %s at %s", g.by, g.instance, g.channel, g.position)
		places[place] = append(places[place], g)
	}
	for _, place := range slices.SortedFunc(maps.Keys(places), func(x, y string) int {
		return cmp.Or(places[x][0].at.Compare(places[y][0].at), strings.Compare(x, y))
	}) {
		all := places[place]
		var missing []int64
		for _, g := range all {
			if !slices.Contains(missing, g.missing) {
				missing = append(missing, g.missing)
			}
		}
		slices.Sort(missing)
		b.t.Logf("%6.1f s  gap told to %d: %s; missing %v; after %q", all[0].at.Sub(b.begun).Seconds(), len(all), place, missing, b.before(all[0].at))
	}
}

// before returns what was done last before a moment. b.mu is held.
func (b *book) before(at time.Time) string {
	what := "the start"
	for _, h := range b.story {
		if h.at.Before(at) {
			what = h.what
		}
	}
	return what
}
