package gcpfirestore

import (
	"context"
	"errors"

	"google.golang.org/api/iterator"

	"github.com/tidewire/tidewire/realtime"
)

// mostListed bounds the channels of a tenant that are looked through: Firestore cannot select them by a pattern, and charges a read for each.
const mostListed = 20_000

// Channels lists what stands above the keys, which is no document itself unless the channel was cleared lately.
func (s *States) Channels(ctx context.Context, tenant string, p realtime.Pattern, most int) (all []realtime.Channel, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	refs := s.db.Collection(tenantsCollection).Doc(tenant).Collection(channelsCollection).DocumentRefs(ctx)
	for n := 0; len(all) <= most; n++ {
		ref, err := refs.Next()
		if errors.Is(err, iterator.Done) {
			return all, nil
		}
		if err != nil {
			return nil, storeError("list the states of tenant "+tenant, err)
		}
		if n == mostListed {
			return nil, realtime.Errorf(realtime.CodeLimited, "state: the tenant has the states of more than %d channels, which cannot be looked through", mostListed)
		}
		name := decodeName(ref.ID)
		if c, bad := realtime.NewChannel(tenant, name); bad == nil && p.Match(name, "", nil) {
			all = append(all, c)
		}
	}
	return all, nil
}
