package recent

import (
	"hash/maphash"
	"time"
)

// maxIDs bounds one of the two halves of a memory of IDs.
const maxIDs = 1 << 19

// IDs remembers which IDs have come, for at least the time it was made for
// while no more than maxIDs come in that time. It keeps 64 bits of a seeded hash of each: with a
// million remembered, one in 10^13 new IDs is taken for a repetition. It is not safe for concurrent use.
type IDs struct {
	seed maphash.Seed
	ids  *Map[uint64, struct{}]
}

// NewIDs returns a memory of at least that time.
func NewIDs(memory time.Duration, now time.Time) *IDs {
	return &IDs{seed: maphash.MakeSeed(), ids: New[uint64, struct{}](memory, maxIDs, now)}
}

// Repeated reports whether the ID came before on a channel of a tenant, and remembers it. Messages for
// connections have no channel.
func (s *IDs) Repeated(tenant, channel, id string) bool {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.WriteString(tenant)
	h.WriteByte(0)
	h.WriteString(channel)
	h.WriteByte(0)
	h.WriteString(id)
	sum := h.Sum64()
	_, known := s.ids.Get(sum)
	s.ids.Put(sum, struct{}{})
	return known
}

// Turn lets it forget what is older than it has to be.
func (s *IDs) Turn(now time.Time) { s.ids.Turn(now) }
