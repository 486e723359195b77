package keeper

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// recentFor is how long a publication is known, so that one with its ID is taken for a repetition, as hubs take it: longer than a publisher
	// tries again. It is counted in what has come of its channel, because one channel may be read long after another.
	recentFor = 2 * time.Minute
	// idleFor is how long those of a channel are known at least behind which nothing comes, by the watermark: a broker may bring again what was acknowledged
	// long ago. Stores remember what was deleted for as long.
	idleFor = time.Hour
	// recentMost is how many are known at most, of which those go first behind which most of their channel has come: some 500 kB in the store.
	recentMost = 20_000
)

// recent are the last publications that were folded. Whoever goes on where another keeper has ended knows them by the mark.
type recent struct {
	ids    map[uint64]struct{}
	newest map[uint64]int64 // Time, by channel
	all    []realtime.RecentPublication
	whole  int64 // everything before it has come, of all channels, ms
}

// newRecent knows what a mark says.
func newRecent(m *realtime.StateMark) *recent {
	r := &recent{ids: map[uint64]struct{}{}, newest: map[uint64]int64{}}
	for _, one := range m.Recent {
		r.keep(one)
	}
	r.reached(m.Watermark)
	return r
}

// reached is told the watermark.
func (r *recent) reached(watermark time.Time) {
	if !watermark.IsZero() {
		r.whole = max(r.whole, watermark.UnixMilli())
	}
}

func (r *recent) keep(one realtime.RecentPublication) {
	r.ids[one.ID] = struct{}{}
	r.newest[one.Channel] = max(r.newest[one.Channel], one.Time)
	r.all = append(r.all, one)
	if len(r.all) >= 2*recentMost {
		r.trim()
	}
}

// add reports whether a change is new, and gives one the time of those before it in its channel that the broker says were stored a
// little later.
func (r *recent) add(c *realtime.StateChange) bool {
	one := named(c)
	if _, repeated := r.ids[one.ID]; repeated {
		return false
	}
	if ahead := r.newest[one.Channel] - one.Time; ahead > 0 && ahead <= clockSkew.Milliseconds() {
		one.Time += ahead
		c.Time = time.UnixMilli(one.Time)
	}
	r.keep(one)
	return true
}

// knows reports whether a change was folded lately.
func (r *recent) knows(c *realtime.StateChange) bool {
	_, known := r.ids[named(c).ID]
	return known
}

// named makes hashes that nobody can choose two of.
func named(c *realtime.StateChange) realtime.RecentPublication {
	h := sha256.New()
	_, _ = h.Write([]byte(c.Channel.Tenant() + "\x00" + c.Channel.Name())) // never fails: hash.Hash
	channel := binary.BigEndian.Uint64(h.Sum(nil))
	_, _ = h.Write([]byte("\x00" + c.ID))
	return realtime.RecentPublication{Channel: channel, ID: binary.BigEndian.Uint64(h.Sum(nil)), Time: c.Time.UnixMilli()}
}

// trim forgets what is too old, or too much.
func (r *recent) trim() {
	idle := r.whole - idleFor.Milliseconds()
	rest := slices.DeleteFunc(r.all, func(one realtime.RecentPublication) bool {
		return r.newest[one.Channel] < idle || r.age(one) > recentFor
	})
	if len(rest) > recentMost {
		slices.SortStableFunc(rest, func(a, b realtime.RecentPublication) int {
			return cmp.Or(cmp.Compare(r.age(a), r.age(b)), cmp.Compare(r.newest[b.Channel], r.newest[a.Channel]), cmp.Compare(a.Channel, b.Channel), cmp.Compare(b.Time, a.Time))
		})
		rest = rest[:recentMost]
	}
	*r = recent{ids: make(map[uint64]struct{}, len(rest)), newest: map[uint64]int64{}, whole: r.whole}
	for _, one := range slices.Clone(rest) {
		r.keep(one)
	}
}

// age is how much of its channel has come behind a publication. What may be of another order than its Time says is of one age, so that it is
// forgotten together.
func (r *recent) age(one realtime.RecentPublication) time.Duration {
	return max(0, time.Duration(r.newest[one.Channel]-one.Time)*time.Millisecond-clockSkew)
}

// mark returns what the next keeper is to know.
func (r *recent) mark() []realtime.RecentPublication {
	r.trim()
	return slices.Clone(r.all)
}
