package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What looks like JSON and is none is refused; words are a string.
func TestData(t *testing.T) {
	t.Parallel()
	for argument, want := range map[string]string{
		`{"a":1}`: `{"a":1}`, ` [1, 2] `: ` [1, 2] `, `"x"`: `"x"`, `1.5e3`: `1.5e3`, `-1`: `-1`, `true`: `true`, `null`: `null`,
		`hello`: `"hello"`, `hello, "world" {`: `"hello, \"world\" {"`, `trueish`: `"trueish"`, `nullable types`: `"nullable types"`, `élan`: `"élan"`, ` two words `: `" two words "`,
		`{"a":`: "", `{a:1}`: "", `{'a':1}`: "", `{"a":1`: "", `{"a":1}}`: "", `{"a":1} {"b":2}`: "", `}`: "", `[1,`: "", `[1 2]`: "", `]`: "",
		`"x`: "", `"x" y`: "", `'x'`: "", `'{"a":1}'`: "", `1,5`: "", `1 2`: "", `01`: "", `.5`: "", `+5`: "", `-`: "", `-x`: "", `2026-11-29`: "", `1h`: "", `3 left`: "",
		`true,`: "", `null]`: "", `false false`: "", `,`: "", `:`: "", "": "", "  ": "", "\t\n": "", "a\xff": "", "\"\xff\"": "",
	} {
		got, err := dataOf(argument, false)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %s, %v; want %q", argument, got, err, want)
		}
		if err != nil && exitCode(err) != exitUsage {
			t.Errorf("%q: exit code %d", argument, exitCode(err))
		}
		asText, err := dataOf(argument, true)
		var text string
		if bad := json.Unmarshal(asText, &text); !strings.Contains(argument, "\xff") && (err != nil || bad != nil || text != argument) {
			t.Errorf("%q as text: %s, %v, %v", argument, asText, err, bad)
		}
	}
}

// FuzzData: what is published is what was written, or a string of exactly that.
func FuzzData(f *testing.F) {
	for _, seed := range []string{`{"a":`, "hello", "tru", "1", "\"", "ﬁ", "{}", "nan", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, argument string) {
		got, err := dataOf(argument, false)
		if err != nil {
			return
		}
		if bytes.Equal(got, []byte(argument)) && json.Valid(got) {
			return
		}
		var text string
		if json.Unmarshal(got, &text) != nil || text != argument || json.Valid([]byte(argument)) {
			t.Errorf("%q became %s", argument, got)
		}
		if first := strings.TrimSpace(argument)[0]; strings.IndexByte("{}[]\"',:.+-0123456789", first) >= 0 {
			t.Errorf("%q became a string", argument)
		}
	})
}

// sink is an ingest endpoint that takes everything, and what came.
func sink(t *testing.T) (url string, bodies *shared) {
	t.Helper()
	bodies = &shared{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			t.Error(err)
		}
		for _, e := range events {
			_, _ = bodies.Write(append(e, '\n'))
		}
		_, _ = w.Write([]byte(`{"accepted":1,"results":[]}`))
	}))
	t.Cleanup(server.Close)
	return server.URL, bodies
}

// Nothing is published without data.
func TestPublishWithoutData(t *testing.T) {
	t.Parallel()
	url, bodies := sink(t)
	for _, tt := range []struct {
		name, in string
		args     []string
		code     int
		saying   string
	}{
		{"no argument, and nothing in the pipe", "", nil, exitUsage, "DATA is missing, and standard input is empty"},
		{"no argument, and an empty pipe", "\n \n", nil, exitUsage, "DATA is missing, and standard input is empty"},
		{"an empty argument", "", []string{""}, exitUsage, "DATA: must not be empty"},
		{"broken JSON", "", []string{`{"a":`}, exitUsage, "with --text it is sent as a string"},
		{"an asked-for pipe that is empty", "", []string{"-"}, 0, "published 0"},
	} {
		c := newConsole(t)
		c.environment = environment{url: url, token: "x"}
		out, errors, code := c.call(tt.in, append([]string{"publish", "--tenant", "acme", "--channel", "c"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errors, tt.saying) {
			t.Errorf("%s: %d, %s%s; want %d and %q", tt.name, code, out, errors, tt.code, tt.saying)
		}
	}
	if got := bodies.String(); got != "" {
		t.Errorf("published %s", got)
	}
}

// What is wrong with a line names it, and what is before it is published.
func TestLines(t *testing.T) {
	t.Parallel()
	url, bodies := sink(t)
	const good = "{\"data\":1}\n\n"
	for name, tt := range map[string]struct{ in, saying string }{
		"byte order mark":    {"\ufeff" + good, ""},
		"Windows' line ends": {strings.ReplaceAll(good, "\n", "\r\n"), ""},
		"no last line end":   {good + `{"data":2}`, ""},
		"not JSON":           {good + "hello\n", "line 3: not JSON at byte 1"},
		"cut off":            {good + `{"data":`, "line 3: not JSON: it ends too early"},
		"no object":          {good + "1\n", "line 3"},
		"no data":            {good + `{"key":"k"}`, "line 3: data: is missing"},
		"unknown field":      {good + `{"dat":1}`, `line 3: unknown field "dat"`},
		"two in a line":      {good + `{"data":1}{"data":2}`, "line 3: must be one JSON object"},
		"a bracket too many": {good + `{"data":1}]`, "line 3: must be one JSON object"},
		"too long":           {good + strings.Repeat("x", maxLine+1), "line 3: must be at most"},
		"a wrong type":       {good + `{"channel":1,"data":1}`, "line 3"},
	} {
		c := newConsole(t)
		c.environment = environment{url: url, token: "x"}
		before := strings.Count(bodies.String(), "\n")
		_, errors, code := c.call(tt.in, "publish", "--tenant", "acme", "--channel", "c", "-")
		if !strings.Contains(errors, tt.saying) || (code == 0) != (tt.saying == "") {
			t.Errorf("%s: %d, %s; want %q", name, code, errors, tt.saying)
		}
		if strings.Count(bodies.String(), "\n") == before {
			t.Errorf("%s: the first line was not published", name)
		}
	}
}
