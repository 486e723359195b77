package eventstream

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/sse"
)

// begin admits the client and subscribes to its channels.
func (s *stream) begin(r *http.Request) *realtime.Error {
	ctx, cancel := s.server.Admission.Context(r)
	defer cancel()
	p, refused := s.verify(ctx, r)
	if refused != nil {
		return refused
	}
	channels, patterns, refused := s.channelsOf(p.Tenant, r.URL.Query()["channel"])
	if refused != nil {
		return refused
	}
	options, refused := optionsOf(r.URL.Query())
	if refused != nil {
		return refused
	}
	if len(patterns) > 0 && !options.rewind.IsZero() {
		return realtime.Errorf(realtime.CodeBadRequest, "rewind: is not served for a pattern, as %q is one; leave it out", patterns[0])
	}
	s.at = sse.NewStream(channels)
	s.at.Select(patterns, options.state)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		s.at.Resume(id, time.Now())
	}
	if refused := s.join(ctx, r, p); refused != nil {
		return refused
	}
	return s.subscribe(channels, patterns, options)
}

// verify verifies the token of a request, which has to have one.
func (s *stream) verify(ctx context.Context, r *http.Request) (*realtime.Principal, *realtime.Error) {
	p, err := s.server.Admission.VerifyRequest(ctx, r)
	if errors.Is(err, auth.ErrNoToken) {
		return nil, realtime.Errorf(realtime.CodeUnauthorized, "no token; send it as Authorization: Bearer, or as ?token= where the tenant allows that")
	}
	if err != nil {
		return nil, s.server.Reporter.Report(ctx, "verifying a token", err)
	}
	return p, nil
}

// join admits the client and makes it a connection of the Hub.
func (s *stream) join(ctx context.Context, r *http.Request, p *realtime.Principal) *realtime.Error {
	request := s.server.Admission.Request(r)
	admitted, refused := s.server.Admission.Admit(ctx, p, &request)
	if refused != nil {
		return refused
	}
	s.client = s.server.Clients.New(&admitted)
	return s.client.Join(s.box, s, s, realtime.ReasonEvents)
}

// subscribe reads the channels. One that may not be read does not disturb the others; if none may, the request is refused.
func (s *stream) subscribe(channels []realtime.Channel, patterns []realtime.Pattern, o options) *realtime.Error {
	if limited := s.client.Seat.Subscribe(); limited != nil {
		return limited
	}
	var first *realtime.Error
	reads := false
	answered := func(name string, err error) *realtime.Error {
		if err == nil {
			reads = true
			return nil
		}
		told := s.server.Reporter.Report(s.server.Life, "subscribing", err)
		if told.Code != realtime.CodeForbidden {
			return told
		}
		first = cmp.Or(first, told)
		s.refuse(name, told)
		return nil
	}
	for i, ch := range channels {
		if refused := answered(ch.Name(), s.client.Subscribe(s.request(i, ch, o))); refused != nil {
			return refused
		}
	}
	for i, p := range patterns {
		if refused := answered(string(p), s.client.SubscribePattern(s.patternRequest(i, p, o))); refused != nil {
			return refused
		}
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

// patternRequest asks for all channels of a pattern, from where the stream stands in them.
func (s *stream) patternRequest(i int, p realtime.Pattern, o options) *hub.PatternRequest {
	at := s.at.Roaming(i)
	r := &hub.PatternRequest{Pattern: p, AsOf: at.AsOf, Want: o.want, State: o.state, Since: map[realtime.Channel]realtime.Position{}, Views: map[realtime.Channel]string{}}
	at.Each(func(name string, at realtime.Position, view string) {
		if ch, err := realtime.NewChannel(s.client.Tenant.ID, name); err == nil { // what is damaged is none
			r.Since[ch], r.Views[ch] = at, view
		}
	})
	r.Begins = func(begun realtime.Position) outbox.Frame {
		return sse.Encoder{}.PatternOK(string(p), begun, o.state, at.Lost)
	}
	r.Complete = func() outbox.Frame { return sse.Encoder{}.PatternComplete(string(p)) }
	return r
}

// refuse tells the client of a channel that its stream does not carry, once there is a stream.
func (s *stream) refuse(name string, why *realtime.Error) {
	if len(name) > realtime.MaxChannelBytes {
		name = ""
	}
	s.refused = append(s.refused, sse.Encoder{}.NotCarried(name, why))
}

// channelsOf returns the channels and patterns that a request names. One that is named badly, or twice, does not disturb the others.
func (s *stream) channelsOf(tenant string, names []string) (channels []realtime.Channel, patterns []realtime.Pattern, refused *realtime.Error) {
	if len(names) == 0 || len(names) > sse.MaxChannels {
		return nil, nil, realtime.Errorf(realtime.CodeBadRequest, "channel: must be 1 to %d channels, got %d", sse.MaxChannels, len(names))
	}
	var first *realtime.Error
	checked := func(name string, err error) bool {
		if err == nil {
			return true
		}
		told := s.server.Reporter.Report(s.server.Life, "naming channels", err)
		first = cmp.Or(first, told)
		s.refuse(name, told)
		return false
	}
	for _, name := range names {
		if realtime.IsSelection(name) && checked(name, apart(patterns, name)) {
			patterns = append(patterns, realtime.Pattern(name))
		}
	}
	for _, name := range names {
		if realtime.IsSelection(name) {
			continue
		}
		ch, err := realtime.NewReadable(tenant, name)
		if err == nil && slices.Contains(channels, ch) {
			err = realtime.Errorf(realtime.CodeConflict, "channel: %q appears twice", name)
		}
		for _, p := range patterns {
			if err == nil && p.Match(name, "", nil) {
				err = realtime.Errorf(realtime.CodeConflict, "channel: %q is one of %q, which the stream carries; leave it out", name, p)
			}
		}
		if checked(name, err) {
			channels = append(channels, ch)
		}
	}
	if len(channels) == 0 && len(patterns) == 0 {
		return nil, nil, first
	}
	return channels, patterns, nil
}

// apart refuses a pattern that is none, or has channels in common with others: a stream has one id of an event.
func apart(patterns []realtime.Pattern, name string) error {
	if err := realtime.CheckSelection(name); err != nil {
		return err
	}
	for _, p := range patterns {
		if p.Overlaps(realtime.Pattern(name)) {
			return realtime.Errorf(realtime.CodeConflict, "channel: %q has channels in common with %q, which the stream carries; open another stream for it", name, p)
		}
	}
	return nil
}
