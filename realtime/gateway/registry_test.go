package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// notifyingRegistry is a Registry that says when connection documents have been written.
type notifyingRegistry struct {
	*memory.Registry
	written chan string
}

func (r notifyingRegistry) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	err := r.Registry.Connect(ctx, docs)
	r.written <- "connect"
	return err
}

func (r notifyingRegistry) Disconnect(ctx context.Context, refs []realtime.ConnectionRef) error {
	err := r.Registry.Disconnect(ctx, refs)
	r.written <- "disconnect"
	return err
}

func TestConnectionDocuments(t *testing.T) {
	t.Parallel()
	registry := notifyingRegistry{memory.NewRegistry(), make(chan string, 8)}
	s := start(t, gateway.Options{
		Registry: registry, Instance: "i-1",
		Hooks: gateway.HookFuncs{OnConnect: func(context.Context, *gateway.ConnectEvent) (gateway.ConnectResult, error) {
			return gateway.ConnectResult{Groups: []string{"fx"}, Meta: map[string]string{"plan": "gold"}}, nil
		}},
	})
	list := func() []realtime.ConnectionDoc {
		t.Helper()
		page, err := registry.Connections(t.Context(), "acme", realtime.ConnectionQuery{})
		if err != nil {
			t.Fatal(err)
		}
		return page.Connections
	}
	p := s.dial(s.token("acme", "ann"))
	welcome := p.expect(`{"type":"welcome","instance":"i-1"}`)
	<-registry.written
	docs := list()
	if len(docs) != 1 {
		t.Fatalf("registered are %+v", docs)
	}
	d := docs[0]
	left := time.Until(d.Expires)
	if d.ID != welcome.Connection || d.User != "ann" || len(d.Groups) != 1 || d.Meta["plan"] != "gold" || d.Instance != "i-1" || d.Remote != "127.0.0.1" || left > time.Hour || left < 58*time.Minute {
		t.Errorf("the document is %+v", d)
	}
	p.send(`{"type":"refresh","id":1,"token":"` + s.token("acme", "ann") + `"}`)
	p.expect(`{"type":"ok","id":1}`)
	<-registry.written
	if docs := list(); len(docs) != 1 || len(docs[0].Groups) != 1 || !docs[0].Connected.Equal(d.Connected) {
		t.Errorf("after the renewal: %+v", docs)
	}
	_ = p.ws.Close()
	for what := ""; what != "disconnect"; {
		what = <-registry.written
	}
	if docs := list(); len(docs) != 0 {
		t.Errorf("left behind: %+v", docs)
	}
}
