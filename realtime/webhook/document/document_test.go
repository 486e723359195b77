package document_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

// Hooks that cannot work are refused with the field.
func TestHooksAreChecked(t *testing.T) {
	t.Parallel()
	secret := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, c := range map[string]struct {
		change func(h *realtime.Hook)
		field  string // empty: it is good
	}{
		"one that is good": {func(*realtime.Hook) {}, ""},
		"everything": {func(h *realtime.Hook) {
			h.On, h.Channels, h.Timeout, h.OnFailure, h.Cache = []string{"connect", "subscribe", "publish", "call:a.*", "call:*"}, []realtime.Pattern{"a:**"}, realtime.Duration(10*time.Second), "allow", realtime.Duration(time.Hour)
		}, ""},
		"two secrets":             {func(h *realtime.Hook) { h.Secrets = []string{secret, secret} }, ""},
		"oidc":                    {func(h *realtime.Hook) { h.Auth, h.Secrets = "oidc", nil }, ""},
		"development":             {func(h *realtime.Hook) { h.URL = "http://127.0.0.1:9000/hook" }, ""},
		"development by name":     {func(h *realtime.Hook) { h.URL = "http://localhost:9000/hook" }, ""},
		"no name":                 {func(h *realtime.Hook) { h.Name = "" }, "hooks.name"},
		"a name of many words":    {func(h *realtime.Hook) { h.Name = "a b" }, "hooks.name"},
		"no url":                  {func(h *realtime.Hook) { h.URL = "" }, "hooks.crm.url"},
		"no host":                 {func(h *realtime.Hook) { h.URL = "https:///hook" }, "hooks.crm.url"},
		"in the clear":            {func(h *realtime.Hook) { h.URL = "http://example.com" }, "hooks.crm.url"},
		"another scheme":          {func(h *realtime.Hook) { h.URL = "ftp://example.com" }, "hooks.crm.url"},
		"a password":              {func(h *realtime.Hook) { h.URL = "https://a:b@example.com" }, "hooks.crm.url"},
		"a fragment":              {func(h *realtime.Hook) { h.URL = "https://example.com/#a" }, "hooks.crm.url"},
		"opaque":                  {func(h *realtime.Hook) { h.URL = "https:example.com" }, "hooks.crm.url"},
		"a long url":              {func(h *realtime.Hook) { h.URL = "https://example.com/" + strings.Repeat("a", 2048) }, "hooks.crm.url"},
		"no event":                {func(h *realtime.Hook) { h.On = nil }, "hooks.crm.on"},
		"an event that is none":   {func(h *realtime.Hook) { h.On = []string{"disconnect"} }, "hooks.crm.on"},
		"one that is not served":  {func(h *realtime.Hook) { h.On = []string{"connected"} }, "hooks.crm.on"},
		"an event twice":          {func(h *realtime.Hook) { h.On = []string{"connect", "connect"} }, "hooks.crm.on"},
		"no route":                {func(h *realtime.Hook) { h.On = []string{"call:"} }, "hooks.crm.on"},
		"a star in a route":       {func(h *realtime.Hook) { h.On = []string{"call:*.a"} }, "hooks.crm.on"},
		"channels of connect":     {func(h *realtime.Hook) { h.On, h.Channels = []string{"connect"}, []realtime.Pattern{"a"} }, "hooks.crm.channels"},
		"a pattern that is none":  {func(h *realtime.Hook) { h.Channels = []realtime.Pattern{"a::b"} }, "hooks.crm.channels"},
		"a pattern with braces":   {func(h *realtime.Hook) { h.Channels = []realtime.Pattern{"a:{user}"} }, "hooks.crm.channels"},
		"another auth":            {func(h *realtime.Hook) { h.Auth = "basic" }, "hooks.crm.auth"},
		"no secret":               {func(h *realtime.Hook) { h.Secrets = nil }, "hooks.crm.secrets"},
		"three secrets":           {func(h *realtime.Hook) { h.Secrets = []string{secret, secret, secret} }, "hooks.crm.secrets"},
		"a secret without prefix": {func(h *realtime.Hook) { h.Secrets = []string{secret[6:]} }, "hooks.crm.secrets"},
		"a short secret": {func(h *realtime.Hook) {
			h.Secrets = []string{"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23))}
		}, "hooks.crm.secrets"},
		"a secret with oidc":     {func(h *realtime.Hook) { h.Auth = "oidc" }, "hooks.crm.secrets"},
		"too fast":               {func(h *realtime.Hook) { h.Timeout = realtime.Duration(time.Millisecond) }, "hooks.crm.timeout"},
		"too slow":               {func(h *realtime.Hook) { h.Timeout = realtime.Duration(11 * time.Second) }, "hooks.crm.timeout"},
		"another failure":        {func(h *realtime.Hook) { h.OnFailure = "ignore" }, "hooks.crm.onFailure"},
		"calls that are allowed": {func(h *realtime.Hook) { h.On, h.OnFailure = []string{"call:*"}, "allow" }, "hooks.crm.onFailure"},
		"cached for ever":        {func(h *realtime.Hook) { h.Cache = realtime.Duration(2 * time.Hour) }, "hooks.crm.cache"},
		"cached publishes":       {func(h *realtime.Hook) { h.On, h.Cache = []string{"publish"}, realtime.Duration(time.Second) }, "hooks.crm.cache"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := realtime.Hook{Name: "crm", URL: "https://example.com/hook", On: []string{"subscribe"}, Secrets: []string{secret}}
			c.change(&h)
			doc := &realtime.Tenant{ID: "acme", Hooks: []realtime.Hook{h}}
			err := document.Check(doc)
			if (err == nil) != (c.field == "") || err != nil && !strings.HasPrefix(err.Error(), c.field+": ") {
				t.Errorf("got %v, want a fault of %q", err, c.field)
			}
			if err != nil && (strings.Contains(err.Error(), secret[6:]) || realtime.CodeOf(err) != realtime.CodeBadRequest) {
				t.Errorf("got %v", err)
			}
			if text := fmt.Sprint(slog.AnyValue(&h).Resolve()); strings.Contains(text, "whsec") {
				t.Errorf("a log line would show %s", text)
			}
		})
	}
	twice := realtime.Hook{Name: "crm", URL: "https://example.com/hook", On: []string{"connect"}, Secrets: []string{secret}}
	if err := document.Check(&realtime.Tenant{ID: "acme", Hooks: []realtime.Hook{twice, twice}}); err == nil || !strings.Contains(err.Error(), "appears twice") {
		t.Errorf("a name twice: %v", err)
	}
	if err := document.Check(&realtime.Tenant{ID: "acme", Hooks: make([]realtime.Hook, 17)}); err == nil || !strings.HasPrefix(err.Error(), "hooks: ") {
		t.Errorf("17 hooks: %v", err)
	}
}
