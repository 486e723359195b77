package ingest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
)

// small is an event of about 200 bytes, as a price is.
var small = `{"channel":"prices:fx","key":"EURUSD","id":"q-1234567","data":{"bid":1.08412,"ask":1.08415,"time":1760000000123,"note":"` + strings.Repeat("x", 100) + `"}}`

// sink is a response nobody reads.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

func (s *sink) SetReadDeadline(time.Time) error { return nil }

// BenchmarkHandler is what an event costs besides HTTP, token and broker.
func BenchmarkHandler(b *testing.B) {
	all := anybody{&realtime.Tenant{ID: "acme"}}
	h := ingest.New(ingest.Options{Verifier: all, Tenants: all, Publisher: publisher(func([]realtime.Publication) {})})
	for _, c := range []struct{ name, contentType, body string }{
		{"one", "application/json", small},
		{"array of 100", "application/json", "[" + strings.Repeat(small+",", 99) + small + "]"},
		{"100 lines", "application/x-ndjson", strings.Repeat(small+"\n", 100)},
		{"one CloudEvent", "application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"prices:fx","partitionkey":"EURUSD","data":{"bid":1.08412}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := strings.NewReader(c.body)
			r := httptest.NewRequest(http.MethodPost, "/v1/tenants/acme/events", io.NopCloser(body))
			r.ContentLength = int64(len(c.body))
			r.Header.Set("Authorization", "Bearer x")
			r.Header.Set("Content-Type", c.contentType)
			w := &sink{http.Header{}}
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(c.body)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkRequest is the same over a kept-alive connection, beside a handler that only
// reads the body and answers: the ratio is what the door adds.
func BenchmarkRequest(b *testing.B) {
	d := open(b, func(o *ingest.Options) {
		o.Publisher = publisher(func([]realtime.Publication) {})
	})
	busy := *d.document(b, "acme")
	busy.Limits = realtime.Limits{PublishesPerSecond: 1_000_000}
	if _, err := d.tenants.Put(b.Context(), &busy); err != nil {
		b.Fatal(err)
	}
	raw := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		_, _ = w.Write([]byte("{}"))
	}))
	defer raw.Close()
	token := d.token(b, "acme", "**")
	for _, c := range []struct{ name, url string }{{"raw", raw.URL}, {"ingest", d.URL + "/v1/tenants/acme/events"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, c.url, strings.NewReader(small))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+token)
				r.Header.Set("Content-Type", "application/json")
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
					b.Fatal(res.Status, err)
				}
				_ = res.Body.Close()
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}
