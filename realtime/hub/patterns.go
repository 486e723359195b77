package hub

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/pattern"
	"github.com/tidewire/tidewire/realtime/hub/state"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// PatternRequest asks for all channels that a pattern selects.
type PatternRequest = pattern.Request

// SubscribePattern asks for all channels that a pattern selects, those that are yet to be included, on behalf of a connection. A token must
// grant the whole pattern. Channels of PatternRequest.Since are answered one by one, the others are told a gap if something is missing.
// Errors: CodeForbidden, CodeLimited, CodeConflict.
func SubscribePattern(c *Connection, req *PatternRequest) *realtime.Error {
	f := c.feed
	f.lock()
	defer f.unlock()
	if err := pattern.Admit(req, c.Principal(), c.patterns); err != nil {
		return err
	}
	if f.stopped || c.index < 0 {
		return realtime.Errorf(realtime.CodeDraining, "this instance is going away")
	}
	if err := c.hub.views.Check(c.Principal(), c.Tenant(), req.Pattern, req.Filter, req.Keys); err != nil {
		return err
	}
	if err := state.Selects(c.feed.states, c.Tenant(), req.Pattern); req.State && err != nil {
		return err
	}
	askForAll(f)
	s := &pattern.Subscription{Pattern: req.Pattern, Sub: req.Sub, Tenant: c.Tenant().ID, Want: &req.Want}
	s.View = func(ch realtime.Channel, w *Want) (*view.View, error) { return viewOf(c, ch, w) }
	s.Rules = func(namespace string) realtime.Namespace { return c.Tenant().Rules(namespace) }
	s.Reader = func(ch realtime.Channel) (*channel.Reader, *realtime.Error) { return roaming(c, ch, req) }
	s.Failed = func(why *realtime.Error) {
		c.patterns.Drop(s)
		f.fx.Push(&c.client, &outbox.Delivery{Frame: c.client.Protocol.EndedPattern(string(req.Pattern), req.Sub, why)})
	}
	s.Missed = func(ms int64) {
		f.fx.Push(&c.client, &outbox.Delivery{Frame: c.client.Protocol.GapInPattern(string(req.Pattern), req.Sub, realtime.Position{Time: ms})})
	}
	c.patterns = append(c.patterns, s)
	at := realtime.Position{Time: f.current.heard}
	if at.Time == 0 {
		at.Time = time.Now().Add(-f.pace.Skew).UnixMilli() // nothing has come yet
	}
	f.fx.Push(&c.client, &outbox.Delivery{Frame: req.Begins(at)})
	known := channel.Channels(f.current.channels, s.Tenant)
	if f.current.single != nil { // what the next one has is not heard here
		known = append(known, channel.Channels(f.next.channels, s.Tenant)...)
	}
	if req.State {
		known = append(known, state.Channels(f.states, s.Tenant)...)
		s.State = &pattern.State{Views: req.Views, Complete: func() { f.fx.Push(&c.client, &outbox.Delivery{Frame: req.Complete()}) }}
	}
	f.patterns.Add(s, req.Since, req.AsOf, at.Time, known)
	return nil
}

// roaming is a reader of a connection for a channel that a pattern selects.
func roaming(c *Connection, ch realtime.Channel, req *PatternRequest) (*channel.Reader, *realtime.Error) {
	rules := c.Tenant().Rules(ch.Namespace())
	if req.State && !state.Keeps(c.feed.states, &rules) {
		return nil, nil //nolint:nilnil // which is no channel of the subscription's
	}
	v, err := viewOf(c, ch, &req.Want)
	if err != nil {
		return nil, realtime.Errorf(realtime.CodeOf(err), "%v", err)
	}
	r := channel.NewReader(&c.client, ch, v, channel.Pace{State: req.State, Rate: rules.GrantedRate(req.MaxRate), Paused: req.Paused})
	channel.Named(r, req.Sub, true)
	if !req.Plain() {
		r.SetWant(req.Want)
	}
	c.owed.Add(1)
	return r, nil
}

// UnsubscribePattern ends such a subscription and reports whether there was one.
func UnsubscribePattern(c *Connection, p realtime.Pattern, sub string) bool {
	f := c.feed
	f.lock()
	defer f.unlock()
	s := c.patterns.Find(p, sub)
	if s == nil {
		return false
	}
	f.patterns.Remove(s)
	c.patterns.Drop(s)
	return true
}

// reviewPatterns ends those that a connection may not have any more, and looks at what the others show.
func reviewPatterns(f *feed, c *Connection) {
	for _, s := range slices.Clone(c.patterns) {
		if !c.Principal().MayAll(realtime.ActionSubscribe, s.Pattern) {
			f.patterns.Remove(s)
			s.Failed(realtime.Errorf(realtime.CodeForbidden, "channel: the current token does not grant all of %q", s.Pattern))
			continue
		}
		for _, r := range s.Readers() {
			if err := reviewView(c, r); err != nil {
				f.patterns.Remove(s)
				s.Failed(err)
				break
			}
		}
	}
}

// roamers is a feed as the subscriptions to patterns see it.
type roamers struct{ keeping }

func (r roamers) Place(q *channel.Question) {
	if q.Request.State && !r.states.Ready(q) {
		return // it is asked when the state is loaded
	}
	q.Reader.Asks(q)
	r.asked.Add(q)
	r.asked.place(q)
}

func (r roamers) CompleteSince(tenant string, forgotten bool) int64 {
	return channel.CompleteSince(r.current.channels, tenant, forgotten)
}

func (r roamers) Detach(reader *channel.Reader) {
	r.asked.detach(reader)
	reader.Client().Box.Forget(reader.Channel(), channel.Number(reader))
}

func (r roamers) List(s *pattern.Subscription) {
	state.List(r.states, s.Tenant, s.Pattern, func(all []realtime.Channel, err *realtime.Error) { r.patterns.Listed(s, all, err) })
}
