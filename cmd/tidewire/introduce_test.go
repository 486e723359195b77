package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devserver"
)

// Each command that dev prints can be pasted as it is into a terminal that knows nothing, in any folder.
func TestPrintedCommandsWork(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		flags func(*console) []string
		least int // commands
	}{
		{"demo", func(*console) []string { return nil }, 8},
		{"tenants of a file", func(c *console) []string {
			return []string{"--demo=false", "--tenants", c.file(strings.ReplaceAll(twoTenants, "acme", "initech"))}
		}, 8},
		{"no tenant that signs", func(c *console) []string {
			return []string{"--demo=false", "--tenants", c.file(`{"tenants":{"acme":{}}}`)}
		}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			c.state += " of o'brien" // a name that has to be quoted
			dev := c.start(append([]string{"dev", "--addr", "127.0.0.1:0"}, tt.flags(c)...)...)
			var text strings.Builder
			for !strings.Contains(text.String(), "--operator") {
				text.WriteString(dev.line() + "\n")
			}
			commands := printed(text.String())
			if len(commands) < tt.least {
				t.Fatalf("only %d commands are in\n%s", len(commands), &text)
			}
			paste(t, commands)
			for _, line := range strings.Split(text.String(), "\n") {
				if strings.Contains(line, "/v1/events") && !strings.Contains(line, "curl") {
					t.Errorf("whoever opens this gets 401: %s", line)
				}
			}
		})
	}
}

// printed are the indented lines of a text that are commands.
func printed(text string) []string {
	var commands []string
	for line := range strings.Lines(text) {
		command, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "  ")
		label, _, _ := strings.Cut(command, " ")
		switch label {
		case "dashboard", "sockets", "metrics", "tenants":
			continue
		}
		if indented && command != "" {
			commands = append(commands, command)
		}
	}
	return commands
}

// endless are commands that go on until they are stopped, and what tells that they work.
func endless(command string) (sign string, ok bool) {
	switch {
	case strings.Contains(command, " tail "):
		return "reading news:today", true
	case strings.Contains(command, "/v1/events?"):
		return "event: ok", true
	}
	return "", false
}

// paste runs commands in one shell, one after the other.
func paste(t *testing.T, commands []string) {
	t.Helper()
	script := "set -euo pipefail\n"
	for _, command := range commands {
		if sign, ok := endless(command); ok {
			// It is read until the sign comes, and then stopped.
			script += "coproc E { exec " + command + " 2>&1; }\n" +
				"timeout 20 grep -m1 -- " + "'" + strings.ReplaceAll(sign, "'", `'\''`) + "'" + " <&\"${E[0]}\" >/dev/null\n" +
				"kill $E_PID; wait $E_PID || true\n"
			continue
		}
		if strings.HasPrefix(command, "curl") {
			command = strings.Replace(command, "curl ", "curl --fail-with-body ", 1)
		}
		script += command + "\n"
	}
	bash := exec.CommandContext(t.Context(), "bash", "-c", script)
	bash.Dir = t.TempDir()
	bash.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), asCommand + "=1"}
	if out, err := bash.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, script, out)
	}
}

// With the emulators, the project is that of the environment unless a flag says otherwise, and what is missing is named.
func TestDevOnGoogleNeeds(t *testing.T) {
	t.Parallel()
	both := devserver.Emulators{PubSub: "127.0.0.1:1", Firestore: "127.0.0.1:2"}
	for name, tt := range map[string]struct {
		emulators devserver.Emulators
		project   string
		args      []string
		saying    string
	}{
		"nothing":           {devserver.Emulators{}, "p-12345", nil, "PUBSUB_EMULATOR_HOST and FIRESTORE_EMULATOR_HOST must name"},
		"one":               {devserver.Emulators{PubSub: "127.0.0.1:1"}, "p-12345", nil, "gcp: FIRESTORE_EMULATOR_HOST must name"},
		"the other":         {devserver.Emulators{Firestore: "127.0.0.1:1"}, "p-12345", nil, "gcp: PUBSUB_EMULATOR_HOST must name"},
		"an empty project":  {both, "p-12345", []string{"--project", ""}, `must be a project ID such as tidewire-dev, got ""`},
		"no ID":             {both, "My Project", nil, `GOOGLE_CLOUD_PROJECT: must be a project ID such as tidewire-dev, got "My Project"`},
		"a flag that is no": {both, "p-12345", []string{"--project", "a/b"}, `got "a/b"`},
	} {
		c := newConsole(t)
		c.emulators, c.environment.project = tt.emulators, tt.project
		if _, errors, code := c.call("", append([]string{"dev", "--backend", "gcp", "--addr", "127.0.0.1:0"}, tt.args...)...); code != exitUsage || !strings.Contains(errors, tt.saying) {
			t.Errorf("%s: %d, %s; want %q", name, code, errors, tt.saying)
		}
	}
	for name, want := range map[string]string{"example.com:p-12345": "gcp:example.com:p-12345", "my-project": "gcp:my-project"} {
		if got, err := devBackend("gcp", name, both); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}
