package hub

import (
	"errors"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/internal/spread"
)

// following is a generation as its stream sees it.
type following struct{ *generation }

func (g following) Lock()        { g.feed.lock() }
func (g following) Unlock()      { g.feed.unlock() }
func (g following) Go(do func()) { g.feed.hub.running.Go(do) }
func (g following) Asks()        { g.asked = time.Now() }

func (g following) Fails(err error) {
	if code := realtime.CodeOf(err); code == realtime.CodeLimited || code == realtime.CodeNotFound {
		g.turnAway(err)
	}
}

func (g following) Opens(complete time.Time) { g.replays(complete) }

func (g following) Since(c realtime.Channel) time.Time {
	rules := g.feed.tenants.Document(c.Tenant()).Rules(c.Namespace())
	return time.Now().Add(-max(g.feed.pace.Horizon, time.Duration(rules.WindowFor)))
}

func (g following) Added(c realtime.Channel, complete time.Time) {
	defer g.containChannel(c)
	channel.Ready(g.channels, c, complete)
}

// turnAway closes the connections of a topic that this instance has never followed and will
// not follow soon: there is no room for it, or no such topic. Those who come later are
// closed by the next attempt.
func (g *generation) turnAway(why error) {
	f := g.feed
	f.lock()
	given := g != f.current || f.stopped
	conns := slices.Clone(f.conns)
	f.unlock()
	if given {
		return
	}
	after := 10 * time.Second
	if e := (*realtime.Error)(nil); errors.As(why, &e) && e.RetryAfter > 0 {
		after = e.RetryAfter
	}
	for _, c := range conns {
		c.Close(&realtime.Error{
			Code: realtime.CodeUnavailable, Message: "there is no room for the tenant at the moment", RetryAfter: after + spread.Part(after, c.id), Err: why,
		})
	}
}

// replays is told that the stream is open: its replay begins, of all since a moment.
func (g *generation) replays(complete time.Time) {
	f := g.feed
	f.lock()
	defer f.unlock()
	g.channels.Phase, g.opened, g.heardAt = channel.PhaseReplaying, time.Now(), time.Now()
	channel.Complete(g.channels, complete)
	begins(g, complete)
	g.sendFences()
}
