package main

import (
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"nothing", nil, 0, "Available Commands"},
		{"help", []string{"--help"}, 0, "Exit codes"},
		{"version", []string{"--version"}, 0, "tidewire version"},
		{"dev", []string{"dev", "--help"}, 0, "--addr"},
		{"token", []string{"token", "--help"}, 0, "--subscribe"},
		{"publish", []string{"publish", "--help"}, 0, "NDJSON"},
		{"tail", []string{"tail", "--help"}, 0, "--since"},
		{"history", []string{"history", "--help"}, 0, "--until"},
		{"completion of a channel with a past", []string{"__complete", "history", ""}, 0, ":4"},
		{"tenants", []string{"tenants"}, 0, "suspend"},
		{"tenants apply", []string{"tenants", "apply", "--help"}, 0, "--google-token"},
		{"completion of a command", []string{"__complete", "tenants", "a"}, 0, "apply"},
		{"completion of a flag", []string{"__complete", "tenants", "apply", "--u"}, 0, "--url"},
		{"completion of a backend", []string{"__complete", "dev", "--backend", ""}, 0, "memory\ngcp\n:4"},
		{"completion of a condition", []string{"__complete", "publish", "--if", ""}, 0, "absent\npresent\n:4"},
		{"publish --if", []string{"publish", "--help"}, 0, "6: what --if needs"},
		{"completion of a part", []string{"__complete", "token", "--manage", ""}, 0, "tenant"},
		{"completion of a channel", []string{"__complete", "tail", ""}, 0, ":4"},
		{"completion of a token", []string{"__complete", "tail", "--token", ""}, 0, ":4"},
		{"unknown command of tenants", []string{"tenants", "remove"}, exitUsage, `unknown command "remove"`},
		{"tenants without a token", []string{"tenants", "list", "--url", "http://x"}, exitUsage, "TIDEWIRE_TOKEN"},
		{"bash", []string{"completion", "bash"}, 0, "bash completion"},
		{"zsh", []string{"completion", "zsh"}, 0, "#compdef tidewire"},
		{"fish", []string{"completion", "fish"}, 0, "fish completion"},
		{"unknown command", []string{"tial"}, exitUsage, `unknown command "tial"`},
		{"missing flag", []string{"publish", "--url", "http://x", "--token", "x", "--channel", "c", "1"}, exitUsage, "--tenant is missing"},
		{"missing channel of tail", []string{"tail", "--url", "http://x", "--token", "x"}, exitUsage, "one CHANNEL or more"},
		{"bad position", []string{"tail", "--url", "http://x", "--token", "x", "--since", "now", "a"}, exitUsage, "--since"},
		{"rewind of a pattern", []string{"tail", "--url", "http://x", "--token", "x", "--rewind", "5", "a:*"}, exitUsage, "--rewind"},
		{"bad rewind", []string{"tail", "--url", "http://x", "--token", "x", "--rewind", "0", "a"}, exitUsage, "--rewind: must be"},
		{"history of no tenant", []string{"history", "--url", "http://x", "--token", "x", "a"}, exitUsage, "--tenant is missing"},
		{"history of nobody", []string{"history", "--url", "http://x", "--token", "x", "--tenant", "a b", "a"}, exitUsage, "--tenant: "},
		{"history of no channel", []string{"history", "--url", "http://x", "--token", "x", "--tenant", "acme", "a:*"}, exitUsage, "CHANNEL: "},
		{"bad since", []string{"history", "--url", "http://x", "--token", "x", "--tenant", "acme", "--since", "yesterday", "a"}, exitUsage, "--since: must be a duration"},
		{"a time to come", []string{"history", "--url", "http://x", "--token", "x", "--tenant", "acme", "--until", "-5m", "a"}, exitUsage, "--until: must be a duration"},
		{"an end before the beginning", []string{"history", "--url", "http://x", "--token", "x", "--tenant", "acme", "--since", "5m", "--until", "10m", "a"}, exitUsage, "to: must be later"},
		{"too many", []string{"history", "--url", "http://x", "--token", "x", "--tenant", "acme", "--limit", "100001", "a"}, exitUsage, "--limit: must be 0 to 100000"},
		{"bad address", []string{"tail", "--url", "gopher://x", "--token", "x", "a"}, exitUsage, "--url"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, errors, code := newConsole(t).call("", tt.args...)
			if code != tt.code || !strings.Contains(out+errors, tt.want) {
				t.Errorf("%d, %s%s; want %d and %q", code, out, errors, tt.code, tt.want)
			}
		})
	}
}
