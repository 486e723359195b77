package acceptance

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// names are those with which acme might reach for globex's channel prices:fx. What is a
// good name is acme's own channel of that name, and nothing else; what is not is refused.
var names = []struct {
	what, name string
	good       bool
}{
	{"the very name", "prices:fx", true},
	{"tenant before a slash", "globex/prices:fx", true},
	{"own tenant before a slash", "acme/prices:fx", true},
	{"upper case tenant", "GLOBEX/prices:fx", true},
	{"tenant as a namespace", "globex:prices:fx", true},
	{"absolute", "/globex/prices:fx", true},
	{"up and over", "../globex/prices:fx", true},
	{"dots behind", "prices:fx/../../globex/prices:fx", true},
	{"topic", "tw-globex:prices:fx", true},
	{"document", "tenants/globex/channels/prices:fx", true},
	{"home", "~globex/prices:fx", true},
	{"address", "prices:fx@globex", true},
	{"upper case", "PRICES:FX", true},
	{"as long as may be", "globex/" + strings.Repeat("x", 193), true},
	{"percent slash", "globex%2fprices:fx", false},
	{"percent up", "..%2fglobex%2fprices:fx", false},
	{"percent percent", "globex%252fprices:fx", false},
	{"backslash", `globex\prices:fx`, false},
	{"NUL behind", "prices:fx\x00", false},
	{"NUL between", "globex\x00prices:fx", false},
	{"line feed", "prices:fx\n", false},
	{"CR LF and a header", "prices:fx\r\nX-Tenant: globex", false},
	{"space before", " prices:fx", false},
	{"space behind", "prices:fx ", false},
	{"one star", "*", false},
	{"two stars", "**", false},
	{"star segment", "prices:*", false},
	{"user", "{user}", false},
	{"group", "{group}:fx", false},
	{"tenant in braces", "{tenant}/prices:fx", false},
	{"Cyrillic letter", "\u0440rices:fx", false},
	{"Cyrillic tenant", "gl\u043ebex/prices:fx", false},
	{"full-width colon", "prices\uff1afx", false},
	{"full-width letters", "prices:\uff46\uff58", false},
	{"fraction slash", "globex\u2044prices:fx", false},
	{"zero width", "prices:fx\u200b", false},
	{"right to left", "\u202eprices:fx", false},
	{"combining", "prices\u0301:fx", false},
	{"empty", "", false},
	{"empty segment", "globex::prices:fx", false},
	{"colon before", ":prices:fx", false},
	{"one byte too long", strings.Repeat("x", 201), false},
	{"very long", strings.Repeat("globex/", 1500), false},
	{"SQL", "prices:fx' OR '1'='1", false},
}

// intruder is a client of acme that holds a good token for everything of acme's, and
// keeps what it hears by any door.
type intruder struct {
	*client
	s     *service
	token string
	heard strings.Builder
}

// ask sends a frame and returns its answer's code, "" for ok.
func (i *intruder) ask(t *testing.T, frame string) realtime.Code {
	t.Helper()
	if err := i.say(frame); err != nil {
		t.Fatal(err)
	}
	f := i.until(t, "an answer", func(f wire.ServerFrame) bool {
		text, _ := json.Marshal(f)
		i.heard.Write(text)
		return string(f.ID) == `"q"`
	})
	return f.Code
}

// stream opens Server-Sent Events and returns the status, and what comes until ctx ends.
func (s *service) stream(ctx context.Context, query, token, lastID string) (status int, heard func() string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/v1/events?"+query, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := s.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	text := make(chan string, 1)
	go func() {
		var b strings.Builder
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			b.WriteString(lines.Text() + "\n")
		}
		_ = res.Body.Close()
		text <- b.String()
	}()
	return res.StatusCode, func() string { return <-text }, nil
}

// A tenant sees nothing of another and changes nothing of it, by any door and any name.
func TestNoNameReachesAnotherTenant(t *testing.T) {
	t.Parallel()
	s := start(t, setup{
		tenants: []*realtime.Tenant{tenant("acme"), tenant("globex")},
		gateway: gateway.Options{Hooks: gateway.HookFuncs{
			// A program that trusts its client's words still gets a channel of its client's tenant.
			OnCall: func(_ context.Context, c *gateway.Client, route string, data json.RawMessage) (any, error) {
				var asked struct{ Tenant, Channel string }
				if err := json.Unmarshal(data, &asked); err != nil {
					return nil, err
				}
				ch, err := realtime.NewChannel(c.Principal.Tenant, asked.Channel)
				return ch.Tenant(), err
			},
		}},
	})
	// globex has a secret stream, and a reader that nobody else may know of.
	theirs := s.connect(t, "globex", "hidden-reader")
	theirs.subscribe(t, "prices:fx")
	theirWriter := s.token("globex", "writer")
	secrets := 0
	tell := func(id string) {
		t.Helper()
		secrets++
		a, err := s.post("globex", theirWriter, fmt.Sprintf(`{"channel":"prices:fx","key":"k","tags":{"t":"secret-tag"},"data":"secret-%d","id":"%s-%d"}`, secrets, id, secrets))
		if err != nil || a.Status != 200 {
			t.Fatalf("%v %+v", err, a)
		}
	}
	tell("stolen") // its Position is, and an answer may repeat what it was asked
	stolen := theirs.until(t, "the secret", func(f wire.ServerFrame) bool { return f.Type == "message" }).Position

	us := &intruder{client: s.connect(t, "acme", "eve"), s: s, token: s.token("acme", "eve")}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var streams []func() string
	for _, n := range names {
		want, wantStatus := realtime.CodeBadRequest, http.StatusBadRequest
		if n.good {
			want, wantStatus = "", http.StatusOK
		}
		check := func(door string, got, want any) {
			t.Helper()
			if got != want {
				t.Errorf("%s, %s: answered %v, want %v", n.what, door, got, want)
			}
		}
		name := quote(n.name)
		check("subscribe with a stolen position", us.ask(t, `{"type":"subscribe","id":"q","channel":`+name+`,"since":`+quote(stolen)+`}`), want)
		check("presence", us.ask(t, `{"type":"presence","id":"q","channel":`+name+`}`), want)
		check("publish", us.ask(t, `{"type":"publish","id":"q","channel":`+name+`,"data":"forged","event":"forged-`+n.what+`"}`), want)
		check("call", us.ask(t, `{"type":"call","id":"q","route":"x","data":{"tenant":"globex","channel":`+name+`}}`), want)
		tell("secret")
		if n.good {
			check("unsubscribe", us.ask(t, `{"type":"unsubscribe","id":"q","channel":`+name+`}`), want)
		}
		status, heard, err := s.stream(ctx, url.Values{"channel": {n.name}}.Encode(), us.token, "")
		if err != nil {
			t.Fatalf("%s: %v", n.what, err)
		}
		check("events", status, wantStatus)
		streams = append(streams, heard)
		a, err := s.post("acme", us.token, `{"channel":`+name+`,"data":"forged"}`)
		if err != nil {
			t.Fatal(err)
		}
		check("ingest", a.Status, wantStatus)
		us.heard.WriteString(a.Body)
		tell("secret")
	}
	// All that is under way has come once globex has its last, and acme its own.
	last := fmt.Sprintf("%q", fmt.Sprintf("secret-%d", secrets))
	for n := 2; ; n++ {
		f := theirs.until(t, "the next secret", func(f wire.ServerFrame) bool { return f.Type == "message" })
		if want := fmt.Sprintf(`"secret-%d"`, n); string(f.Data) != want {
			t.Fatalf("globex was given %s in the place of %s", f.Data, want)
		}
		if string(f.Data) == last {
			break
		}
	}
	us.ask(t, `{"type":"ping","id":"q"}`)
	<-time.After(100 * time.Millisecond) // nothing is awaited: what must not come has time to
	us.ask(t, `{"type":"ping","id":"q"}`)
	leave()
	for i, heard := range streams {
		us.heard.WriteString(heard())
		if names[i].good && !strings.Contains(us.heard.String(), "welcome") {
			t.Errorf("%s: the stream was not even welcomed", names[i].what)
		}
	}
	for _, word := range []string{"secret", "hidden-reader", "writer"} {
		if at := strings.Index(us.heard.String(), word); at >= 0 {
			t.Errorf("acme heard %q: ...%.200s", word, us.heard.String()[max(0, at-100):])
		}
	}
	if !strings.Contains(us.heard.String(), "forged") {
		t.Error("acme did not even hear itself")
	}
}

// The id of an event that another tenant's page was given is worth nothing.
func TestStolenEventIDs(t *testing.T) {
	t.Parallel()
	s := start(t, setup{tenants: []*realtime.Tenant{tenant("acme"), tenant("globex")}})
	theirToken := s.token("globex", "ann")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	_, theirs, err := s.stream(ctx, "channel=prices:fx", theirToken, "")
	if err != nil {
		t.Fatal(err)
	}
	s.connect(t, "globex", "keeper").subscribe(t, "prices:fx")
	for _, data := range []string{"first", "secret"} {
		if a, err := s.post("globex", theirToken, `{"channel":"prices:fx","data":"`+data+`"}`); err != nil || a.Status != 200 {
			t.Fatalf("%v %+v", err, a)
		}
	}
	<-time.After(100 * time.Millisecond)
	leave()
	var ids []string
	for line := range strings.Lines(theirs()) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			ids = append(ids, strings.TrimSpace(id))
		}
	}
	if len(ids) < 3 {
		t.Fatalf("globex's page was given the ids %q", ids)
	}
	for _, id := range ids {
		ctx, leave := context.WithCancel(t.Context())
		status, heard, err := s.stream(ctx, "channel=prices:fx", s.token("acme", "eve"), id)
		if err != nil || status != 200 {
			t.Fatal(status, err)
		}
		<-time.After(50 * time.Millisecond)
		leave()
		if text := heard(); strings.Contains(text, "secret") || strings.Contains(text, `"message"`) || !strings.Contains(text, "welcome") {
			t.Errorf("with the id of another tenant's event: %s", text)
		}
	}
}
