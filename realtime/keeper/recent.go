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
	// tries again.
	recentFor = 2 * time.Minute
	// recentMost is how many are known at most, of which the oldest go first: some 500 kB in the store.
	recentMost = 20_000
)

// recent are the last publications that were folded. Whoever goes on where another keeper has ended knows them by the mark.
type recent struct {
	ids    map[uint64]struct{}
	newest map[uint64]int64 // Time, by channel
	all    []realtime.RecentPublication
	last   int64 // the newest Time of all
}

func newRecent(known []realtime.RecentPublication) *recent {
	r := &recent{ids: map[uint64]struct{}{}, newest: map[uint64]int64{}}
	for _, one := range known {
		r.keep(one)
	}
	return r
}

func (r *recent) keep(one realtime.RecentPublication) {
	r.ids[one.ID] = struct{}{}
	r.newest[one.Channel] = max(r.newest[one.Channel], one.Time)
	r.last = max(r.last, one.Time)
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
	oldest := r.last - recentFor.Milliseconds()
	slices.SortStableFunc(r.all, func(a, b realtime.RecentPublication) int { return cmp.Compare(a.Time, b.Time) })
	first, _ := slices.BinarySearchFunc(r.all, oldest, func(one realtime.RecentPublication, at int64) int { return cmp.Compare(one.Time, at) })
	first = max(first, len(r.all)-recentMost)
	rest := slices.Clone(r.all[first:])
	*r = recent{ids: make(map[uint64]struct{}, len(rest)), newest: map[uint64]int64{}, last: r.last}
	for _, one := range rest {
		r.keep(one)
	}
}

// mark returns what the next keeper is to know.
func (r *recent) mark() []realtime.RecentPublication {
	r.trim()
	return slices.Clone(r.all)
}
