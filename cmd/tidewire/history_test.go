package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// The command prints what was published before, as it is asked for, and says what is missing.
func TestHistoryCommand(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	c.environment = environment{url: dev.URL, token: c.token("acme", "--subscribe", "news:**", "--publish", "**")}
	var lines strings.Builder
	for i := range 12 {
		fmt.Fprintf(&lines, `{"channel":"news:today","id":"e%d","tags":{"desk":"%s"},"data":{"n":%d}}`+"\n", i, []string{"a", "b"}[i%2], i)
	}
	if _, errors, code := c.call(lines.String(), "publish", "--tenant", "acme", "-"); code != 0 {
		t.Fatal(errors)
	}
	history := func(args ...string) (numbers, says string) {
		t.Helper()
		out, errors, code := c.call("", append([]string{"history", "--tenant", "acme", "news:today"}, args...)...)
		if code != 0 {
			t.Fatalf("%q: %d, %s", args, code, errors)
		}
		for _, n := range regexp.MustCompile(`"n": *(\d+)`).FindAllStringSubmatch(out, -1) {
			numbers += n[1] + " "
		}
		return strings.TrimSpace(numbers), strings.TrimSpace(errors)
	}
	out, _, _ := c.call("", "history", "--tenant", "acme", "--limit", "1", "--json", "--until", "1s", "news:today")
	const missing = "tidewire: something of it may be missing, because it is not kept any more" // of before dev began
	for name, tt := range map[string]struct {
		args          []string
		numbers, says string
	}{
		"all":       {nil, "0 1 2 3 4 5 6 7 8 9 10 11", "tidewire: this is all that is kept; what is older is gone"},
		"the last":  {[]string{"--limit", "3"}, "9 10 11", "tidewire: there is more; see --limit"},
		"the first": {[]string{"--since", "2m", "--limit", "3"}, "0 1 2", missing},
		"a desk":    {[]string{"--since", "2m", "--filter", "tags.desk == 'b'", "--pretty"}, "1 3 5 7 9 11", missing},
		"too far":   {[]string{"--since", "48h", "--limit", "0"}, "0 1 2 3 4 5 6 7 8 9 10 11", missing},
		"nothing":   {[]string{"--since", "9m", "--until", "8m"}, "", missing},
	} {
		if name == "nothing" && out != "" {
			t.Errorf("of before it was published: %s", out)
		}
		if numbers, says := history(tt.args...); numbers != tt.numbers || says != tt.says {
			t.Errorf("%s: %q, %q; want %q, %q", name, numbers, says, tt.numbers, tt.says)
		}
	}
	var first struct{ Position string }
	out, _, _ = c.call("", "history", "--tenant", "acme", "--since", "2m", "--limit", "6", "--json", "news:today")
	all := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(all[len(all)-1]), &first); err != nil || len(all) != 6 {
		t.Fatalf("%s: %v", out, err)
	}
	if numbers, _ := history("--since", first.Position); numbers != "6 7 8 9 10 11" {
		t.Errorf("behind a position: %s", numbers)
	}
	if numbers, _ := history("--until", first.Position, "--limit", "2"); numbers != "3 4" {
		t.Errorf("before a position: %s", numbers)
	}
	c.environment.token = c.token("acme", "--subscribe", "other:**")
	if _, errors, code := c.call("", "history", "--tenant", "acme", "news:today"); code != exitRefused || !strings.Contains(errors, "no grant for the history") {
		t.Errorf("without a grant: %d, %s", code, errors)
	}
}

// tail begins with what was before, and says how much that is.
func TestTailRewinds(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	c.environment = environment{url: dev.URL, token: c.token("acme", "--subscribe", "**", "--publish", "**")}
	for i := range 4 {
		if _, errors, code := c.call("", "publish", "--tenant", "acme", "--channel", "news:today", fmt.Sprint(i)); code != 0 {
			t.Fatal(errors)
		}
	}
	two, many := c.start("tail", "--rewind", "2", "news:today"), c.start("tail", "--rewind", "50", "news:today")
	two.says("tidewire: reading news:today; 2 messages of before come first")
	many.says("tidewire: reading news:today; 4 messages of before come first, and there may have been more that are not kept\n")
	for _, want := range []string{" 2", " 3"} {
		if line := two.line(); !strings.HasSuffix(line, want) {
			t.Errorf("the line is %s, want%s", line, want)
		}
	}
}
