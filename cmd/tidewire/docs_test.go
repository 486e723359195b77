package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every call of tidewire on a page names a command and flags that there are, and gives what the command needs.
func TestCallsInDocs(t *testing.T) {
	t.Parallel()
	found := 0
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		names, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range callsIn(string(text)) {
				found++
				checkCall(t, name, call)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d calls were found", found)
	}
}

// callsIn returns the calls of tidewire in the examples of a page.
func callsIn(page string) []string {
	var calls []string
	inside := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inside = strings.HasPrefix(line, "```sh")
			continue
		}
		if !inside {
			continue
		}
		for _, m := range regexp.MustCompile(`(?:^|\$\(|\| )tidewire ([^#|]*)`).FindAllStringSubmatch(strings.ReplaceAll(line, "$(terraform", "(terraform"), -1) {
			calls = append(calls, m[1])
		}
	}
	return calls
}

// checkCall fails unless a call is of a command that there is, with flags that there are.
func checkCall(t *testing.T, page, call string) {
	t.Helper()
	root := newRoot(std{})
	words := strings.Fields(call)
	cmd, _, err := root.Find(words)
	if err != nil || cmd == root || cmd.HasSubCommands() {
		t.Errorf("%s: tidewire %s: %v is no command: %v", page, call, words, err)
		return
	}
	for _, word := range words {
		flag, ok := strings.CutPrefix(word, "--")
		flag, _, _ = strings.Cut(flag, "=")
		if ok && cmd.Flag(strings.TrimRight(flag, ")")) == nil {
			t.Errorf("%s: tidewire %s: %s has no flag %s", page, call, cmd.Name(), word)
		}
	}
	if cmd.Name() == "token" || cmd.Name() == "dev" {
		return // what they need depends
	}
	for line := range strings.Lines(cmd.LocalFlags().FlagUsages()) {
		if name := regexp.MustCompile(`--([a-z-]+)`).FindStringSubmatch(line); strings.Contains(line, "(required)") && !strings.Contains(call, "--"+name[1]) {
			t.Errorf("%s: tidewire %s: --%s is missing", page, call, name[1])
		}
	}
}
