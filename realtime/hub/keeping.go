package hub

import "github.com/tidewire/tidewire/realtime"

// keeping is a generation as its records see it. feed.mu is held.
type keeping struct{ g *generation }

func (k keeping) Evicted(c realtime.Channel, why string, n int) {
	f := k.g.feed
	f.steps++
	f.hub.count.Add(realtime.CountEvictions, c.Tenant(), why, n)
}

func (k keeping) Emptied(c realtime.Channel) {
	if ch := k.g.channels[c]; ch != nil && ch.unused() {
		k.g.remove(ch)
	}
}

func (k keeping) Unencodable(c realtime.Channel) {
	k.g.feed.hub.count.Add(realtime.CountGaps, c.Tenant(), "hole", 1)
}
