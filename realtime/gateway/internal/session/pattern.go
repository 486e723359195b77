package session

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// subscribePattern asks for all channels that a pattern selects.
func (h *handler) subscribePattern(id wire.ID, s *wire.Subscription, asOf int64, want hub.Want) error {
	if err := realtime.CheckSelection(s.Channel); err != nil {
		return err
	}
	if !s.Options.Rewind.IsZero() {
		return realtime.Errorf(realtime.CodeBadRequest, "rewind: is not served for a pattern; subscribe to each channel, or ask for its history")
	}
	r := &hub.PatternRequest{Pattern: realtime.Pattern(s.Channel), Sub: s.Sub, AsOf: asOf, Want: want, State: s.Options.State, Since: map[realtime.Channel]realtime.Position{}, Views: map[realtime.Channel]string{}}
	for name, at := range s.Positions {
		ch, err := h.channel(name)
		if err != nil {
			return realtime.Errorf(realtime.CodeBadRequest, "since: %v", err)
		}
		if r.Since[ch] = at; s.Views[name] != "" {
			r.Views[ch] = s.Views[name]
		}
	}
	r.Complete = func() outbox.Frame { return h.named(h.protocol.PatternComplete(s.Channel), s.Sub) }
	r.Begins = func(at realtime.Position) outbox.Frame {
		return h.named(h.protocol.PatternOK(id, s.Channel, at), s.Sub)
	}
	return h.client.SubscribePattern(r)
}

func (h *handler) unsubscribePattern(f *wire.ClientFrame) {
	if !hub.UnsubscribePattern(h.client.Connection(), realtime.Pattern(f.Channel), f.Sub) {
		h.reportSub(f.ID, f.Channel, f.Sub, "unsubscribing", realtime.Errorf(realtime.CodeNotFound, "channel: %q is not subscribed", f.Channel))
		return
	}
	h.send(h.named(h.protocol.UnsubscribePatternOK(f.ID, f.Channel), f.Sub))
}
