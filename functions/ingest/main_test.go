package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/intake"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tenantsFile = `{"tenants": {
	"acme": {
		"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "acme-0123456789abcdef0123456789abcdef"}]},
		"limits": {"messageBytes": 200, "batchEvents": 5, "publishesPerSecond": 1000}
	},
	"globex": {
		"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "globex-0123456789abcdef0123456789abcdef"}]},
		"limits": {"publishesPerSecond": 1}
	},
	"closed": {
		"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "closed-0123456789abcdef0123456789abcdef"}]},
		"suspended": true
	}
}}`

// door is an ingest endpoint on a loopback server over real parts and a memory broker.
type door struct {
	*httptest.Server
	tenants *memory.Tenants
	broker  *memory.Broker
	tap     *tap
}

// tap remembers what goes to the publisher, and fails instead if it is told to.
type tap struct {
	to   intake.Publisher
	fail error

	mu   sync.Mutex
	pubs []realtime.Publication
}

func (p *tap) Publish(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication) error {
	if p.fail != nil {
		return p.fail
	}
	err := p.to.Publish(ctx, t, pubs)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pub := range pubs {
		pub.Data = slices.Clone(pub.Data) // the handler uses its memory again
		p.pubs = append(p.pubs, pub)
	}
	return err
}

func (p *tap) taken() []realtime.Publication {
	p.mu.Lock()
	defer p.mu.Unlock()
	pubs := p.pubs
	p.pubs = nil
	return pubs
}

func open(t testing.TB, change ...func(*ingest.Options)) *door {
	t.Helper()
	tenants, err := memory.LoadTenants(strings.NewReader(tenantsFile))
	if err != nil {
		t.Fatal(err)
	}
	verifier := auth.New(tenants, auth.Options{})
	d := &door{tenants: tenants, broker: memory.NewBroker(memory.BrokerOptions{})}
	d.tap = &tap{to: publish.New(d.broker, publish.Options{})}
	o := ingest.Options{Verifier: verifier, Tenants: tenants, Publisher: d.tap, Limiter: limit.New(limit.Options{})}
	for _, c := range change {
		c(&o)
	}
	d.Server = httptest.NewServer(ingest.New(o))
	t.Cleanup(func() {
		d.Close()
		if err := d.broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := verifier.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *door) document(t testing.TB, tenant string) *realtime.Tenant {
	t.Helper()
	doc, err := d.tenants.Tenant(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// token returns one of the tenant's user ann, who may publish to patterns.
func (d *door) token(t testing.TB, tenant string, patterns ...realtime.Pattern) string {
	t.Helper()
	signer, err := auth.NewSigner(d.document(t, tenant))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "ann", Grants: realtime.Grants{Publish: patterns}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// request is a POST to acme's events by somebody who may publish to prices and board channels.
func (d *door) request(t testing.TB, contentType string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/tenants/acme/events", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.token(t, "acme", "prices:*", "board:**"))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// answer is what came back, with the fields of both kinds of document.
type answer struct {
	Status int
	Header http.Header
	Raw    string

	Accepted int                   `json:"accepted"`
	Results  []struct{ ID string } `json:"results"`

	Code   realtime.Code `json:"code"`
	Detail string        `json:"detail"`
	Limit  string        `json:"limit"`
	Errors []struct {
		Index  int
		Code   realtime.Code
		Detail string
	} `json:"errors"`
}

func (d *door) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := d.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	a := answer{Status: res.StatusCode, Header: res.Header, Raw: raw.String()}
	if raw.Len() > 0 {
		if err := json.Unmarshal(raw.Bytes(), &a); err != nil {
			t.Fatalf("the answer is not JSON: %v\n%s", err, raw.String())
		}
	}
	return a
}

func (d *door) post(t testing.TB, contentType, body string) answer {
	t.Helper()
	return d.do(t, d.request(t, contentType, strings.NewReader(body)))
}
