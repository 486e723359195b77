package ingest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/publish"
)

func TestBadBodies(t *testing.T) {
	t.Parallel()
	const plain, lines, structured, batch = "application/json", "application/x-ndjson", "application/cloudevents+json", "application/cloudevents-batch+json"
	valid := `{"channel":"board:7","data":1}`
	ce := func(members string) string {
		return `{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"board:7"` + members + `}`
	}
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		detail                  string   // in the document
		errors                  []string // "<index> <code> <part of the detail>"
	}{
		{"empty", plain, "", 400, "unexpected end of JSON input", nil},
		{"truncated", plain, "{\"channel\":\n\"board:7\",\"da", 400, "at line 2, byte 13", nil},
		{"two values", plain, valid + valid, 400, "at line 1, byte 31", nil},
		{"binary", plain, "\x00\xff\x1b", 400, "not UTF-8", nil},
		{"a NUL", plain, "\x00", 400, `invalid character '\x00'`, nil},
		{"not UTF-8", plain, "{\"channel\":\"board:7\",\"data\":\"\xff\"}", 400, "not UTF-8", nil},
		{"huge and deep", plain, strings.Repeat("[", 1<<20), 400, "the text is not JSON", nil},
		{"deep data", plain, `{"channel":"board:7","data":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", 400, "nested deeper than", nil},
		{"a number", plain, "17", 400, "an event must be a JSON object", nil},
		{"no events", plain, " [ ] ", 400, "the body contains no event", nil},
		{"no lines", lines, "\n\n", 400, "the body contains no event", nil},
		{"unknown field", plain, `{"channel":"board:7","data":1,"chanel":"x"}`, 400, `"chanel": unknown field`, nil},
		{"field in another case", plain, `{"Channel":"board:7","data":1}`, 400, `"Channel": unknown field`, nil},
		{"field twice", plain, `{"channel":"board:7","data":1,"data":2}`, 400, "data: appears twice", nil},
		{"tag twice", plain, `{"channel":"board:7","data":1,"tags":{"a":"1","\u0061":"2"}}`, 400, `tags: "a" appears twice`, nil},
		{"no channel", plain, `{"data":1}`, 400, "channel: is missing", nil},
		{"bad channel", plain, `{"channel":"board::7","data":1}`, 400, "channel: ", nil},
		{"another tenant's channel", plain, `{"channel":"globex/board:7","data":1}`, 403, "no grant", nil},
		{"no data", plain, `{"channel":"board:7"}`, 400, "data: is missing", nil},
		{"channel of a wrong type", plain, `{"channel":["board:7"],"data":1}`, 400, "channel: must be a string", nil},
		{"id of a wrong type", plain, `{"channel":"board:7","data":1,"id":7}`, 400, "id: must be a string", nil},
		{"key of a wrong type", plain, `{"channel":"board:7","data":1,"key":{}}`, 400, "key: must be a string", nil},
		{"tags of a wrong type", plain, `{"channel":"board:7","data":1,"tags":[]}`, 400, "tags: must be an object", nil},
		{"a tag of a wrong type", plain, `{"channel":"board:7","data":1,"tags":{"n":1}}`, 400, `tags: "n" must be a string`, nil},
		{"a long id", plain, `{"channel":"board:7","data":1,"id":"` + strings.Repeat("x", 201) + `"}`, 400, "id: must be at most 200 bytes, got 201", nil},
		{"a control character", plain, `{"channel":"board:7","data":1,"id":"a\u0000"}`, 400, "id: contains a control character", nil},
		{"too much data", plain, `{"channel":"board:7","data":"` + strings.Repeat("x", 199) + `"}`, 413, "must be at most 200 bytes (limits.messageBytes)", nil},
		{"no grant", plain, `{"channel":"secret","data":1}`, 403, `no grant to publish to "secret"`, nil},
		{"too many events", plain, "[" + strings.Repeat(valid+",", 5) + valid + "]", 413, "limits.batchEvents: must be at most 5", nil},
		{"too many lines", lines, strings.Repeat(valid+"\n", 6), 413, "limits.batchEvents", nil},
		{
			"one bad event", plain, `[` + valid + `,{"channel":"board:7"},` + valid + `]`, 400, "1 of 3 events were refused",
			[]string{"1 bad-request data: is missing"},
		},
		{
			"only grants", plain, `[{"channel":"a","data":1},` + valid + `,{"channel":"b","data":1}]`, 403, "2 of 3 events",
			[]string{`0 forbidden "a"`, `2 forbidden "b"`},
		},
		{
			"faults of all kinds", plain, `[7,{"channel":"a","data":1},{"channel":"board:7","data":"` + strings.Repeat("x", 200) + `"}]`, 400, "3 of 3 events",
			[]string{"0 bad-request an event must be a JSON object", "1 forbidden", "2 too-large data: must be at most"},
		},
		{
			"lines that are not JSON", lines, valid + "\n{\n\n{\"channel\":1}\n" + valid + "}\n", 400, "3 of 4 events",
			[]string{"1 bad-request at line 2, byte 1", "2 bad-request channel: must be a string", "3 bad-request at line 5, byte 31"},
		},
		{"a CloudEvent that is no object", structured, "[]", 400, "a CloudEvent must be a JSON object", nil},
		{"a batch that is no array", batch, ce(""), 400, "a JSON array", nil},
		{"a CloudEvent without anything", structured, "{}", 400, "specversion: ", nil},
		{"another version", structured, `{"specversion":"0.3","id":"1","source":"/s","type":"t","subject":"board:7"}`, 400, `specversion: must be 1.0, got "0.3"`, nil},
		{"required attributes", structured, `{"specversion":"1.0","subject":"board:7"}`, 400, "id: MUST be a non-empty string; source: REQUIRED; type: MUST", nil},
		{"no subject", structured, `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`, 400, "subject: is missing", nil},
		{"attribute twice", structured, ce(`,"id":"2"`), 400, `"id": appears twice`, nil},
		{"attribute of a wrong type", structured, `{"specversion":"1.0","id":1,"source":"/s","type":"t","subject":"board:7"}`, 400, "id: must be a string", nil},
		{"extension of a wrong type", structured, ce(`,"level":{}`), 400, `"level": must be a string, a boolean or a 32-bit integer`, nil},
		{"extension that is a fraction", structured, ce(`,"level":1.5`), 400, `"level": must be`, nil},
		{"extension that is too great", structured, ce(`,"level":3000000000`), 400, `"level": must be`, nil},
		{"attribute in upper case", structured, ce(`,"Level":"x"`), 400, "in lower case", nil},
		{"attribute without a name", structured, ce(`,"":"x"`), 400, "extension:", nil},
		{"bad time", structured, ce(`,"time":"yesterday"`), 400, "time: ", nil},
		{"data twice", structured, ce(`,"data":1,"data_base64":"AA=="`), 400, "together with data_base64", nil},
		{"base64 that is no string", structured, ce(`,"data_base64":1`), 400, "data_base64: must be a string", nil},
		{"bad base64", structured, ce(`,"data_base64":"*"`), 400, "data_base64: illegal", nil},
		{"base64 of what is not JSON", structured, ce(`,"data_base64":"ew=="`), 400, "data: is not valid JSON", nil},
		{"text that is no string", structured, ce(`,"datacontenttype":"text/plain","data":1`), 400, "data: must be a string", nil},
		{
			"a batch with a bad one", batch, "[" + ce("") + "," + ce(`,"data_base64":1`) + "]", 400, "1 of 2 events",
			[]string{"1 bad-request data_base64"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			a := d.post(t, c.contentType, c.body)
			if a.Status != c.status || !strings.Contains(a.Detail, c.detail) {
				t.Errorf("status %d, %q; want %d, %q", a.Status, a.Detail, c.status, c.detail)
			}
			if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type is %q", got)
			}
			if len(a.Errors) != len(c.errors) {
				t.Fatalf("the document lists %d bad events, want %d: %s", len(a.Errors), len(c.errors), a.Raw)
			}
			for i, e := range a.Errors {
				start := fmt.Sprintf("%d %s", e.Index, e.Code)
				if rest, ok := strings.CutPrefix(c.errors[i], start); !ok || !strings.Contains(e.Detail, strings.TrimSpace(rest)) {
					t.Errorf("bad event %q, %q; want %q", start, e.Detail, c.errors[i])
				}
			}
			if pubs := d.tap.taken(); len(pubs) > 0 {
				t.Errorf("%d events of a refused request were published", len(pubs))
			}
		})
	}
}

func TestLongListOfBadEventsIsBounded(t *testing.T) {
	t.Parallel()
	d := open(t)
	r := d.request(t, "application/json", strings.NewReader("["+strings.Repeat("{},", 999)+"{}]"))
	r.URL.Path = "/v1/tenants/globex/events"
	r.Header.Set("Authorization", "Bearer "+d.token(t, "globex", "**"))
	if a := d.do(t, r); a.Status != 400 || len(a.Errors) != 100 || !strings.Contains(a.Detail, "1000 of 1000") {
		t.Errorf("status %d, %d errors, %q; want 400 and 100 of 1000", a.Status, len(a.Errors), a.Detail)
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	d := open(t)
	foreign, closed := d.token(t, "globex", "**"), d.token(t, "closed", "**")
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		code   realtime.Code
		header string // that has to be in the answer
	}{
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, 405, realtime.CodeBadRequest, "Allow"},
		{"HEAD", func(r *http.Request) { r.Method = http.MethodHead }, 405, "", "Allow"},
		{"OPTIONS", func(r *http.Request) { r.Method = http.MethodOptions }, 405, realtime.CodeBadRequest, "Allow"},
		{"another path", func(r *http.Request) { r.URL.Path += "/" }, 404, realtime.CodeNotFound, ""},
		{"the root", func(r *http.Request) { r.URL.Path = "/" }, 404, realtime.CodeNotFound, ""},
		{"a bad tenant", func(r *http.Request) { r.URL.Path = "/v1/tenants/ACME/events" }, 404, realtime.CodeNotFound, ""},
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, 401, realtime.CodeUnauthorized, "WWW-Authenticate"},
		{"an empty token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401, realtime.CodeUnauthorized, "WWW-Authenticate"},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Basic YTpi") }, 401, realtime.CodeUnauthorized, "WWW-Authenticate"},
		{"two tokens", func(r *http.Request) { r.Header.Add("Authorization", "Bearer x") }, 401, realtime.CodeUnauthorized, "WWW-Authenticate"},
		{"a bad token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer a.b.c") }, 401, realtime.CodeUnauthorized, "WWW-Authenticate"},
		{"another tenant's token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+foreign) }, 403, realtime.CodeForbidden, ""},
		{"a tenant nobody has", func(r *http.Request) { r.URL.Path = "/v1/tenants/nobody/events" }, 403, realtime.CodeForbidden, ""},
		{"a suspended tenant", func(r *http.Request) {
			r.URL.Path = "/v1/tenants/closed/events"
			r.Header.Set("Authorization", "Bearer "+closed)
		}, 403, realtime.CodeSuspended, ""},
		{"a form", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415, realtime.CodeBadRequest, "Accept"},
		{"no type", func(r *http.Request) { r.Header.Del("Content-Type") }, 415, realtime.CodeBadRequest, "Accept"},
		{"a bad type", func(r *http.Request) { r.Header.Set("Content-Type", "/;;") }, 415, realtime.CodeBadRequest, "Accept"},
		{"a coding not served", func(r *http.Request) { r.Header.Set("Content-Encoding", "br") }, 415, realtime.CodeBadRequest, "Accept-Encoding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := d.request(t, "application/json", strings.NewReader(`{"channel":"board:7","data":1}`))
			c.change(r)
			a := d.do(t, r)
			if a.Status != c.status || a.Code != c.code {
				t.Errorf("status %d, code %q; want %d, %q: %s", a.Status, a.Code, c.status, c.code, a.Raw)
			}
			if c.header != "" && a.Header.Get(c.header) == "" {
				t.Errorf("%s is not set", c.header)
			}
		})
	}
}

// What a stranger can see must not tell which tenants there are.
func TestTenantsCannotBeProbed(t *testing.T) {
	t.Parallel()
	d := open(t)
	ask := func(tenant, token string) answer {
		r := d.request(t, "application/json", strings.NewReader(`{}`))
		r.URL.Path = "/v1/tenants/" + tenant + "/events"
		r.Header.Set("Authorization", "Bearer "+token)
		return d.do(t, r)
	}
	for name, token := range map[string]string{"a token of another tenant": d.token(t, "globex", "**"), "a bad token": "a.b.c"} {
		there, not := ask("acme", token), ask("nobody", token)
		if there.Status != not.Status || there.Raw != not.Raw {
			t.Errorf("%s: a tenant that exists answers %d %s, one that does not %d %s", name, there.Status, there.Raw, not.Status, not.Raw)
		}
	}
}

func TestPublishErrors(t *testing.T) {
	t.Parallel()
	two := `[{"channel":"board:7","data":1},{"channel":"board:7","data":2}]`
	down := &realtime.Error{Code: realtime.CodeUnavailable, Message: "the broker is away", Err: fmt.Errorf("dial 10.1.2.3")}
	for _, c := range []struct {
		name   string
		err    error
		status int
		retry  string
		errors int
	}{
		{"the broker is away", &publish.Error{Of: 2, Failed: []publish.Failed{{Index: 1, Err: down}}}, 503, "1", 1},
		{"there is no topic", &publish.Error{Of: 2, Failed: []publish.Failed{{Index: 0, Err: realtime.Errorf(realtime.CodeNotFound, "no such topic")}}}, 500, "", 1},
		{"a fault", fmt.Errorf("secret: 10.1.2.3"), 500, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			d.tap.fail = c.err
			a := d.post(t, "application/json", two)
			if a.Status != c.status || a.Header.Get("Retry-After") != c.retry || len(a.Errors) != c.errors {
				t.Errorf("status %d, Retry-After %q, %d errors: %s", a.Status, a.Header.Get("Retry-After"), len(a.Errors), a.Raw)
			}
			if strings.Contains(a.Raw, "10.1.2.3") {
				t.Errorf("the answer shows the cause: %s", a.Raw)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	d := open(t)
	r := func() *http.Request {
		r := d.request(t, "application/json", strings.NewReader(`[{"channel":"board:7","data":1},{"channel":"board:7","data":2},{"channel":"board:7","data":3}]`))
		r.URL.Path = "/v1/tenants/globex/events"
		r.Header.Set("Authorization", "Bearer "+d.token(t, "globex", "**"))
		return r
	}
	if a := d.do(t, r()); a.Status != 200 {
		t.Fatalf("a batch larger than the bucket is refused though that is full: %s", a.Raw)
	}
	a := d.do(t, r())
	if a.Status != 429 || a.Limit != "publishesPerSecond" || a.Header.Get("Retry-After") != "3" {
		t.Errorf("status %d, limit %q, Retry-After %q; want 429, publishesPerSecond, 3", a.Status, a.Limit, a.Header.Get("Retry-After"))
	}
}

func TestBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	d := open(t, func(o *ingest.Options) { o.MaxBody = 1000 })
	long := strings.Repeat(" ", 1001)
	for name, r := range map[string]*http.Request{
		"of a stated length": d.request(t, "application/json", strings.NewReader(long)),
		"of unknown length":  d.request(t, "application/json", struct{ *strings.Reader }{strings.NewReader(long)}),
	} {
		if a := d.do(t, r); a.Status != 413 || !strings.Contains(a.Detail, "at most 1000 bytes") {
			t.Errorf("%s: status %d: %s", name, a.Status, a.Raw)
		}
	}
	if a := d.post(t, "application/json", `{"channel":"board:7","data":1}`+strings.Repeat(" ", 970)); a.Status != 200 {
		t.Errorf("a body of just the limit: status %d: %s", a.Status, a.Raw)
	}
}
