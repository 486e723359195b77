package canary_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
	"github.com/tidewire/tidewire/realtime/retained"
	"github.com/tidewire/tidewire/realtime/survey"
)

// The gateway shows nobody what is not theirs, on any path that it serves and through any change of rights.
func TestGateway(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			if err := canary.Run(t.Context(), "acme", newService(t, seed%2 == 0).server(), canary.Options{Seed: seed}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server that shows who is present to those who may not see it is found out.
func TestPresenceWithoutGrantsIsFound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		s := newService(t, true)
		s.open = true
		if canary.Run(t.Context(), "acme", s.server(), canary.Options{Seed: seed, Steps: 40}) != nil {
			return
		}
	}
	t.Error("not found")
}

// service is a gateway on memory drivers.
type service struct {
	open    bool // presence is everybody's
	t       *testing.T
	state   bool
	url     string
	api     string
	doc     *realtime.Tenant
	tenants *memory.Tenants
	gateway *gateway.Gateway
}

// tenant returns a document with the rules of the namespace, and limits below which a run stays.
func tenant(id string, namespaces map[string]realtime.Namespace) *realtime.Tenant {
	return &realtime.Tenant{
		ID:         id,
		Auth:       realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: strings.Repeat(id, 32)}}},
		Namespaces: namespaces,
		Limits:     realtime.Limits{PublishesPerSecond: 10_000, FramesPerSecond: 10_000, SubscribesPerSecond: 10_000, ConnectsPerSecond: 10_000, RequestsPerSecond: 10_000},
	}
}

// namespaces returns the rules that show what they are to, of what is kept and of what is transient.
func namespaces(state bool, r canary.Rights) map[string]realtime.Namespace {
	passing := fleet(true, r)
	passing.State = &realtime.State{Transient: true}
	return map[string]realtime.Namespace{"fleet": fleet(state, r), "passing": passing}
}

// fleet returns the rules of the namespace that show what they are to, with records in which a run has room.
func fleet(state bool, r canary.Rights) realtime.Namespace {
	n := realtime.Namespace{Window: 100_000, Columns: r.Columns}
	if durable := false; state {
		n.State = &realtime.State{Durable: &durable}
	}
	if r.Clients != nil {
		n.Enforce = canary.Filter(r.Clients)
	}
	return n
}

func newService(t *testing.T, state bool) *service {
	t.Helper()
	s := &service{t: t, state: state, doc: tenant("acme", namespaces(state, canary.Rights{}))}
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	if s.tenants, err = memory.NewTenants(s.doc, tenant("other", nil)); err != nil {
		t.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	if s.gateway, err = gateway.New(gateway.Options{Broker: broker, Tenants: s.tenants, Filters: filters, DrainSpread: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.gateway)
	s.url = server.URL
	closeAPI := s.startAPI(broker, filters)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.gateway.Close(ctx); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
		server.Close()
		closeAPI(ctx)
		if err := broker.Close(ctx); err != nil {
			t.Errorf("closing the broker: %v", err)
		}
	})
	return s
}

// startAPI starts the management API beside the gateway, which reads what the topics keep.
func (s *service) startAPI(broker realtime.Broker, filters *viewfilter.Compiler) (end func(context.Context)) {
	operators, err := httpapi.NewOperators(realtime.Auth{Keys: []realtime.Key{{KID: "op", Alg: "HS256", Secret: strings.Repeat("operator", 4)}}}, auth.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	surveyor := survey.New(survey.Options{Broker: broker, Subscriptions: broker.(realtime.SubscriptionStore)}) //nolint:forcetypeassert // it is memory's
	history := retained.New(retained.Options{Broker: broker, Filters: filters})
	api := httptest.NewServer(httpapi.New(httpapi.Options{
		Verifier: auth.New(s.tenants, auth.Options{}), Operators: operators, Tenants: s.tenants, Registry: memory.NewRegistry(), Revocations: memory.NewRevocations(),
		Publisher: s.gateway.Publisher(), States: memory.NewStates(), History: history, Survey: surveyor, Limiter: limit.New(limit.Options{}),
	}))
	s.api = api.URL
	return func(ctx context.Context) {
		api.Close()
		if err := errors.Join(history.Close(ctx), surveyor.Close(ctx)); err != nil {
			s.t.Errorf("closing the api: %v", err)
		}
	}
}

func (s *service) server() canary.Server {
	return canary.Server{
		URL: s.url, HistoryURL: s.api,
		Token:     s.token,
		PublishIf: s.conditional(),
		Stranger:  func() (string, error) { return sign(tenant("other", nil), "ann", auth.Claims{}, "**") },
		Policy:    s.policy,
		Publish: func(p *realtime.Publication) error {
			return s.gateway.Publisher().Publish(s.t.Context(), s.doc, []realtime.Publication{*p})
		},
		Send: func(user string, p *realtime.Publication) error {
			return s.gateway.Publisher().SendDirect(s.t.Context(), s.doc, realtime.Target{User: user}, p)
		},
		Features: canary.Features{Filters: true, Columns: true, Filter: true, Fields: true, State: s.state, Rate: true, Tune: true, Stream: true, Posts: true, Wildcards: true, Patterns: true, Rewind: true, History: true, Retained: true, Presence: true, PresenceHTTP: true, Demand: true, Transient: true},
	}
}

func sign(of *realtime.Tenant, user string, c auth.Claims, channels ...string) (string, error) {
	signer, err := auth.NewSigner(of)
	if err != nil {
		return "", err
	}
	c.User, c.Expires = user, time.Now().Add(time.Hour)
	for _, channel := range channels {
		c.Grants.Subscribe = append(c.Grants.Subscribe, realtime.Pattern(channel))
	}
	if c.Grants.Presence == nil {
		c.Grants.Presence = c.Grants.Subscribe
	}
	c.Grants.Enter = c.Grants.Subscribe
	return signer.Sign(c)
}

func (s *service) token(user string, r canary.Rights) (string, error) {
	var c auth.Claims
	if s.open {
		c.Grants.Presence = []realtime.Pattern{"**"}
	}
	if r.Clients != nil {
		filter := []string{canary.Filter(r.Clients)}
		c.Views.Filters = map[realtime.Pattern][]string{canary.AllChannels: filter, canary.AllPassing: filter}
	}
	if r.Columns != nil {
		c.Views.Columns = map[realtime.Pattern][]string{canary.AllChannels: r.Columns, canary.AllPassing: r.Columns}
	}
	if r.Demand {
		c.Grants.Demand = []realtime.Pattern{canary.AllChannels}
	}
	if r.Channels == nil {
		return sign(s.doc, user, c, canary.AllChannels, canary.AllPassing)
	}
	return sign(s.doc, user, c, r.Channels...)
}

func (s *service) policy(r canary.Rights) error {
	stored, err := s.tenants.Stored(s.t.Context(), s.doc.ID)
	if err != nil {
		return err
	}
	next := *stored
	next.Namespaces = namespaces(s.state, r)
	_, err = s.tenants.Put(s.t.Context(), &next)
	return err
}
