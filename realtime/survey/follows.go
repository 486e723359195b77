package survey

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// followsFor is how long it is believed who follows what. An instance that has begun since is not waited for.
const followsFor = 5 * time.Second

// buriedFor is how long somebody without a lease is not waited for, whatever follows a topic in its name.
const buriedFor = 30 * time.Second

// follows knows which instances follow a topic: it lists the subscriptions of all, once in a while.
type follows struct {
	from realtime.SubscriptionStore // nil: nobody knows

	mu     sync.Mutex // guards all below; held while listing, so that one lists for all
	of     map[realtime.Topic]map[string]struct{}
	listed time.Time
	dead   map[string]time.Time // who has no lease, and when that was seen
}

// bury says that somebody who follows a topic has no lease: it is no instance, or has died.
func (f *follows) bury(instance string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead == nil {
		f.dead = map[string]time.Time{}
	}
	f.dead[instance] = time.Now()
}

// instances returns those that follow a topic; known says whether that is known.
func (f *follows) instances(ctx context.Context, topic realtime.Topic) (all map[string]struct{}, known bool, err error) {
	if f.from == nil {
		return nil, false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil || time.Since(f.listed) >= followsFor {
		asked, of := time.Now(), map[realtime.Topic]map[string]struct{}{}
		maps.DeleteFunc(f.dead, func(_ string, seen time.Time) bool { return asked.Sub(seen) >= buriedFor })
		for sub, err := range f.from.Subscriptions(ctx) {
			if err != nil {
				return nil, false, err
			}
			if _, dead := f.dead[sub.Instance]; dead || strings.HasPrefix(sub.Instance, asker) {
				continue
			}
			if of[sub.Topic] == nil {
				of[sub.Topic] = map[string]struct{}{}
			}
			of[sub.Topic][sub.Instance] = struct{}{}
		}
		f.of, f.listed = of, asked
	}
	return f.of[topic], true, nil
}
