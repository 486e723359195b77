package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
)

// anybody lets everybody in, as a user of the one tenant there is.
type anybody struct{ tenant *realtime.Tenant }

func (a anybody) Verify(context.Context, string) (*realtime.Principal, error) {
	return &realtime.Principal{Tenant: a.tenant.ID, User: "ann", Grants: realtime.Grants{Publish: []realtime.Pattern{"**"}}}, nil
}

func (a anybody) Tenant(context.Context, string) (*realtime.Tenant, error) { return a.tenant, nil }

// publisher calls itself for each batch.
type publisher func(pubs []realtime.Publication)

func (p publisher) Publish(_ context.Context, _ *realtime.Tenant, pubs []realtime.Publication) error {
	p(pubs)
	return nil
}

// FuzzBody sends any body in any form. What is answered 200 has been published whole and is
// fit to be a line of a stream; of anything else nothing was.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"channel":"board:7","data":1}`,
		`[{"channel":"board:7","key":"k","tags":{"a":"b"},"data":{"a":[1,2,{"b":"\u00e9\n"}]},"id":"x"},{}]`,
		"{\"channel\":\"board:7\",\"data\":1}\n\n{\"channel\":\"board:7\",\"data\":\"x\"}\n",
		`{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"board:7","data":{"a":1},"level":1,"live":true}`,
		`[{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"board:7","data_base64":"AA==","datacontenttype":"text/plain"}]`,
		`{"data_base64":1,"":2}`, `[`, `{"a":`, "\xff", `"\ud800"`, ` `, `[[[[]]]]`, `{"\u0064ata":1,"channel":"a"}`,
	} {
		for form := range byte(6) {
			f.Add(form, []byte(body))
		}
	}
	forms := []struct {
		contentType string
		binary      bool
	}{
		{"application/json", false}, {"application/x-ndjson", false}, {"application/cloudevents+json", false},
		{"application/cloudevents-batch+json", false}, {"application/json", true}, {"text/plain", true},
	}
	f.Fuzz(func(t *testing.T, form byte, body []byte) {
		all := anybody{&realtime.Tenant{ID: "acme", Limits: realtime.Limits{BatchEvents: 50, MessageBytes: 4096}}}
		published := -1
		h := ingest.New(ingest.Options{Verifier: all, Tenants: all, Publisher: publisher(func(pubs []realtime.Publication) {
			published = len(pubs)
			for i := range pubs {
				checkPublished(t, &pubs[i])
			}
		})})
		chosen := forms[int(form)%len(forms)]
		r := httptest.NewRequest(http.MethodPost, "/v1/tenants/acme/events", bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", chosen.contentType)
		if chosen.binary {
			for name, value := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/s", "Ce-Type": "t", "Ce-Subject": "board:7"} {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var a struct {
			Accepted int
			Results  []struct{ ID string }
			Status   int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("the answer is not JSON: %v\n%s", err, w.Body)
		}
		switch {
		case w.Code == 200 && (a.Accepted != published || len(a.Results) != published || published < 1):
			t.Errorf("%d were published, the answer is %s", published, w.Body)
		case w.Code != 200 && (published >= 0 || a.Status != w.Code || w.Code >= 500):
			t.Errorf("status %d, %d were published, the answer is %s", w.Code, published, w.Body)
		}
	})
}

func checkPublished(t *testing.T, p *realtime.Publication) {
	t.Helper()
	if err := p.Check(); err != nil {
		t.Errorf("a bad event was published: %v", err)
	}
	if p.Channel.Tenant() != "acme" {
		t.Errorf("an event of tenant %q was published", p.Channel.Tenant())
	}
	if !json.Valid(p.Data) || len(p.Data) > 4096 || bytes.ContainsAny(p.Data, "\r\n") {
		t.Errorf("the data is no JSON in one line: %q", p.Data)
	}
}
