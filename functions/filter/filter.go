// Package filter is the function that turns a raw stream into channels by rules: an HTTP function to which a subscription of Pub/Sub pushes the messages
// of a topic. The rules are JSON:
//
//	{"tenant": "acme", "fields": ["data.severity"], "rules": [
//	  {"when": "num(data.severity) >= 3 && tags.env == 'live'", "channel": "alerts:{tags.region}", "key": "{data.host}", "tags": ["region"]}]}
//
// A message that no rule takes is let go. One that comes again publishes the same events, which readers are shown once.
package filter

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/filter"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Publisher publishes for a tenant.
type Publisher interface {
	Publish(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication) error
}

// Options are what a Function is made of. All are required.
type Options struct {
	Rules     *Rules
	Tenants   realtime.Tenants
	Publisher Publisher
	Logger    *slog.Logger
}

// Function is the function as an http.Handler. It starts nothing that outlives a call, and is safe for concurrent use.
type Function struct {
	o     Options
	rules []compiled
}

// New returns a Function. Rules that cannot be applied are refused.
func New(o Options) (*Function, error) {
	rules, err := compile(o.Rules)
	if err != nil {
		return nil, fmt.Errorf("the rules of the filter: %w", err)
	}
	return &Function{o, rules}, nil
}

// maxBody is how long a push may be: a message of Pub/Sub has at most 10 MB, in base64.
const maxBody = 14 << 20

// Report is what became of a message.
type Report struct {
	Published int `json:"published"` // events, one for each rule
	// Skipped are rules whose condition held, and whose channel or key has no name by this message, or none that is good.
	Skipped int `json:"skipped,omitempty"`
}

// ServeHTTP applies the rules to a message that Pub/Sub pushes. What could not be published is answered with an error, and comes again; a message that never
// can be is answered with 200 and a problem. Who may call is for the platform to say.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "method %.16q is not supported at this path; use POST", r.Method)).Write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		problem.Write(w, realtime.Errorf(realtime.CodeTooLarge, "body: must be at most %d bytes", maxBody))
		return
	}
	report, err := f.apply(r.Context(), body)
	if bad := (*realtime.Error)(nil); errors.As(err, &bad) && bad.Code.Meaning().Advice == realtime.AdviceStop && bad.Code != realtime.CodeNotFound {
		f.o.Logger.WarnContext(r.Context(), "a message of the raw stream was refused", realtime.KeyError, err)
		problem.WithStatus(http.StatusOK, bad).Write(w)
		return
	}
	problem.WriteReport(w, report, err)
}

func (f *Function) apply(ctx context.Context, body []byte) (Report, error) {
	m, err := read(body)
	if err != nil {
		return Report{}, err
	}
	t, err := f.o.Tenants.Tenant(ctx, f.o.Rules.Tenant)
	if err != nil {
		return Report{}, err
	}
	var report Report
	var pubs []realtime.Publication
	var in filter.Input
	in.Reset(filter.Attributes{Key: m.key, EventType: m.tags["ce-type"], Source: m.tags["ce-source"], Tags: filter.TagMap(m.tags), Data: m.data})
	for i := range f.rules {
		c := &f.rules[i]
		if c.program != nil && !c.program.Match(&in) {
			continue
		}
		p, ok := c.publication(m, t.ID, i)
		if ok {
			ok = t.Classify(&p) == nil
		}
		if !ok {
			report.Skipped++
			continue
		}
		pubs = append(pubs, p)
	}
	if len(pubs) == 0 {
		return report, nil
	}
	if most := t.Limits.WithDefaults().MessageBytes; len(m.data) > most {
		return report, realtime.Errorf(realtime.CodeTooLarge, "data: must be at most %d bytes (limits.messageBytes), got %d", most, len(m.data))
	}
	report.Published = len(pubs)
	return report, f.o.Publisher.Publish(ctx, t, pubs)
}

// publication is what a rule makes of a message.
func (c *compiled) publication(m *message, tenant string, rule int) (p realtime.Publication, ok bool) {
	name, ok := c.ch.fill(m)
	if !ok {
		return p, false
	}
	key, ok := c.name.fill(m)
	if !ok {
		return p, false
	}
	ch, err := realtime.NewChannel(tenant, name)
	if err != nil {
		return p, false
	}
	p = realtime.Publication{
		Channel: ch, ID: fmt.Sprintf("%s.%d", m.id, rule), Key: key, Data: m.data,
		EventType: m.tags["ce-type"], Source: m.tags["ce-source"],
	}
	for _, name := range c.rule.Tags {
		if v, has := m.tags[name]; has {
			if p.Tags == nil {
				p.Tags = map[string]string{}
			}
			p.Tags[name] = v
		}
	}
	return p, p.Check() == nil
}

// read reads what Pub/Sub pushes.
func read(body []byte) (*message, error) {
	var push struct {
		Message struct {
			Data        string            `json:"data"`
			Attributes  map[string]string `json:"attributes"`
			MessageID   string            `json:"messageId"`
			OrderingKey string            `json:"orderingKey"`
		} `json:"message"`
	}
	if err := json.Unmarshal(body, &push); err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "body: %v", err)
	}
	if push.Message.MessageID == "" {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "message.messageId: is missing; the body must be a push of Pub/Sub")
	}
	data, err := base64.StdEncoding.DecodeString(push.Message.Data)
	if err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "message.data: %v", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "message.data: must be JSON, in base64: %v", err)
	}
	return &message{id: push.Message.MessageID, key: push.Message.OrderingKey, tags: push.Message.Attributes, data: compact.Bytes()}, nil
}
