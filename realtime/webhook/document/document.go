// Package document knows what tenants' documents say of hooks: what they are asked about, and whether that can work. Stores ask it whenever they ask
// realtime.Tenant.Check: a hook with a misspelt event would be passed by in silence.
package document

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// The bounds of a hook.
const (
	MaxTimeout = 10 * time.Second
	MaxCache   = time.Hour

	maxHooks      = 16 // of a tenant
	maxURLBytes   = 2048
	maxEvents     = 32
	maxRouteBytes = 256
	maxChannels   = 64
)

// Check refuses a document with a hook that cannot be called. The error has CodeBadRequest and names the field.
func Check(t *realtime.Tenant) error {
	if len(t.Hooks) > maxHooks {
		return realtime.Errorf(realtime.CodeBadRequest, "hooks: must be at most %d, got %d", maxHooks, len(t.Hooks))
	}
	for i := range t.Hooks {
		h := &t.Hooks[i]
		if !isName(h.Name) {
			return realtime.Errorf(realtime.CodeBadRequest, "hooks.name: must be 1 to 64 letters, digits, '-', '_' and '.', got %.64q", h.Name)
		}
		if slices.ContainsFunc(t.Hooks[:i], func(other realtime.Hook) bool { return other.Name == h.Name }) {
			return realtime.Errorf(realtime.CodeBadRequest, "hooks.name: %q appears twice", h.Name)
		}
		for _, check := range []func(*realtime.Hook) error{checkURL, checkEvents, checkAuth, checkTimes, checkFailure} {
			if err := check(h); err != nil {
				return realtime.Errorf(realtime.CodeBadRequest, "hooks.%s.%v", h.Name, err)
			}
		}
	}
	return nil
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

// checkURL refuses a URL that cannot be called, or would be called in the clear. Where its name leads is judged when it is called.
func checkURL(h *realtime.Hook) error {
	u, err := url.Parse(h.URL)
	switch {
	case len(h.URL) > maxURLBytes:
		return fmt.Errorf("url: must be at most %d bytes, got %d", maxURLBytes, len(h.URL))
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("url: must be a URL such as https://example.com/hook, got %.64q", h.URL)
	case u.User != nil || u.Fragment != "":
		return errors.New("url: must have no user, password or fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("url: must begin with https://, got %.64q", h.URL)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func checkEvents(h *realtime.Hook) error {
	if len(h.On) == 0 || len(h.On) > maxEvents {
		return fmt.Errorf("on: must be 1 to %d events, got %d", maxEvents, len(h.On))
	}
	for i, on := range h.On {
		if slices.Contains(h.On[:i], on) {
			return fmt.Errorf("on: %.64q appears twice", on)
		}
		route, call := strings.CutPrefix(on, "call:")
		switch {
		case call && (route == "" || len(route) > maxRouteBytes || strings.Contains(strings.TrimSuffix(route, "*"), "*")):
			return fmt.Errorf("on: %.64q must have a route of 1 to %d bytes, with '*' only at its end", on, maxRouteBytes)
		case call, on == string(realtime.HookConnect), on == string(realtime.HookSubscribe), on == string(realtime.HookPublish):
		default:
			return fmt.Errorf("on: must be connect, subscribe, publish or call:ROUTE, got %.64q", on)
		}
	}
	switch asks := slices.Contains(h.On, string(realtime.HookSubscribe)) || slices.Contains(h.On, string(realtime.HookPublish)); {
	case len(h.Channels) > maxChannels:
		return fmt.Errorf("channels: must be at most %d patterns, got %d", maxChannels, len(h.Channels))
	case len(h.Channels) > 0 && !asks:
		return errors.New("channels: is for subscribe and publish, and on has neither")
	}
	for _, p := range h.Channels {
		if err := realtime.CheckPattern(string(p)); err != nil || strings.Contains(string(p), "{") {
			return fmt.Errorf("channels: %.64q must be a pattern without braces: a hook is asked about all users", p)
		}
	}
	return nil
}

func checkAuth(h *realtime.Hook) error {
	switch h.Auth {
	case "", realtime.HookHMAC:
		if len(h.Secrets) == 0 || len(h.Secrets) > 2 {
			return fmt.Errorf("secrets: must be one, or two while one replaces the other, got %d", len(h.Secrets))
		}
	case realtime.HookOIDC:
		if len(h.Secrets) > 0 {
			return errors.New("secrets: is for auth hmac")
		}
	default:
		return fmt.Errorf("auth: must be hmac or oidc, got %.64q", h.Auth)
	}
	_, err := Keys(h)
	return err
}

func checkTimes(h *realtime.Hook) error {
	asksOnce := slices.Contains(h.On, string(realtime.HookConnect)) || slices.Contains(h.On, string(realtime.HookSubscribe))
	switch timeout, cache := time.Duration(h.Timeout), time.Duration(h.Cache); {
	case timeout != 0 && (timeout < 100*time.Millisecond || timeout > MaxTimeout):
		return fmt.Errorf("timeout: must be 100ms to %s, got %s", MaxTimeout, timeout)
	case cache < 0 || cache > MaxCache:
		return fmt.Errorf("cache: must be 0s to 1h, got %s", cache)
	case cache > 0 && !asksOnce:
		return errors.New("cache: is for answers to connect and subscribe, and on has neither")
	}
	return nil
}

func checkFailure(h *realtime.Hook) error {
	switch h.OnFailure {
	case "", realtime.HookRefuse:
	case realtime.HookAllow:
		if !slices.ContainsFunc(h.On, func(on string) bool { return !strings.HasPrefix(on, "call:") }) {
			return errors.New("onFailure: a call cannot be allowed without an answer")
		}
	default:
		return fmt.Errorf("onFailure: must be refuse or allow, got %.64q", h.OnFailure)
	}
	return nil
}

// Keys returns what signs the requests to a hook with auth hmac. An error does not show the secrets.
func Keys(h *realtime.Hook) ([][]byte, error) {
	keys := make([][]byte, 0, len(h.Secrets))
	for _, s := range h.Secrets {
		text, begins := strings.CutPrefix(s, "whsec_")
		key, err := base64.StdEncoding.Strict().DecodeString(text)
		if !begins || err != nil || len(key) < 24 || len(key) > 64 {
			return nil, errors.New("secrets: must each be whsec_ and 24 to 64 bytes in base64")
		}
		keys = append(keys, key)
	}
	return keys, nil
}
