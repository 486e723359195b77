package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A token and a URL come from flags, a file or the environment, in every command that takes them, and what was chosen
// reaches the server.
func TestAccess(t *testing.T) {
	t.Parallel()
	var token atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token.Store(r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"code":"forbidden","detail":"no"}`))
	}))
	t.Cleanup(server.Close)
	const flag, file, env = "h.flag.s", "h.file.s", "h.env.s"
	commands := map[string][]string{
		"publish": {"publish", "--tenant", "acme", "--channel", "c", "1"},
		"apply":   {"tenants", "apply", "-"}, "show": {"tenants", "show", "acme"}, "list": {"tenants", "list"},
		"suspend": {"tenants", "suspend", "acme"}, "resume": {"tenants", "resume", "acme"},
	}
	for name, command := range commands {
		t.Run(name, func(t *testing.T) { // one after the other: they share token
			in := `{"tenants":{"acme":{}}}`
			for _, way := range []struct {
				name, want string
				env        environment
				args       []string
			}{
				{"flags", flag, environment{}, []string{"--url", server.URL, "--token", flag}},
				{"environment", env, environment{url: server.URL, token: env + "\n"}, nil},
				{"file", file, environment{url: server.URL}, []string{"--token-file", "FILE"}},
				{"flags win", flag, environment{url: "http://127.0.0.1:1", token: env}, []string{"--url", server.URL, "--token", flag}},
				{"a file wins", file, environment{url: server.URL, token: env}, []string{"--token-file", "FILE"}},
			} {
				c := newConsole(t)
				c.environment = way.env
				args := append([]string{}, command...)
				for _, arg := range way.args {
					args = append(args, strings.Replace(arg, "FILE", c.file(" "+file+"\n"), 1))
				}
				token.Store("")
				out, errors, code := c.call(in, args...)
				if got := token.Load(); got != "Bearer "+way.want || code != exitRefused {
					t.Errorf("%s: the server got %q, and it ended with %d: %s", way.name, got, code, errors)
				}
				if strings.Contains(out+errors, way.want) {
					t.Errorf("%s: the token is told: %s%s", way.name, out, errors)
				}
			}
		})
	}
}

func TestAccessRefuses(t *testing.T) {
	t.Parallel()
	here := environment{url: "http://127.0.0.1:1", token: "h.secret.s"}
	empty := newConsole(t).file(" \n")
	for _, command := range [][]string{
		{"publish", "--tenant", "acme", "--channel", "c", "1"}, {"tail", "c"}, {"tenants", "list"},
	} {
		for _, tt := range []struct {
			name   string
			env    environment
			args   []string
			saying string
		}{
			{"nothing", environment{}, nil, "no URL: use --url or set TIDEWIRE_URL"},
			{"no token", environment{url: here.url}, nil, "no token: set TIDEWIRE_TOKEN, or use --token-file or --token"},
			{"empty token, although there is one", here, []string{"--token", ""}, "--token: must not be empty"},
			{"empty token and no URL", environment{}, []string{"--token", ""}, "--token: must not be empty"},
			{"empty URL", here, []string{"--url", ""}, "--url: must not be empty"},
			{"empty name of a file", here, []string{"--token-file", ""}, "--token-file: must not be empty"},
			{"empty file", here, []string{"--token-file", empty}, "contains no token"},
			{"no file", here, []string{"--token-file", "/nowhere"}, "/nowhere"},
			{"endless file", here, []string{"--token-file", "/dev/zero"}, "at most 65536 bytes"},
			{"two tokens", here, []string{"--token", "a.b.c", "--token-file", empty}, "use only one of them"},
			{"empty standard input", here, []string{"--token-file", "-"}, "contains no token"},
			{"two words", here, []string{"--token", "h.secret.s x"}, "one word of printable ASCII"},
			{"two lines in the environment", environment{url: here.url, token: "h.secret.s\nx"}, nil, "TIDEWIRE_TOKEN: must be one word"},
			{"the next flag", here, []string{"--token", "--json"}, "must be a token, got a flag"},
			{"no URL at all", environment{url: "localhost:8080", token: "x"}, nil, "must be a URL such as"},
			{"a query in the URL", environment{url: "http://h?token=h.secret.s", token: "x"}, nil, "must have no query"},
		} {
			t.Run(command[0]+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				c := newConsole(t)
				c.environment = tt.env
				out, errors, code := c.call("", append(append([]string{}, command...), tt.args...)...)
				if code != exitUsage || !strings.Contains(errors, tt.saying) || out != "" {
					t.Errorf("%d, %q, %q; want %d and %q", code, out, errors, exitUsage, tt.saying)
				}
				if strings.Contains(errors, "secret") {
					t.Errorf("the token is told: %s", errors)
				}
			})
		}
	}
}

// $TOKEN that is not set and not in quotes makes the next word the token.
func TestTokenSwallowsAnArgument(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.environment = environment{url: "http://127.0.0.1:1"}
	for _, args := range [][]string{{"tail", "--token", "news:today"}, {"tenants", "show", "--token", "acme"}} {
		if _, errors, code := c.call("", args...); code != exitUsage || !strings.Contains(errors, "is not a JWT; is a variable in the command not set, and not in quotes?") {
			t.Errorf("%v: %d, %s", args, code, errors)
		}
	}
}

// A command that reads events or documents from standard input cannot have its token from there as well.
func TestStandardInputIsReadOnce(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"publish", "--tenant", "acme", "--token-file", "-", "-"}, {"publish", "--tenant", "acme", "--token-file", "-"}, {"tenants", "apply", "--token-file", "-", "-"}} {
		c := newConsole(t)
		c.environment = environment{url: "http://127.0.0.1:1"}
		if _, errors, code := c.call(`{"tenants":{}}`, args...); code != exitUsage || !strings.Contains(errors, "reads standard input itself") {
			t.Errorf("%v: %d, %s", args, code, errors)
		}
	}
}

// Whoever forgets the URL is told where a dev is.
func TestNoURLNamesTheDev(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	if _, errors, code := c.call("", "tail", "news:today"); code != exitUsage || !strings.Contains(errors, "tidewire dev is at "+dev.URL) {
		t.Errorf("%d, %s", code, errors)
	}
}

// Each command that takes a token or a URL takes it from the environment too, and says so in its help.
func TestHelpNamesTheEnvironment(t *testing.T) {
	t.Parallel()
	found := 0
	for _, path := range [][]string{{"publish"}, {"tail"}, {"token"}, {"tenants", "apply"}, {"tenants", "show"}, {"tenants", "list"}, {"tenants", "suspend"}, {"tenants", "resume"}} {
		out, _, _ := newConsole(t).call("", append(path, "--help")...)
		for _, name := range []string{"url", "token", "google-token"} {
			if strings.Contains(out, "--"+name+" ") {
				found++
				if want := "TIDEWIRE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")); !strings.Contains(out, want) {
					t.Errorf("%v: --%s is there, and not %s", path, name, want)
				}
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d flags were found", found)
	}
}
