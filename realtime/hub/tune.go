package hub

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/pattern"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Want is how a client wants a channel.
type Want = channel.Want

// Tune changes how the connection is given a channel that it is subscribed to. change is shown what is in force and returns
// what is to be. It returns what is applied then: a rate is never higher than the namespace allows. What has to be told because of the change, rows
// that leave the sight of the client and rows that enter it, is queued before Tune returns. Errors: CodeNotFound if the channel is
// not subscribed, CodeBadRequest for a filter that cannot be compiled; nothing is changed then.
func (c *Connection) Tune(ch realtime.Channel, sub string, change func(Want) (Want, error)) (Want, error) {
	f := c.feed
	gone := realtime.Errorf(realtime.CodeNotFound, "channel: %q is not subscribed", ch.Name())
	all := subscriptions(c)
	i := slices.IndexFunc(all, func(r *channel.Reader) bool { return r.Channel() == ch && channel.Sub(r) == sub })
	if i < 0 {
		return Want{}, gone
	}
	r := all[i]
	if want, err := change(r.Wanted()); err != nil {
		return Want{}, err
	} else if _, err := viewOf(c, ch, &want); err != nil { // compiled without the lock, it is at hand with it
		return Want{}, err
	}
	f.lock()
	defer f.unlock()
	if r.State() == channel.Gone {
		return Want{}, gone
	}
	want, err := change(r.Wanted())
	if err != nil {
		return Want{}, err
	}
	v, err := viewOf(c, ch, &want)
	if err != nil {
		return Want{}, err
	}
	if err := channel.Crowded(r, v); err != nil {
		return Want{}, err
	}
	rules := c.Tenant().Rules(ch.Namespace())
	defer f.fleet.Tuned(ch)
	return channel.Apply(r, want, v, &rules, time.Now()), nil
}

// TunePattern is Tune for all channels that a pattern selects, those that are yet to be included too. If a filter cannot be compiled for one of
// them, nothing is changed.
func TunePattern(c *Connection, p realtime.Pattern, sub string, change func(Want) (Want, error)) (Want, error) {
	return c.feed.patterns.Tune(p, func() *pattern.Subscription { return c.patterns.Find(p, sub) }, change)
}

// SetBytesPerSecond bounds how much a connection is written in a second; 0 is without bound. What is given to its subscriptions at a pace of their own, or
// with state, waits where only the newest of each key does.
func SetBytesPerSecond(c *Connection, bytes int64) { outbox.Pace(c.client.Box, bytes, c.flush) }
