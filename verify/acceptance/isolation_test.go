package acceptance

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

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
	s        *service
	token    string
	heard    strings.Builder
	streams  []*stream
	channels []string // that it has subscribed to
}

func (i *intruder) note(f wire.ServerFrame) {
	text, _ := json.Marshal(f) // what was JSON is
	i.heard.Write(text)
}

// ask sends a frame and returns its answer's code, "" for ok.
func (i *intruder) ask(t *testing.T, frame string) realtime.Code {
	t.Helper()
	if err := i.say(frame); err != nil {
		t.Fatal(err)
	}
	f := i.until(t, "an answer", func(f wire.ServerFrame) bool {
		i.note(f)
		return string(f.ID) == `"q"`
	})
	return f.Code
}

// stream is an answer of Server-Sent Events, and all that has come of it.
type stream struct {
	status int
	ended  chan struct{}

	mu    sync.Mutex // guards heard
	heard strings.Builder
}

// stream opens one, which lasts until ctx ends.
func (s *service) stream(ctx context.Context, query, token, lastID string) (*stream, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/v1/events?"+query, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	e := &stream{status: res.StatusCode, ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			e.mu.Lock()
			e.heard.WriteString(lines.Text() + "\n")
			e.mu.Unlock()
		}
	}()
	return e, nil
}

func (e *stream) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard.String()
}

// await waits until something has come.
func (e *stream) await(t *testing.T, text string) {
	t.Helper()
	await(t, text, func() bool { return strings.Contains(e.text(), text) })
}

// A tenant sees nothing of another and changes nothing of it, by any door and any name,
// whether they have topics of their own or share one.
func TestNoNameReachesAnotherTenant(t *testing.T) {
	t.Parallel()
	for what, topics := range map[string]func(*realtime.Tenant) realtime.Topic{
		"own topics": realtime.OwnTopic,
		"one topic":  func(*realtime.Tenant) realtime.Topic { return "shared" },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tryNames(t, topics)
		})
	}
}

func tryNames(t *testing.T, topics func(*realtime.Tenant) realtime.Topic) {
	s := start(t, setup{
		topics:  topics,
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
	for _, n := range names {
		us.reach(ctx, t, n.what, n.name, stolen, n.good)
		tell("secret")
	}
	last := fmt.Sprintf(`"secret-%d"`, secrets)
	for n := 2; ; n++ {
		f := theirs.until(t, "the next secret", func(f wire.ServerFrame) bool { return f.Type == "message" })
		if want := fmt.Sprintf(`"secret-%d"`, n); string(f.Data) != want {
			t.Fatalf("globex was given %s in the place of %s", f.Data, want)
		}
		if string(f.Data) == last {
			break
		}
	}
	us.judge(t)
	leave()
	for _, e := range us.streams {
		<-e.ended
	}
}

// reach tries a name at every door.
func (i *intruder) reach(ctx context.Context, t *testing.T, what, name, stolen string, good bool) {
	t.Helper()
	want, status := realtime.CodeBadRequest, http.StatusBadRequest
	if good {
		want, status = "", http.StatusOK
	}
	quoted := quote(name)
	for door, frame := range map[string]string{
		"subscribe with a stolen position": `{"type":"subscribe","id":"q","channel":` + quoted + `,"since":` + quote(stolen) + `}`,
		"presence":                         `{"type":"presence","id":"q","channel":` + quoted + `}`,
		"publish":                          `{"type":"publish","id":"q","channel":` + quoted + `,"data":"forged"}`,
		"call":                             `{"type":"call","id":"q","route":"x","data":{"tenant":"globex","channel":` + quoted + `}}`,
	} {
		if got := i.ask(t, frame); got != want {
			t.Errorf("%s, %s: answered %q, want %q", what, door, got, want)
		}
	}
	e, err := i.s.stream(ctx, url.Values{"channel": {name}}.Encode(), i.token, "")
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	a, err := i.s.post("acme", i.token, `{"channel":`+quoted+`,"data":"forged"}`)
	if err != nil {
		t.Fatal(err)
	}
	reads := status
	if strings.Contains(name, "*") {
		reads = http.StatusOK // a pattern, which selects channels of the intruder's own tenant
	}
	if e.status != reads || a.Status != status {
		t.Errorf("%s: events answered %d and ingest %d, want %d and %d", what, e.status, a.Status, reads, status)
	}
	i.heard.WriteString(a.Body)
	i.streams = append(i.streams, e)
	if good {
		i.channels = append(i.channels, name)
	}
}

// judge looks at all that the intruder has heard, once every one of its channels has brought what
// it publishes last.
func (i *intruder) judge(t *testing.T) {
	t.Helper()
	for _, name := range i.channels {
		if a, err := i.s.post("acme", i.token, `{"channel":`+quote(name)+`,"data":"our last"}`); err != nil || a.Status != 200 {
			t.Fatalf("%v %+v", err, a)
		}
	}
	for range i.channels {
		i.until(t, "our last", func(f wire.ServerFrame) bool {
			i.note(f)
			return string(f.Data) == `"our last"`
		})
	}
	for _, e := range i.streams {
		if e.status == http.StatusOK {
			e.await(t, "our last")
		}
		i.heard.WriteString(e.text())
	}
	for _, word := range []string{"secret", "hidden-reader", "writer"} {
		if at := strings.Index(i.heard.String(), word); at >= 0 {
			t.Errorf("acme heard %q: ...%.200s", word, i.heard.String()[max(0, at-100):])
		}
	}
}

// The id of an event that another tenant's page was given is worth nothing.
func TestStolenEventIDs(t *testing.T) {
	t.Parallel()
	s := start(t, setup{tenants: []*realtime.Tenant{tenant("acme"), tenant("globex")}})
	theirToken := s.token("globex", "ann")
	theirs, err := s.stream(t.Context(), "channel=prices:fx", theirToken, "")
	if err != nil {
		t.Fatal(err)
	}
	theirs.await(t, `"ok"`)
	for _, data := range []string{"first", "secret"} {
		if a, err := s.post("globex", theirToken, `{"channel":"prices:fx","data":"`+data+`"}`); err != nil || a.Status != 200 {
			t.Fatalf("%v %+v", err, a)
		}
	}
	theirs.await(t, "secret")
	var ids []string
	for line := range strings.Lines(theirs.text()) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			ids = append(ids, strings.TrimSpace(id))
		}
	}
	if len(ids) != 3 {
		t.Fatalf("globex's page was given the ids %q", ids)
	}
	ours := s.token("acme", "eve")
	for n, id := range ids {
		e, err := s.stream(t.Context(), "channel=prices:fx", ours, id)
		if err != nil || e.status != 200 {
			t.Fatal(e, err)
		}
		e.await(t, `"ok"`)
		last := fmt.Sprintf(`"our own %d"`, n)
		if a, err := s.post("acme", ours, `{"channel":"prices:fx","data":`+last+`}`); err != nil || a.Status != 200 {
			t.Fatalf("%v %+v", err, a)
		}
		e.await(t, last)
		for line := range strings.Lines(e.text()) {
			if strings.Contains(line, `"message"`) && !strings.Contains(line, "our own") {
				t.Errorf("with the id of another tenant's event: %s", line)
			}
		}
	}
}
