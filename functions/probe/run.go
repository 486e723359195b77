package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/api"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// run is one run. Nothing of it is left when all has returned.
type run struct {
	probe  *Probe
	stage  Stage
	report Report

	token  string
	client *tidewire.Client
	events *tidewire.Subscription
	until  time.Time // when the run has to be over
}

// all goes through the stages; r.stage is the one that was begun last.
func (r *run) all(ctx context.Context) error {
	r.until, _ = ctx.Deadline()
	r.stage = StageToken
	if err := r.sign(ctx); err != nil {
		return err
	}
	r.stage = StageConnect
	if err := timed(&r.report.Connect, func() error { return r.connect(ctx) }); err != nil {
		return err
	}
	r.stage = StageSubscribe
	err := timed(&r.report.Subscribe, func() error { return r.subscribe(ctx) })
	if err == nil {
		err = r.deliver(ctx)
	}
	if err != nil {
		r.client.Close()
		return err
	}
	r.events.Close() // what the runs after this one publish is not for it
	r.probe.held.keep(r.client)
	return nil
}

func timed(took *time.Duration, do func() error) error {
	start := time.Now()
	err := do()
	*took = time.Since(start)
	return err
}

// tokenAfter is how long the token of a run is good after its end: for as long as its socket may be held, with three runs a minute or one in five.
const tokenAfter = 30 * time.Minute

// sign makes the token of this run.
func (r *run) sign(ctx context.Context) error {
	t, err := r.probe.o.Tenants.Tenant(ctx, r.probe.o.Tenant)
	if err != nil {
		return err
	}
	if t.Suspended {
		return realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
	}
	signer, err := auth.NewSigner(t)
	if err != nil {
		return err
	}
	own := []realtime.Pattern{Channel}
	r.token, err = signer.Sign(auth.Claims{User: "probe", Grants: realtime.Grants{Subscribe: own, Publish: own}, Expires: r.until.Add(tokenAfter)})
	return err
}

// connect opens the socket; a failure leaves none open. Nothing is tried again: the run is to tell what happens.
func (r *run) connect(ctx context.Context) (err error) {
	r.client, err = tidewire.Connect(ctx, tidewire.Options{URL: r.probe.gateway, Token: tidewire.StaticToken(r.token), Once: true})
	return err
}

// subscribe returns when the gateway has answered.
func (r *run) subscribe(ctx context.Context) (err error) {
	if r.events, err = r.client.Subscribe(Channel, tidewire.SubscribeOptions{}); err != nil {
		return err
	}
	_, err = r.events.Next(ctx)
	return err
}

// deliver publishes an event and waits for it. The event may come before ingest has answered, so both
// are waited for at once; a refusal ends the wait for what will not come.
func (r *run) deliver(ctx context.Context) error {
	r.stage = StageDelivery
	start := time.Now()
	e := newEvent()
	refused := make(chan error, 1)
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		err := timed(&r.report.Publish, func() error { return r.publish(ctx, e) })
		if err != nil {
			stop()
		}
		refused <- err
	}()
	m, err := r.message(waiting, e.Key)
	r.report.Delivery = time.Since(start)
	if refusal := <-refused; refusal != nil {
		r.stage = StagePublish
		return refusal
	}
	if err != nil {
		return err
	}
	if m.Channel != e.Channel || !bytes.Equal(m.Data, e.Data) || m.ID != e.ID {
		return fmt.Errorf("the event received differs from the event published: %.200q on %q at %q", m.Data, m.Channel, m.Position)
	}
	return nil
}

// message returns the message of a key. Those of other runs are passed over.
func (r *run) message(ctx context.Context, key string) (*tidewire.Message, error) {
	for {
		u, err := r.events.Next(ctx)
		if err != nil {
			return nil, err
		}
		if u.Kind == tidewire.KindMessage && u.Message.Key == key {
			return u.Message, nil
		}
	}
}

func newEvent() tidewire.Event {
	id := rand.Text()
	return tidewire.Event{ID: id, Channel: Channel, Key: id, Data: fmt.Appendf(nil, `{"probe":%q}`, id)}
}

// publish hands an event to ingest, as a producer does, over a connection of its own: one that was kept would prove nothing of names,
// certificates and handshakes.
func (r *run) publish(ctx context.Context, e tidewire.Event) error {
	ingest, err := api.NewIngest(r.probe.o.Tenant, api.Options{
		URL: r.probe.ingest, Token: tidewire.StaticToken(r.token), Patience: -1, AttemptTimeout: r.probe.o.MaxTime,
	})
	if err != nil {
		return err
	}
	defer ingest.Close()
	_, err = ingest.Publish(ctx, []tidewire.Event{e})
	if refusal := (*api.Refusal)(nil); errors.As(err, &refusal) {
		return realtime.Errorf(refusal.Why.Code, "%s answered with %d: %s", r.probe.ingest, refusal.Status, refusal.Why.Message)
	}
	return err
}
