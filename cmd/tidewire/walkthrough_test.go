package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWalkThroughOfTheAPI runs what docs/api.md says of tenants as it stands there, in a shell, and compares what the
// page shows of the answers.
func TestWalkThroughOfTheAPI(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(page), "\n## Create, change and suspend tenants\n")
	part, _, ended := strings.Cut(part, "\n## ")
	if !found || !ended {
		t.Fatal("docs/api.md has no such part any more")
	}
	c := newConsole(t)
	dev := c.plain()
	bin := t.TempDir()
	shim := fmt.Sprintf("#!/bin/sh\n%s=1 TIDEWIRE_STATE=%s exec %s \"$@\"\n", asCommand, c.state, os.Args[0])
	if err := os.WriteFile(filepath.Join(bin, "tidewire"), []byte(shim), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	script, want := walkThrough(shellOf(string(page), 1) + shellOf(part, -1))
	script = strings.ReplaceAll(script, "http://127.0.0.1:8080", dev.URL)
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TIDEWIRE_URL="+dev.URL)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	shown := 0
	for i, answer := range strings.Split(string(out), marker+"\n")[1:] {
		if want[i] == "" {
			continue
		}
		shown++
		if !matches(want[i], answer) {
			t.Errorf("step %d: the page shows\n%sand it is\n%s", i, want[i], answer)
		}
	}
	if shown < 10 {
		t.Errorf("only %d answers were compared", shown)
	}
}

// marker stands before the answer of each command.
const marker = "=== answer ==="

// shellOf returns the shell blocks of a page, the first n of them, or all.
func shellOf(page string, n int) string {
	var all strings.Builder
	for _, m := range regexp.MustCompile("(?s)\n```sh\n(.*?)```").FindAllStringSubmatch(page, n) {
		all.WriteString(m[1])
	}
	return all.String()
}

// walkThrough makes a script of commands, and returns what the comments behind each show of its answer.
func walkThrough(commands string) (script string, want []string) {
	var out strings.Builder
	for line := range strings.Lines(commands) {
		if shown, comment := strings.CutPrefix(line, "# "); comment && len(want) > 0 {
			want[len(want)-1] += shown
			continue
		}
		out.WriteString("echo '" + marker + "'\n" + line)
		want = append(want, "")
	}
	return out.String(), want
}

// matches compares an answer with what is shown of it: a status before it does not count, and ... stands for anything.
func matches(shown, answer string) bool {
	shown = regexp.MustCompile(`^[1-5][0-9]{2} `).ReplaceAllString(shown, "")
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(shown)), regexp.QuoteMeta("..."), "(?s:.*)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(answer))
}
