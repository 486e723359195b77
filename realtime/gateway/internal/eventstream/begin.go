package eventstream

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/sse"
)

// begin admits the client and subscribes to its channels.
func (s *stream) begin(r *http.Request) *realtime.Error {
	ctx, cancel := s.server.Admission.Context(r)
	defer cancel()
	p, err := s.server.Admission.VerifyRequest(ctx, r)
	if errors.Is(err, auth.ErrNoToken) {
		return realtime.Errorf(realtime.CodeUnauthorized, "no token; send it as Authorization: Bearer, or as ?token= where the tenant allows that")
	}
	if err != nil {
		return s.server.Reporter.Report(ctx, "verifying a token", err)
	}
	channels, refused := s.channelsOf(p.Tenant, r.URL.Query()["channel"])
	if refused != nil {
		return refused
	}
	options, refused := optionsOf(r.URL.Query())
	if refused != nil {
		return refused
	}
	s.at = sse.NewStream(channels)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		s.at.Resume(id, time.Now())
	}
	request := s.server.Admission.Request(r)
	admitted, refused := s.server.Admission.Admit(ctx, p, &request)
	if refused != nil {
		return refused
	}
	s.client = s.server.Clients.New(&admitted)
	if refused := s.client.Join(s.box, s, s, realtime.ReasonEvents); refused != nil {
		return refused
	}
	return s.subscribe(channels, options)
}

// subscribe reads the channels. One that may not be read does not disturb the others; if none may, the request is refused.
func (s *stream) subscribe(channels []realtime.Channel, o options) *realtime.Error {
	if limited := s.client.Seat.Subscribe(); limited != nil {
		return limited
	}
	var first *realtime.Error
	reads := false
	for i, ch := range channels {
		err := s.client.Subscribe(s.request(i, ch, o))
		if err == nil {
			reads = true
			continue
		}
		told := s.server.Reporter.Report(s.server.Life, "subscribing", err)
		if told.Code != realtime.CodeForbidden {
			return told
		}
		first = cmp.Or(first, told)
		s.refuse(ch.Name(), told)
	}
	if !reads {
		return first
	}
	return nil
}

// request asks for a channel from where the stream stands in it.
func (s *stream) request(i int, ch realtime.Channel, o options) hub.SubscribeRequest {
	return hub.SubscribeRequest{Channel: ch, Since: s.at.Since(i), View: s.at.View(i), AsOf: s.at.AsOf(), State: o.state, Rewind: o.rewind, Want: o.want}
}

// refuse tells the client of a channel that its stream does not carry, once there is a stream.
func (s *stream) refuse(name string, why *realtime.Error) {
	if len(name) > realtime.MaxChannelBytes {
		name = ""
	}
	s.refused = append(s.refused, sse.Encoder{}.NotCarried(name, why))
}

// channelsOf returns the channels that a request names. One that is named badly, or twice, does not disturb the others.
func (s *stream) channelsOf(tenant string, names []string) ([]realtime.Channel, *realtime.Error) {
	if len(names) == 0 || len(names) > sse.MaxChannels {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "channel: must be 1 to %d channels, got %d", sse.MaxChannels, len(names))
	}
	channels := make([]realtime.Channel, 0, len(names))
	var first *realtime.Error
	for _, name := range names {
		ch, err := realtime.NewReadable(tenant, name)
		if err == nil && slices.Contains(channels, ch) {
			err = realtime.Errorf(realtime.CodeConflict, "channel: %q appears twice", name)
		}
		if err == nil {
			channels = append(channels, ch)
			continue
		}
		told := s.server.Reporter.Report(s.server.Life, "naming channels", err)
		first = cmp.Or(first, told)
		s.refuse(name, told)
	}
	if len(channels) == 0 {
		return nil, first
	}
	return channels, nil
}
