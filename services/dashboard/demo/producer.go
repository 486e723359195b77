package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Producer replays the desks of one tenant through the ingest endpoint, in the
// order in which they were recorded, and begins again at the end. It is an
// ordinary client: an address and a token are all it has.
type Producer struct {
	// URL is where the ingest endpoint is, such as http://127.0.0.1:8080.
	URL    string
	Tenant string
	// Desks are what to replay; those of other tenants are left out.
	Desks []Desk
	// Token returns a token that may publish to the desks' channels. It is asked
	// at the start and whenever the endpoint says that the token is not good any more.
	Token func(ctx context.Context) (string, error)
	// Client sends the requests; nil is one with a timeout of 10 s.
	Client *http.Client
	// Speed is how much faster than Desk.Step the replay goes; 0 is 1.
	Speed float64
	// Logger is told when the endpoint refuses events and when it takes them again; nil is nobody.
	Logger *slog.Logger
}

// Event is what the producer publishes for one price: the JSON of its data.
type Event struct {
	Symbol string  `json:"symbol"`
	Name   string  `json:"name"`
	Price  float64 `json:"price"`
	// Change is what the price moved since the recorded date before; it is
	// missing at the first date of a lap, because the recording says nothing there.
	Change *float64 `json:"change,omitempty"`
	Date   string   `json:"date"`   // recorded
	Lap    int      `json:"lap"`    // 1 in the first replay
	SentAt int64    `json:"sentAt"` // the producer's clock, milliseconds since 1970
}

// Run replays until ctx ends, and then returns nil. While the endpoint is away, busy or draining it
// waits, as long as it is told to, and loses no event: the replay stands still meanwhile. It returns
// an error when the endpoint refuses an event for good.
func (p Producer) Run(ctx context.Context) error {
	s, err := p.sender(ctx)
	if err != nil {
		return err
	}
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var desks sync.WaitGroup
	for i := range p.Desks {
		if d := &p.Desks[i]; d.Tenant == p.Tenant {
			desks.Go(func() {
				if err := p.replay(running, s, d); err != nil && running.Err() == nil {
					cancel(fmt.Errorf("demo: replaying %s to %s: %w", d.Channel(), d.Tenant, err))
				}
			})
		}
	}
	desks.Wait()
	if ctx.Err() != nil {
		return nil //nolint:nilerr // being told to stop is no fault
	}
	return context.Cause(running)
}

// replay sends one desk's prices, evenly spread over its steps.
func (p Producer) replay(ctx context.Context, s *sender, d *Desk) error {
	pace := d.Step / time.Duration(len(d.Instruments))
	if p.Speed > 0 {
		pace = time.Duration(float64(pace) / p.Speed)
	}
	ticker := time.NewTicker(max(pace, time.Microsecond))
	defer ticker.Stop()
	run := rand.Text() // an id never comes again, also not after a restart
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		step, i := n/len(d.Instruments), n%len(d.Instruments)
		e := envelope{
			ID:      fmt.Sprintf("%s-%d", run, n),
			Channel: d.Channel(),
			Key:     d.Instruments[i].Symbol,
			Tags:    map[string]string{"unit": strings.ToLower(d.Unit), "desk": d.Group},
			Data:    d.Instruments[i].event(step),
		}
		if err := s.send(ctx, e); err != nil {
			return err
		}
	}
}

// event is the instrument's price at a step, counted from the first of lap 1.
func (in *Instrument) event(step int) Event {
	at := step % len(in.Quotes)
	q := in.Quotes[at]
	e := Event{
		Symbol: in.Symbol, Name: in.Name, Price: q.Price, Date: q.Date,
		Lap: 1 + step/len(in.Quotes), SentAt: time.Now().UnixMilli(),
	}
	if at > 0 {
		change := cents(q.Price) - cents(in.Quotes[at-1].Price)
		moved := float64(change) / 100
		e.Change = &moved
	}
	return e
}

// cents rounds to the two decimals that all recordings have, so that differences have no more.
func cents(price float64) int64 { return int64(price*100 + 0.5) }

func (p Producer) sender(ctx context.Context) (*sender, error) {
	if err := realtime.CheckTenantID(p.Tenant); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	s := &sender{
		url:    strings.TrimRight(p.URL, "/") + "/v1/tenants/" + p.Tenant + "/events",
		client: p.Client, newToken: p.Token,
		log: p.Logger,
	}
	if s.client == nil {
		s.client = &http.Client{Timeout: 10 * time.Second}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With(realtime.KeyTenant, p.Tenant)
	if _, err := s.renew(ctx, ""); err != nil {
		return nil, err
	}
	return s, nil
}
