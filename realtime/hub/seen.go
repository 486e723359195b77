package hub

import (
	"hash/maphash"
	"time"

	"github.com/tidewire/tidewire/realtime/recent"
)

// maxSeen bounds one of the two halves of a topic's memory of IDs.
const maxSeen = 1 << 19

// seen remembers which IDs have come, for at least the time it was made for
// while no more than maxSeen come in that time. It keeps 64 bits of a seeded hash of each: with a
// million remembered, one in 10^13 new IDs is taken for a repetition.
type seen struct {
	seed maphash.Seed
	ids  *recent.Map[uint64, struct{}]
}

func newSeen(memory time.Duration, now time.Time) *seen {
	return &seen{seed: maphash.MakeSeed(), ids: recent.New[uint64, struct{}](memory, maxSeen, now)}
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
	_, known := s.ids.Get(sum)
	s.ids.Put(sum, struct{}{})
	return known
}

// turn lets it forget what is older than it has to be.
func (s *seen) turn(now time.Time) { s.ids.Turn(now) }
