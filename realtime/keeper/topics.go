package keeper

import (
	"context"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// topics returns the topics that carry durable state, and the tenants on each that have it. A tenant that is being moved is on both. Where a
// tenant may be whose document is of no use, nobody can tell what is state and what may be acknowledged: those topics are left out, and
// returned as unclear.
func (k *Keeper) topics(ctx context.Context) (topics map[realtime.Topic]map[string]*realtime.Tenant, unclear map[realtime.Topic]error, err error) {
	ids, err := k.ids(ctx)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	topics, unclear = map[realtime.Topic]map[string]*realtime.Tenant{}, map[realtime.Topic]error{}
	for _, id := range ids {
		doc, err := k.o.Tenants.Tenant(ctx, id)
		switch code := realtime.CodeOf(err); {
		case err == nil:
		case code == realtime.CodeNotFound:
			continue
		case code == realtime.CodeUnavailable || ctx.Err() != nil:
			return nil, nil, err
		default:
			for _, placement := range []string{realtime.PlacementOwn, realtime.PlacementPooled} {
				unclear[k.o.Placement(&realtime.Tenant{ID: id, Placement: placement})] = fmt.Errorf("tenant %s: %w", id, err)
			}
			continue
		}
		if len(kept(doc)) == 0 {
			continue
		}
		all, n := realtime.WriteTopics(k.o.Placement, doc, now)
		for _, topic := range all[:n] {
			if topics[topic] == nil {
				topics[topic] = map[string]*realtime.Tenant{}
			}
			topics[topic][id] = doc
		}
	}
	k.endReadings(ctx, topics, unclear)
	for topic := range unclear {
		if topics[topic] == nil && !k.isRead(topic) {
			delete(unclear, topic) // as far as is known it carries none
		}
		delete(topics, topic)
	}
	return topics, unclear, nil
}

func (k *Keeper) isRead(topic realtime.Topic) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reading[topic]
}

// ids lists the tenants now and then.
func (k *Keeper) ids(ctx context.Context) ([]string, error) {
	k.mu.Lock()
	ids, listed := k.tenants, k.listed
	k.mu.Unlock()
	if !listed.IsZero() && time.Since(listed) < k.o.Discover {
		return ids, nil
	}
	ids = nil
	now := time.Now()
	for after := ""; ; {
		page, next, err := k.o.Tenants.List(ctx, after, 1000)
		if err != nil {
			return nil, err
		}
		ids = append(ids, page...)
		if next == "" {
			break
		}
		after = next
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tenants, k.listed = ids, now
	return ids, nil
}

// endReadings ends those of topics that have no state any more, as far as this Keeper has read them. Others expire.
func (k *Keeper) endReadings(ctx context.Context, topics map[realtime.Topic]map[string]*realtime.Tenant, unclear map[realtime.Topic]error) {
	k.mu.Lock()
	var over []realtime.Topic
	for topic := range k.reading {
		if topics[topic] == nil && unclear[topic] == nil {
			over = append(over, topic)
		}
	}
	for topic := range topics {
		k.reading[topic] = true
	}
	k.mu.Unlock()
	for _, topic := range over {
		if err := k.o.Reader.EndReading(ctx, topic, Reading); err != nil {
			k.o.Logger.WarnContext(ctx, "a reading was not ended", realtime.KeyTopic, topic, realtime.KeyError, err)
			continue
		}
		k.mu.Lock()
		delete(k.reading, topic)
		k.mu.Unlock()
	}
}

// durable returns the rules of state that a store keeps; nil if there are none.
func durable(n realtime.Namespace) *realtime.State {
	if n.State == nil {
		return nil
	}
	s := n.State.WithDefaults()
	if !*s.Durable {
		return nil
	}
	return &s
}

// kept returns the namespaces of a tenant whose state is kept. Those that are named and are not kept, where others are by "*", are there as false.
func kept(doc *realtime.Tenant) map[realtime.NamespaceRef]bool {
	all := map[realtime.NamespaceRef]bool{}
	everything := durable(doc.Namespaces["*"]) != nil
	for name, n := range doc.Namespaces {
		if has := durable(n) != nil; has || everything {
			all[realtime.NamespaceRef{Tenant: doc.ID, Namespace: name}] = has
		}
	}
	return all
}
