package realtime

import (
	"context"
	"hash/fnv"
	"strconv"
)

// The placements of a tenant document.
const (
	PlacementOwn    = "own"    // a topic of the tenant's own; the default
	PlacementPooled = "pooled" // one of a number of topics that many small tenants share
)

// OwnTopic is the topic of a tenant that has one of its own.
func OwnTopic(t *Tenant) Topic { return Topic("tw-" + t.ID) }

// PooledTopic is the name of a shared topic, shard 0, 1, ... No tenant's own topic
// has such a name, since a tenant identifier holds no '_'.
func PooledTopic(shard int) Topic { return Topic("tw_pool_" + strconv.Itoa(shard)) }

// Placed returns the one function from a tenant to its topic: its own, or, if its
// document says pooled, the one of shards shared topics that its identifier selects. The
// number of shards has to be the same in every process of a deployment. Without shards
// every tenant has a topic of its own.
func Placed(shards int) func(*Tenant) Topic {
	if shards <= 0 {
		return OwnTopic
	}
	return func(t *Tenant) Topic {
		if t.Placement != PlacementPooled {
			return OwnTopic(t)
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(t.ID)) // never fails: hash.Hash
		return PooledTopic(int(h.Sum32() % uint32(shards)))
	}
}

// TopicMaker makes topics, where they do not begin with their first use. Making one that is there is no error.
type TopicMaker interface {
	EnsureTopic(ctx context.Context, topic Topic) error
}
