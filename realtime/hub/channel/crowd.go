package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// crowded refuses a View that would be one too many of those that are asked about everything that is published to a channel. Each of them is asked
// under the lock of the topic, which others share.
func crowded(m *Machine, v *view.View) *realtime.Error {
	if !v.Undecided() {
		return nil
	}
	n, has := m.lanes.Undecided(v)
	for _, k := range []*Keyed{m.state, m.pending} {
		if k != nil && !has {
			asked, same := k.sights.Undecided(v)
			n, has = n+asked, same
		}
	}
	if has || n < realtime.MaxChannelFilters {
		return nil
	}
	err := realtime.Errorf(realtime.CodeLimited, "filter: the readers of %q have %d different filters that no equality decides, the maximum is %d; add one, such as tags.region == 'eu' &&, or ask for what others do", m.name.Name(), n, realtime.MaxChannelFilters)
	err.Limit, err.RetryAfter = "filtersPerChannel", 30*time.Second
	return err
}

// Crowded refuses to show a reader what another View says, as its client asks, if that is one too many for the channel.
func Crowded(r *Reader, v *view.View) error {
	if r.m == nil || v.ID() == r.view.ID() {
		return nil
	}
	if err := crowded(r.m, v); err != nil {
		return err
	}
	return nil
}
