package httpapi

import (
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// channelPosition is a position of a channel.
type channelPosition struct {
	Position string    `json:"position"`
	AsOf     time.Time `json:"asOf"` // the moment that it stands for
}

// behind is by how much a position lies before the moment at which it is asked for: the clocks of this process and the broker may differ, and so
// may the order and the times of what was published at once.
const behind = 2 * time.Second

// readPosition answers a position for who is about to load what the channel is about from somewhere else: whatever is published once it is answered, comes after
// it. Something that was published just before may, too.
func readPosition(_ *api, c *call) error {
	if _, err := c.query(); err != nil {
		return err
	}
	channel, err := realtime.NewChannel(c.tenantID, c.r.PathValue("channel"))
	if err != nil {
		return err
	}
	if !c.manages(realtime.ManageHistory) && !c.principal.May(realtime.ActionSubscribe, channel) {
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant to subscribe to %q, and the token's claim manage does not contain %q", channel.Name(), realtime.ManageHistory)
	}
	if err := c.undecided(realtime.ManageHistory, channel); err != nil {
		return err
	}
	asOf := time.Now().Add(-behind).UTC().Truncate(time.Millisecond)
	return c.answer(http.StatusOK, &channelPosition{Position: realtime.Moment(asOf).String(), AsOf: asOf})
}
