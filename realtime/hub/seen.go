package hub

import (
	"hash/maphash"
	"time"
)

// maxSeen bounds one of the two halves of a topic's memory of IDs.
const maxSeen = 1 << 19

// seen remembers which IDs have come, for at least the time it was made for
// while no more than maxSeen come in that time. It keeps 64 bits of a seeded hash of each: with a
// million remembered, one in 10^13 new IDs is taken for a repetition.
type seen struct {
	seed     maphash.Seed
	half     time.Duration
	now, old map[uint64]struct{}
	turned   time.Time
}

func newSeen(memory time.Duration, now time.Time) *seen {
	return &seen{seed: maphash.MakeSeed(), half: memory, now: map[uint64]struct{}{}, turned: now}
}

// repeated reports whether the ID came before on a channel of a tenant, and remembers it. Messages for
// connections have no channel.
func (s *seen) repeated(tenant, channel, id string) bool {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.WriteString(tenant)
	h.WriteByte(0)
	h.WriteString(channel)
	h.WriteByte(0)
	h.WriteString(id)
	sum := h.Sum64()
	if _, ok := s.now[sum]; ok {
		return true
	}
	_, ok := s.old[sum]
	s.now[sum] = struct{}{}
	return ok
}

// turn forgets the older half when it is time or the newer is full.
func (s *seen) turn(now time.Time) {
	if now.Sub(s.turned) >= s.half || len(s.now) >= maxSeen {
		s.old, s.now, s.turned = s.now, map[uint64]struct{}{}, now
	}
}
