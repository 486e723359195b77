package docs

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/webhook"
)

const hookSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

// The programs of docs/handlers.md answer hooks, and take no request that is not signed with their secret.
func TestHandlersOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ language, file, command string }{{"python", "hook.py", "python3"}, {"js", "hook.mjs", "node"}} {
		t.Run(c.language, func(t *testing.T) {
			t.Parallel()
			_, rest, found := strings.Cut(string(page), "```"+c.language+"\n")
			program, _, closed := strings.Cut(rest, "```")
			if !found || !closed {
				t.Fatalf("the page has no program in %s", c.language)
			}
			tryHandler(t, runHandler(t, c.command, c.file, program))
		})
	}
}

// runHandler runs a program until the test ends, and returns its address.
func runHandler(t *testing.T, command, name, program string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, command, file)
	run.Env = append(os.Environ(), "PORT="+port, "HOOK_SECRET="+hookSecret)
	if err := run.Start(); err != nil {
		t.Fatalf("%s: %v (.ci/tools installs it)", command, err)
	}
	t.Cleanup(func() { cancel(); _ = run.Wait() })
	for range 6000 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return address
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", command)
	return ""
}

func tryHandler(t *testing.T, address string) {
	t.Helper()
	hooks := webhook.New(webhook.Options{Network: webhook.Network{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}})
	t.Cleanup(hooks.Close)
	client := func(secret string) *hook.Client {
		return &hook.Client{ID: "c", Principal: &realtime.Principal{Tenant: "acme", User: "ann"}, Tenant: &realtime.Tenant{ID: "acme", Hooks: []realtime.Hook{{
			Name: "page", URL: "http://" + address, On: []string{"connect", "subscribe", "publish", "call:*"}, Secrets: []string{secret}, Timeout: realtime.Duration(10 * time.Second),
		}}}}
	}
	c := client(hookSecret)
	board, err := realtime.NewChannel("acme", "board:7")
	if err != nil {
		t.Fatal(err)
	}
	for user, code := range map[string]realtime.Code{"ann": "", "eve": realtime.CodeForbidden} {
		_, err := hooks.Connect(t.Context(), &hook.ConnectEvent{Tenant: c.Tenant, Principal: &realtime.Principal{Tenant: "acme", User: user}})
		if err != nil && realtime.CodeOf(err) != code || err == nil && code != "" {
			t.Errorf("connect of %s: %v", user, err)
		}
	}
	if err := hooks.Subscribe(t.Context(), c, board); err != nil {
		t.Error(err)
	}
	p := &realtime.Publication{Channel: board, Tags: map[string]string{"a": "b"}, Data: []byte(`{"text":"grüße"}`)}
	if err := hooks.Publish(t.Context(), c, p); err != nil || p.Tags["by"] != "ann" || p.Tags["a"] != "b" || string(p.Data) != `{"text":"grüße"}` {
		t.Errorf("publish: %v, %v %s", err, p.Tags, p.Data)
	}
	got, err := hooks.Call(t.Context(), c, "echo", []byte(`[1]`))
	if text, _ := json.Marshal(got); err != nil || strings.ReplaceAll(string(text), " ", "") != `{"echo":[1]}` {
		t.Errorf("call: %s, %v", text, err)
	}
	forged := client("whsec_" + strings.Repeat("A", 32))
	if err := hooks.Subscribe(t.Context(), forged, board); realtime.CodeOf(err) != realtime.CodeUnavailable {
		t.Errorf("with another secret: %v", err)
	}
}
