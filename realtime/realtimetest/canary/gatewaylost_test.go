package canary_test

import (
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// conditional returns how publications with a condition are published: by a client of the gateway that reads nothing.
func (s *service) conditional() func(*realtime.Publication) (bool, error) {
	if !s.state {
		return nil
	}
	signer, err := auth.NewSigner(s.doc)
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "writer", Grants: realtime.Grants{Publish: []realtime.Pattern{canary.AllChannels}}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := tidewire.Connect(s.t.Context(), tidewire.Options{URL: s.url, Token: tidewire.StaticToken(token)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	return func(p *realtime.Publication) (bool, error) {
		condition := tidewire.IfAbsent()
		if p.If.Is == realtime.ConditionPresent {
			condition = tidewire.IfPresent()
		}
		d, err := client.PublishIf(s.t.Context(), tidewire.Event{
			Channel: p.Channel.Name(), ID: p.ID, Key: p.Key, Tags: p.Tags, Data: p.Data, EventType: p.EventType, Source: p.Source,
		}, condition)
		return d.Applied, err
	}
}
