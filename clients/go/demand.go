package tidewire

import (
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// DemandChannel is the channel whose state is what somebody reads of a namespace, one entry a channel: a producer keeps a view of it, and produces
// what it shows. While the connection is broken the view stays as it was, so that nothing stops that is looked at. The token needs a demand grant.
func DemandChannel(namespace string) string { return realtime.ReservedDemand + ":" + namespace }

// Demand is who reads a channel, on all instances of the server.
type Demand struct {
	Watchers int            // subscriptions that are not paused; 0 for some seconds after the last has gone
	Users    int            // that have them
	Keys     map[string]int // those that are tracked, and by how many; nil: all are wanted
	MaxRate  float64        // of the fastest; 0: as fast as there is something new
	Since    time.Time      // when the channel was first read
}

// Demand reads an entry of a DemandChannel, whose Key is the channel.
func (m *Message) Demand() (Demand, error) {
	var d struct {
		Watchers int            `json:"watchers"`
		Users    int            `json:"users"`
		Keys     map[string]int `json:"keys"`
		MaxRate  float64        `json:"maxRate"`
		Since    int64          `json:"since"`
	}
	if err := json.Unmarshal(m.Data, &d); err != nil {
		return Demand{}, realtime.Errorf(realtime.CodeBadRequest, "data: is no entry of a demand channel: %v", err)
	}
	return Demand{Watchers: d.Watchers, Users: d.Users, Keys: d.Keys, MaxRate: d.MaxRate, Since: time.UnixMilli(d.Since)}, nil
}
