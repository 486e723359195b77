package acceptance

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/scrape"
)

// service is gateway, ingest and metrics as one process has them, on memory drivers
// and the server that gateway.Serve is.
type service struct {
	t       *testing.T
	addr    string
	tenants *memory.Tenants
	metrics realtime.Metrics
	page    http.Handler // of metrics
	http    *http.Client
}

// setup is how a service differs from one of all defaults.
type setup struct {
	tenants []*realtime.Tenant
	gateway gateway.Options
	ingest  ingest.Options
	around  func(realtime.Broker) realtime.Broker
	topics  func(*realtime.Tenant) realtime.Topic // nil is one of its own for each tenant
	sends   int                                   // SO_SNDBUF of accepted connections; 0 is the system's
}

func start(t *testing.T, o setup) *service {
	t.Helper()
	s := &service{t: t}
	page, err := scrape.New()
	if err != nil {
		t.Fatal(err)
	}
	seen, err := telemetry.Open(t.Context(), telemetry.Options{Readers: []metric.Reader{page.Reader()}})
	if err != nil {
		t.Fatal(err)
	}
	s.metrics, s.page = seen.Metrics, page.Handler()
	if s.tenants, err = memory.NewTenants(o.tenants...); err != nil {
		t.Fatal(err)
	}
	inner := memory.NewBroker(memory.BrokerOptions{})
	var broker realtime.Broker = inner
	if o.around != nil {
		broker = o.around(broker)
	}
	verifier := auth.New(s.tenants, auth.Options{Metrics: s.metrics})
	limiter := limit.New(limit.Options{Metrics: s.metrics})
	publisher := publish.New(broker, publish.Options{Placement: o.topics, Metrics: s.metrics})

	g := o.gateway
	g.Broker, g.Tenants, g.Metrics = broker, s.tenants, s.metrics
	if g.Registry == nil {
		g.Registry = memory.NewRegistry()
	}
	g.Verifier, g.Limiter, g.Publisher, g.Placement = verifier, limiter, publisher, o.topics
	g.DrainSpread = cmp.Or(g.DrainSpread, time.Second)
	gw, err := gateway.New(g)
	if err != nil {
		t.Fatal(err)
	}
	i := o.ingest
	i.Verifier, i.Tenants, i.Publisher, i.Limiter, i.Metrics = verifier, s.tenants, publisher, limiter, s.metrics
	mux := http.NewServeMux()
	mux.Handle("/", gw)
	mux.Handle("/v1/tenants/", ingest.New(i))

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	s.http = &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- gw.Serve(ctx, sender{l, o.sends}, mux) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
		if err := verifier.Close(); err != nil {
			t.Error(err)
		}
		if err := inner.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sender accepts connections whose kernel holds little for a client that does not read.
type sender struct {
	net.Listener
	bytes int
}

func (s sender) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err == nil && s.bytes > 0 {
		err = c.(*net.TCPConn).SetWriteBuffer(s.bytes)
	}
	return c, err
}

// tenant is a document with a key of its own, and limits in nobody's way.
func tenant(id string, change ...func(*realtime.Tenant)) *realtime.Tenant {
	const much = 1 << 20
	t := &realtime.Tenant{
		ID:   id,
		Auth: realtime.Auth{Keys: []realtime.Key{{KID: id + "-1", Alg: "HS256", Secret: strings.Repeat(id, 16)}}},
		Limits: realtime.Limits{
			Connections: much, ConnectionsPerUser: much, ConnectsPerSecond: much, UserShare: 1, TenantShare: 1,
			SubscribesPerSecond: much, FramesPerSecond: much, BytesPerSecond: 1 << 30, PublishesPerSecond: much,
		},
	}
	for _, f := range change {
		f(t)
	}
	return t
}

// everything grants all channels for all actions.
func everything() realtime.Grants {
	all := []realtime.Pattern{"**"}
	return realtime.Grants{Subscribe: all, Publish: all, Presence: all}
}

// token returns a good one, for everything.
func token(t *testing.T, doc *realtime.Tenant, user string) string {
	t.Helper()
	signer, err := auth.NewSigner(doc)
	if err != nil {
		t.Fatal(err)
	}
	made, err := signer.Sign(auth.Claims{User: user, Grants: everything(), Expires: time.Now().Add(12 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (s *service) token(tenant, user string) string {
	s.t.Helper()
	doc, err := s.tenants.Tenant(context.Background(), tenant)
	if err != nil {
		s.t.Fatal(err)
	}
	return token(s.t, doc, user)
}

// connect opens a socket of a user and takes its welcome.
func (s *service) connect(t *testing.T, tenant, user string) *client {
	t.Helper()
	c, err := dial(t.Context(), s.addr, dialing{token: s.token(tenant, user)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	if f, err := c.next(); err != nil || f.Type != "welcome" {
		t.Fatalf("not welcomed but %+v, %v", f, err)
	}
	return c
}

func (c *client) subscribe(t *testing.T, channel string) {
	t.Helper()
	if err := c.say(`{"type":"subscribe","id":"s","channel":` + quote(channel) + `}`); err != nil {
		t.Fatal(err)
	}
	if f := c.answer(t, `"s"`); f.Type != "ok" {
		t.Fatalf("subscribing to %q: %+v", channel, f)
	}
}

// answered is what an HTTP request got.
type answered struct {
	Status int
	Body   string
	Code   realtime.Code
	Detail string
	Errors []struct {
		Index int
		Code  realtime.Code
	}
}

// do sends a request. path and all that is in it goes out as it is written.
func (s *service) do(method, path, token, contentType string, body io.Reader) (answered, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+s.addr, body)
	if err != nil {
		return answered{}, err
	}
	r.URL.Opaque = "//" + s.addr + path
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return s.send(r)
}

func (s *service) send(r *http.Request) (answered, error) {
	res, err := s.http.Do(r)
	if err != nil {
		return answered{}, err
	}
	defer res.Body.Close()
	a := answered{Status: res.StatusCode}
	text, err := io.ReadAll(res.Body)
	a.Body = string(text)
	if strings.HasSuffix(res.Header.Get("Content-Type"), "json") && err == nil {
		err = json.Unmarshal(text, &a)
	}
	return a, err
}

// post hands events to ingest.
func (s *service) post(tenant, token, body string) (answered, error) {
	return s.do(http.MethodPost, "/v1/tenants/"+tenant+"/events", token, "application/json", strings.NewReader(body))
}

// metric returns the value of a metric, 0 if there is none. labels are as Prometheus writes them.
func (s *service) metric(name, labels string) float64 {
	return metricIn(s.t, s.figures(), name+"{"+labels+"}")
}

func (s *service) figures() []byte {
	w := httptest.NewRecorder()
	s.page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.Bytes()
}

func metricIn(t *testing.T, text []byte, name string) float64 {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Errorf("%s: %v", lines.Text(), err)
			}
			return n
		}
	}
	return 0
}

// sumIn adds up a metric over its labels.
func sumIn(t *testing.T, text []byte, name string) (sum float64) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if labels, ok := strings.CutPrefix(lines.Text(), name+"{"); ok {
			sum += metricIn(t, text, name+"{"+labels[:strings.LastIndex(labels, " ")])
		}
	}
	return sum
}

// open is how many connections the gauge says are open.
func (s *service) open() int { return int(sumIn(s.t, s.figures(), "tidewire_connections")) }

// quote writes a string as JSON.
func quote(s string) string {
	b, _ := json.Marshal(s) // strings never fail
	return string(b)
}

func event(channel string, n int) string {
	return fmt.Sprintf(`{"channel":%s,"data":%d}`, quote(channel), n)
}
