package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

const operatorKeys = `{"keys": [{"kid": "k1", "alg": "HS256", "secret": "operators-operators-operators-operators"}]}`

// operator is an operator's token for dev.
func (c *console) operator() string {
	c.t.Helper()
	out, errors, code := c.call("", "token", "--operator", "--user", "olga")
	if code != 0 {
		c.t.Fatalf("token: %d, %s", code, errors)
	}
	return strings.TrimSpace(out)
}

func TestApply(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	operator := c.operator()
	key := func(secret string) string {
		return `{"auth":{"keys":[{"kid":"i","alg":"HS256","secret":"` + strings.Repeat(secret, 8) + `"}]},"placement":"pooled"}`
	}
	for i, step := range []struct {
		name, file, out, saying string
		flags                   []string
		code                    int
	}{
		{name: "new", file: `{"tenants":{"initech":` + key("initech") + `,"hooli":{}}}`, out: "created hooli\ncreated initech\n  + auth.keys.i: {\"kid\":\"i\",\"alg\":\"HS256\"}\n  + placement: \"pooled\"\n2 created, 0 changed, 0 unchanged, 0 refused\n"},
		{name: "again", file: `{"tenants":{"initech":` + key("initech") + `,"hooli":{}}}`, out: "0 created, 0 changed, 2 unchanged, 0 refused\n"},
		{name: "a secret", file: `{"tenants":{"initech":` + key("secret") + `,"hooli":{}}}`, out: "changed initech\n  ~ auth.keys.i: {\"kid\":\"i\",\"alg\":\"HS256\"}, with another secret\n0 created, 1 changed, 1 unchanged, 0 refused\n"},
		{name: "a secret that is kept", file: `{"tenants":{"initech":{"auth":{"keys":[{"kid":"i","alg":"HS256"}]},"placement":"pooled"}}}`, out: "0 created, 0 changed, 1 unchanged, 0 refused\n"},
		{
			name: "one is refused", file: `{"tenants":{"hooli":{"auth":{"keys":[{"kid":"x","alg":"HS256"}]}},"umbrella":{}}}`,
			out: "created umbrella\n1 created, 0 changed, 0 unchanged, 1 refused\n", code: exitRefused, saying: "1 of 2 tenants were refused:\nhooli: auth.keys[0].secret",
		},
		{
			name: "in JSON", file: `{"tenants":{"hooli":{"origins":["a b"]},"umbrella":{"limits":{"connections":5}}}}`, flags: []string{"--json"},
			out: "{\"tenant\":\"hooli\",\"code\":\"bad-request\",\"error\":\"origins[0]: *\"}\n{\"tenant\":\"umbrella\",\"change\":\"changed\",\"changes\":[{\"field\":\"limits.connections\",\"from\":null,\"to\":5}]}\n", code: exitRefused, saying: "hooli: origins[0]",
		},
		{
			name: "a key of somebody else", file: `{"tenants":{"initech":{"auth":{"keys":[{"kid":"j","alg":"HS256","secret":"another-another-another-another-another"}]}}}}`,
			out: "changed initech\n  + auth.keys.j: {\"kid\":\"j\",\"alg\":\"HS256\"}\n  kept, although the file does not name them: keys i (--prune removes them)\n0 created, 1 changed, 0 unchanged, 0 refused\n",
		},
		{
			name: "without it, by way of trial", file: `{"tenants":{"initech":{"auth":{"keys":[{"kid":"i","alg":"HS256"}]}},"hooli":{}}}`, flags: []string{"--prune", "--dry-run"}, code: exitDiffers, saying: "1 of 2 tenants would change",
			out: "would be changed initech\n  - auth.keys.j: {\"kid\":\"j\",\"alg\":\"HS256\"}\n  - placement: \"pooled\"\nnothing was done: 0 created, 1 changed, 1 unchanged, 0 refused\n",
		},
		{
			name: "the same in JSON", file: `{"tenants":{"initech":{"auth":{"keys":[{"kid":"i","alg":"HS256"}]}},"hooli":{}}}`, flags: []string{"--dry-run", "--json"},
			out: "{\"tenant\":\"hooli\",\"change\":\"unchanged\",\"dryRun\":true}\n{\"tenant\":\"initech\",\"change\":\"unchanged\",\"dryRun\":true,\"kept\":[\"j\"]}\n",
		},
		{
			name: "without it", file: `{"tenants":{"initech":{"auth":{"keys":[{"kid":"i","alg":"HS256"}]},"placement":"pooled"}}}`, flags: []string{"--prune"},
			out: "changed initech\n  - auth.keys.j: {\"kid\":\"j\",\"alg\":\"HS256\"}\n0 created, 1 changed, 0 unchanged, 0 refused\n",
		},
		{name: "a trial of nothing", file: `{"tenants":{"hooli":{}}}`, flags: []string{"--dry-run"}, out: "nothing was done: 0 created, 0 changed, 1 unchanged, 0 refused\n"},
		{name: "no tenants", file: `{"tenants":{}}`, out: "0 created, 0 changed, 0 unchanged, 0 refused\n"},
		{name: "unknown field", file: `{"tenants":{"hooli":{"limits":{"conections":5}},"new":{}}}`, code: exitUsage, saying: "tenants.hooli.limits.conections: unknown field"},
		{name: "no JSON", file: `{"tenants":`, code: exitUsage, saying: "line 1"},
		{name: "another file", file: `{}`, code: exitUsage, saying: "tenants: is missing"},
		{name: "no operator", file: `{"tenants":{"hooli":{}}}`, flags: []string{"--token", dev.Token}, code: exitRefused, saying: "hooli: only operators may make this call\n0 of 1 tenants were done before"},
		{name: "no API", file: `{"tenants":{"hooli":{}}}`, flags: []string{"--url", dev.URL + "/elsewhere"}, code: exitFailed, saying: "the server answered 404"},
	} {
		args := append([]string{"tenants", "apply", "--url", dev.URL, "--token", operator}, step.flags...)
		in := step.file
		if i%2 == 0 { // the others from standard input
			in, args = "", append(args, c.file(step.file))
		}
		out, errors, code := c.call(in, args...)
		if code != step.code || !like(step.out, out) || !strings.Contains(errors, step.saying) {
			t.Errorf("%s: %d\n%s%s\nwant %d\n%s%s", step.name, code, out, errors, step.code, step.out, step.saying)
		}
	}
	// The key that was changed is the one that counts.
	token := c.token("initech", "--tenants", c.file(`{"tenants":{"initech":`+key("secret")+`}}`))
	dial(t, dev.URL, token)
}

// like reports whether a text is as wanted, where * stands for anything but a quote.
func like(want, text string) bool {
	before, after, wild := strings.Cut(want, "*")
	if !wild {
		return want == text
	}
	return strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}

func TestTenantsAreListedAndSuspended(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	operator := c.operator()
	call := func(args ...string) (string, string, int) {
		return c.call("", append(append([]string{"tenants"}, args...), "--url", dev.URL, "--token", operator)...)
	}
	page := dial(t, dev.URL, c.everything("acme"))
	for _, step := range []struct {
		args   []string
		code   int
		out    string
		saying string
	}{
		{[]string{"list"}, 0, "acme\nglobex\n", ""},
		{[]string{"list", "--json"}, 0, "{\"tenants\":[\"acme\",\"globex\"]}\n", ""},
		{[]string{"suspend", "acme", "nobody"}, exitRefused, "changed acme\n0 created, 1 changed, 0 unchanged, 1 refused\n", "nobody: "},
		{[]string{"suspend", "acme"}, 0, "0 created, 0 changed, 1 unchanged, 0 refused\n", ""},
		{[]string{"suspend"}, exitUsage, "", "one TENANT or more"},
	} {
		if out, errors, code := call(step.args...); code != step.code || out != step.out || !strings.Contains(errors, step.saying) {
			t.Errorf("%v: %d\n%s%s", step.args, code, out, errors)
		}
	}
	page.untilClosed(4403)
	if out, errors, code := call("resume", "acme"); code != 0 || !strings.HasPrefix(out, "changed acme") {
		t.Errorf("%d %s %s", code, out, errors)
	}
	dial(t, dev.URL, c.everything("acme"))
}

// What is shown can be edited and applied, and the keys still sign.
func TestShownTenantsCanBeApplied(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	access := []string{"--url", dev.URL, "--token", c.operator()}
	call := func(in string, args ...string) (string, string, int) {
		return c.call(in, append(append([]string{"tenants"}, args...), access...)...)
	}
	file, errors, code := call("", "show", "acme", "globex")
	if code != 0 || strings.Contains(file, "secret") {
		t.Fatalf("%d %s%s", code, file, errors)
	}
	edited := strings.Replace(file, `"publishesPerSecond": 5000`, `"publishesPerSecond": 7`, 1)
	if out, errors, code := call(edited, "apply"); code != 0 || out != "changed acme\n  ~ limits.publishesPerSecond: 5000 -> 7\n0 created, 1 changed, 1 unchanged, 0 refused\n" {
		t.Errorf("%d %s%s", code, out, errors)
	}
	dial(t, dev.URL, c.everything("acme"))
	if out, _, code := call("", "show", "acme", "--json"); code != 0 || out != `{"tenants":{"acme":{"auth":{"keys":[{"kid":"a","alg":"HS256"}]},"limits":{"publishesPerSecond":7}}}}`+"\n" {
		t.Errorf("%d %s", code, out)
	}
	if _, errors, code := call("", "show", "nobody"); code != exitRefused || !strings.Contains(errors, "nobody: ") {
		t.Errorf("%d %s", code, errors)
	}
}

// More tenants than a page holds are applied and listed.
func TestManyTenants(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(`{"tenants":{"a":{}}}`))
	file, want := map[string]map[string]struct{}{"tenants": {}}, []string{"a"}
	for n := range 1100 {
		name := fmt.Sprintf("t%04d", n)
		file["tenants"][name] = struct{}{}
		want = append(want, name)
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	operator := c.operator()
	if out, errors, code := c.call(string(text), "tenants", "apply", "--url", dev.URL, "--token", operator); code != 0 || !strings.HasSuffix(out, "\n1100 created, 0 changed, 0 unchanged, 0 refused\n") {
		t.Fatalf("%d\n%.200s%s", code, out, errors)
	}
	out, errors, code := c.call("", "tenants", "list", "--url", dev.URL, "--token", operator)
	if diff := cmp.Diff(want, strings.Fields(out)); code != 0 || diff != "" {
		t.Errorf("%d %s (-want +got):\n%s", code, errors, diff)
	}
}

// An API that is over a limit, or restarts, is asked again; behind Cloud Run's IAM it is given Google's token too.
func TestApplyComesBack(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Serverless-Authorization"); got != "Bearer google" {
			t.Errorf("Google's token is %q", got)
		}
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.URL.Query().Get("dryRun") == "true" {
			_, _ = w.Write([]byte(`{"change":"created","changes":[],"tenant":{}}`))
			return
		}
		if r.Header.Get("If-None-Match") != "*" {
			t.Errorf("it is made on the condition %q", r.Header)
		}
		w.Header().Set("Tidewire-Change", "created")
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(server.Close)
	out, errors, code := newConsole(t).call(`{"tenants":{"acme":{}}}`, "tenants", "apply", "--url", server.URL, "--token", "x", "--google-token", "google")
	if code != 0 || calls.Load() != 3 || !strings.HasPrefix(out, "created acme\n") {
		t.Errorf("%d after %d calls: %s%s", code, calls.Load(), out, errors)
	}
	server.Close()
	_, errors, code = newConsole(t).call(`{"tenants":{"acme":{}}}`, "tenants", "apply", "--url", server.URL, "--token", "x")
	if code != exitUnavailable || !strings.Contains(errors, "acme: the server does not answer") {
		t.Errorf("with no server: %d %s", code, errors)
	}
}

// A deployment's api takes the token that is made of its TIDEWIRE_OPERATORS; both are processes.
func TestApplyToTheService(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "api")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../services/api").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	api := cloudruntest.StartBinary(t, binary, "TIDEWIRE_BACKEND=memory", "TIDEWIRE_OPERATORS="+operatorKeys)
	if api.URL == "" {
		t.Fatal(api.Log())
	}
	tidewire := func(in string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Env = append(os.Environ(), asCommand+"=1")
		var out bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &out
		err := cmd.Run()
		return out.String(), err
	}
	token, err := tidewire(operatorKeys, "token", "--operators", "-", "--user", "olga")
	if err != nil {
		t.Fatalf("%v: %s", err, token)
	}
	access := []string{"--url", api.URL, "--token", strings.TrimSpace(token)}
	if out, err := tidewire(twoTenants, append([]string{"tenants", "apply"}, access...)...); err != nil || !strings.HasSuffix(out, "\n2 created, 0 changed, 0 unchanged, 0 refused\n") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := tidewire("", append([]string{"tenants", "list"}, access...)...); err != nil || out != "acme\nglobex\n" {
		t.Errorf("%v: %s", err, out)
	}
	api.Terminate()
	if err := api.Wait(); err != nil {
		t.Errorf("%v\n%s", err, api.Log())
	}
}

// A tenant's key is rotated as docs/operations.md says: for a while both are good, and one that is taken away is
// worth nothing, also to those who are connected.
func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	access := []string{"--url", dev.URL, "--token", c.operator()}
	tenants := func(in string, args ...string) string {
		t.Helper()
		out, errors, code := c.call(in, append(append([]string{"tenants"}, args...), access...)...)
		if code != 0 {
			t.Fatalf("%v: %d %s", args, code, errors)
		}
		return out
	}
	// with is a token that a key signs, of which the reader knows the secret.
	with := func(kid, secret string) string {
		return c.token("acme", "--subscribe", "**", "--tenants", c.file(`{"tenants":{"acme":{"auth":{"keys":[{"kid":"`+kid+`","alg":"HS256","secret":"`+secret+`"}]}}}}`))
	}
	const first, second, third = "acme-acme-acme-acme-acme-acme-acme-acme", "another-another-another-another-another", "third-third-third-third-third-third-third"
	old := dial(t, dev.URL, with("a", first))

	shown := tenants("", "show", "acme", "--json")
	all := strings.Replace(shown, `"keys":[`, `"keys":[{"kid":"b","alg":"HS256","secret":"`+second+`"},{"kid":"c","alg":"HS256","secret":"`+third+`"},`, 1)
	if out := tenants(all, "apply"); !strings.HasPrefix(out, "changed acme\n") {
		t.Fatalf("%s", out)
	}
	dial(t, dev.URL, with("a", first))
	fresh, last := dial(t, dev.URL, with("b", second)), dial(t, dev.URL, with("c", third))

	without := func(kid string) {
		t.Helper()
		doc := strings.Replace(tenants("", "show", "acme", "--json"), `,{"kid":"`+kid+`","alg":"HS256"}`, "", 1)
		if out := tenants(doc, "apply", "--prune"); !strings.HasPrefix(out, "changed acme\n") {
			t.Fatalf("%s", out)
		}
	}
	without("a")
	old.untilClosed(4401)
	without("c")
	last.untilClosed(4401) // clients are checked by this document when all were by the one before
	if _, errors, code := c.call("", "tail", "--url", dev.URL, "--token", with("a", first), "news:today"); code != exitRefused {
		t.Errorf("with the old key: %d %s", code, errors)
	}
	fresh.subscribe("news:today") // the new one goes on
}

// What somebody else changes between a plan and its change is planned again, and shown.
func TestApplyIsOvertaken(t *testing.T) {
	t.Parallel()
	var steps []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plan := r.URL.Query().Get("dryRun") == "true"
		steps = append(steps, fmt.Sprint(plan, " ", r.Header.Get("If-Match")))
		switch {
		case plan:
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(steps)))
			_, _ = fmt.Fprintf(w, `{"change":"changed","changes":[{"field":"limits.connections","from":%d,"to":9}],"tenant":{}}`, len(steps))
		case len(steps) < 4:
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = w.Write([]byte(`{"code":"conflict","detail":"changed since"}`))
		default:
			w.Header().Set("Tidewire-Change", "changed")
		}
	}))
	t.Cleanup(server.Close)
	out, errors, code := newConsole(t).call(`{"tenants":{"acme":{"limits":{"connections":9}}}}`, "tenants", "apply", "--url", server.URL, "--token", "x")
	if want := "changed acme\n  ~ limits.connections: 3 -> 9\n0 created, 1 changed, 0 unchanged, 0 refused\n"; code != 0 || out != want {
		t.Errorf("%d %s%s, want %s", code, out, errors, want)
	}
	if diff := cmp.Diff([]string{"true ", `false "1"`, "true ", `false "3"`}, steps); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
