package probe

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/wire"
)

// run is one run. Nothing of it is left when all has returned.
type run struct {
	probe  *Probe
	stage  Stage
	report Report

	token string
	conn  *conn
	until time.Time // when the run has to be over
}

// event is what the run publishes.
type event struct {
	ID      string          `json:"id"`
	Channel string          `json:"channel"`
	Key     string          `json:"key"`
	Data    json.RawMessage `json:"data"`
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
	err := timed(&r.report.Subscribe, r.subscribe)
	if err == nil {
		err = r.deliver(ctx)
	}
	if err != nil {
		_ = r.conn.Close() // the run has failed, and is said to have
		return err
	}
	r.hold()
	return nil
}

// hold leaves the socket to the runs after this one, without its channel: what they publish is not for it.
func (r *run) hold() {
	frame := wire.ClientFrame{Type: wire.TypeUnsubscribe, ID: "2", Channel: Channel}
	if r.conn.Write(frame.AppendJSON(nil)) != nil {
		_ = r.conn.Close() // it has served
		return
	}
	_ = r.probe.held.keep(r.conn) // the oldest has served
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

// connect opens the socket; a failure leaves none open.
func (r *run) connect(ctx context.Context) error {
	conn, err := dial(ctx, r.probe.socket, wire.Subprotocol, auth.BearerPrefix+r.token)
	if err != nil {
		return err
	}
	r.conn = conn
	if _, err := r.read(func(f *wire.ServerFrame) bool { return f.Type == wire.TypeWelcome }); err != nil {
		return errors.Join(err, conn.Close())
	}
	return nil
}

func (r *run) subscribe() error {
	const id = "1"
	frame := wire.ClientFrame{Type: wire.TypeSubscribe, ID: id, Channel: Channel}
	if err := r.conn.Write(frame.AppendJSON(nil)); err != nil {
		return err
	}
	_, err := r.read(func(f *wire.ServerFrame) bool { return f.Type == wire.TypeOK && f.ID == id })
	return err
}

// deliver publishes an event and waits for it. The event may come before ingest has answered, so both
// are waited for at once; a refusal ends the wait for what will not come.
func (r *run) deliver(ctx context.Context) error {
	r.stage = StageDelivery
	start := time.Now()
	e := newEvent()
	refused := make(chan error, 1)
	go func() {
		err := timed(&r.report.Publish, func() error { return r.publish(ctx, &e) })
		if err != nil {
			err = errors.Join(err, r.conn.Close())
		}
		refused <- err
	}()
	f, err := r.read(func(f *wire.ServerFrame) bool { return f.Type == wire.TypeMessage && f.Key == e.Key })
	r.report.Delivery = time.Since(start)
	if refusal := <-refused; refusal != nil {
		r.stage = StagePublish
		return refusal
	}
	if err != nil {
		return err
	}
	if f.Channel != e.Channel || !bytes.Equal(f.Data, e.Data) || !strings.HasSuffix(f.Position, "-"+e.ID) {
		return fmt.Errorf("the event received differs from the event published: %.200q on %q at %q", f.Data, f.Channel, f.Position)
	}
	return nil
}

func newEvent() event {
	id := rand.Text()
	return event{ID: id, Channel: Channel, Key: id, Data: fmt.Appendf(nil, `{"probe":%q}`, id)}
}

// publish hands an event to ingest, as a producer does.
func (r *run) publish(ctx context.Context, e *event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.probe.events, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := r.probe.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read from
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusOK {
		return nil
	}
	var p problem.Problem
	if json.Unmarshal(answer, &p) != nil || p.Code == "" {
		return fmt.Errorf("%s answered with %s", r.probe.events, res.Status)
	}
	return realtime.Errorf(p.Code, "%s answered with %s: %s", r.probe.events, res.Status, p.Detail)
}

// read returns the first frame that is wanted. An error frame, or the close that it announces, is an error;
// anything else that a server may say meanwhile is passed over.
func (r *run) read(wanted func(*wire.ServerFrame) bool) (wire.ServerFrame, error) {
	for {
		raw, err := r.conn.Read(time.Until(r.until) + time.Second) // the end of the run closes it first, and says why
		if err != nil {
			return wire.ServerFrame{}, err
		}
		f, err := wire.DecodeServer(raw)
		if err != nil {
			return f, err
		}
		if f.Type == wire.TypeError {
			return f, realtime.Errorf(cmp.Or(f.Code, realtime.CodeInternal), "%s", f.Message)
		}
		if wanted(&f) {
			return f, nil
		}
	}
}
