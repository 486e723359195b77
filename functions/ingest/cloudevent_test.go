package ingest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	ce "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/intake"
)

// quote is an event of the SDK's with everything an event can have.
func quote(t testing.TB) ce.Event {
	t.Helper()
	e := ce.New()
	e.SetID("17")
	e.SetSource("https://acme.example/desks/eu")
	e.SetType("com.acme.quote")
	e.SetSubject("prices:fx")
	e.SetTime(time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC))
	e.SetDataSchema("https://acme.example/quote.json")
	e.SetExtension("partitionkey", "EURUSD")
	e.SetExtension("desk", "eu")
	e.SetExtension("level", 3)
	e.SetExtension("live", true)
	if err := e.SetData(ce.ApplicationJSON, map[string]any{"bid": 1.08}); err != nil {
		t.Fatal(err)
	}
	return e
}

// Requests made by the SDK's own client: our reading of the specification
// against theirs, in each mode.
func TestCloudEventsOfTheSDK(t *testing.T) {
	t.Parallel()
	want := event{
		Channel: "prices:fx", Key: "EURUSD", Data: `{"bid":1.08}`,
		ID:   intake.EventID("https://acme.example/desks/eu", "17"),
		Tags: map[string]string{"desk": "eu", "level": "3", "live": "true"},
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, url string) (*http.Request, error)
		want []event
	}{
		{"binary", func(t *testing.T, url string) (*http.Request, error) {
			return cehttp.NewHTTPRequestFromEvent(t.Context(), url, quote(t))
		}, []event{want}},
		{"structured", func(t *testing.T, url string) (*http.Request, error) {
			e := quote(t)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
			if err != nil {
				return nil, err
			}
			return r, cehttp.WriteRequest(binding.WithForceStructured(t.Context()), (*binding.EventMessage)(&e), r)
		}, []event{want}},
		{"batch", func(t *testing.T, url string) (*http.Request, error) {
			return cehttp.NewHTTPRequestFromEvents(t.Context(), url, []ce.Event{quote(t), quote(t)})
		}, []event{want, want}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			r, err := c.make(t, d.URL+"/v1/tenants/acme/events")
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+d.token(t, "acme", "prices:*"))
			a := d.do(t, r)
			if diff := cmp.Diff(c.want, events(d.tap.taken())); diff != "" {
				t.Errorf("status %d: %s\n%s", a.Status, a.Raw, diff)
			}
		})
	}
}

func TestCloudEventData(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, members, want string
	}{
		{"none", ``, `null`},
		{"null", `,"data":null,"data_base64":null`, `null`},
		{"JSON", `,"data": { "a" : [ 1 ] }`, `{"a":[1]}`},
		{"JSON by suffix", `,"datacontenttype":"application/vnd.acme+json; v=1","data":{"a":1}`, `{"a":1}`},
		{"a string", `,"data":"x"`, `"x"`},
		{"text", `,"datacontenttype":"text/plain","data":"a \"b\""`, `"a \"b\""`},
		{"JSON as base64", `,"data_base64":"eyJhIjogMX0="`, `{"a":1}`},
		{"text as base64", `,"datacontenttype":"text/csv","data_base64":"YSxiCg=="`, `"a,b\n"`},
		{"bytes", `,"datacontenttype":"image/png","data_base64":"iVBORw=="`, `"iVBORw=="`},
		{"data before its type", `,"data":"<a/>","datacontenttype":"application/xml"`, `"<a/>"`},
	} {
		t.Run("structured, "+c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			a := d.post(t, "application/cloudevents+json; charset=utf-8", `{"source":"/s"`+c.members+`,"id":"1","type":"t","subject":"board:7","specversion":"1.0"}`)
			checkData(t, d, a, c.want)
		})
	}
	for _, c := range []struct {
		name, contentType, body, want string
	}{
		{"none", "", "", `null`},
		{"JSON", "application/json", "{ }\n", `{}`},
		{"no type", "", "[1, 2]", `[1,2]`},
		{"text", "text/plain", "a \"b\"\n", `"a \"b\"\n"`},
		{"bytes", "application/octet-stream", "\x00\xff", `"AP8="`},
	} {
		t.Run("binary, "+c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			a := d.do(t, binaryRequest(t, d, c.contentType, c.body))
			checkData(t, d, a, c.want)
		})
	}
}

func binaryRequest(t testing.TB, d *door, contentType, body string) *http.Request {
	t.Helper()
	r := d.request(t, contentType, strings.NewReader(body))
	for name, value := range map[string]string{"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "board:7"} {
		r.Header.Set("Ce-"+name, value)
	}
	return r
}

func checkData(t *testing.T, d *door, a answer, want string) {
	t.Helper()
	pubs := d.tap.taken()
	if a.Status != 200 || len(pubs) != 1 {
		t.Fatalf("status %d, %d published: %s", a.Status, len(pubs), a.Raw)
	}
	if got := string(pubs[0].Data); got != want {
		t.Errorf("the data is %s, want %s", got, want)
	}
}

func TestBinaryHeaders(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, c := range []struct {
		name   string
		header map[string][]string
		status int
		tags   map[string]string
	}{
		{"percent-encoded", map[string][]string{"Ce-Desk": {"K%C3%B6ln%20%22a%22 100%25"}}, 200, map[string]string{"desk": `Köln "a" 100%`}},
		{"a bad escape", map[string][]string{"Ce-Desk": {"100%"}}, 400, nil},
		{"an escape that is no text", map[string][]string{"Ce-Desk": {"%FF"}}, 400, nil},
		{"twice", map[string][]string{"Ce-Desk": {"a", "b"}}, 400, nil},
		{"a bad name", map[string][]string{"Ce-My-Desk": {"a"}}, 400, nil},
		{"another version", map[string][]string{"Ce-Specversion": {"0.3"}}, 400, nil},
		{"a source that is no URI", map[string][]string{"Ce-Source": {"http://%5B"}}, 400, nil},
	} {
		r := binaryRequest(t, d, "application/json", "{}")
		for name, values := range c.header {
			r.Header[name] = values
		}
		a := d.do(t, r)
		pubs := events(d.tap.taken())
		if a.Status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, a.Status, c.status, a.Raw)
			continue
		}
		if c.status != 200 {
			continue
		}
		if diff := cmp.Diff(c.tags, pubs[0].Tags); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// A producer that is not sure sends again: the ID has to be the same, in
// whichever mode, and another one for another source.
func TestCloudEventIDs(t *testing.T) {
	t.Parallel()
	d := open(t)
	e := quote(t)
	whole, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	d.do(t, d.request(t, "application/cloudevents+json", bytes.NewReader(whole)))
	d.do(t, d.request(t, "application/cloudevents-batch+json", strings.NewReader("["+string(whole)+"]")))
	e.SetSource("https://acme.example/desks/us")
	if whole, err = json.Marshal(e); err != nil {
		t.Fatal(err)
	}
	d.do(t, d.request(t, "application/cloudevents+json", bytes.NewReader(whole)))
	pubs := d.tap.taken()
	if len(pubs) != 3 || pubs[0].ID != pubs[1].ID || pubs[0].ID == pubs[2].ID || len(pubs[0].ID) != 22 {
		t.Errorf("published %+v, want three with IDs of 22 characters, of which the first two are one", events(pubs))
	}
	if intake.EventID("a", "bc") == intake.EventID("ab", "c") {
		t.Error("two events of different sources have one ID")
	}
}
