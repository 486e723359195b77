package realtime

import (
	"log/slog"
	"time"
)

// Hook is a program of a tenant's own that a gateway asks over HTTP: whether a client may connect, subscribe or publish, and for the answers to calls.
// docs/handlers.md has the requests. A zero field has the default stated.
type Hook struct {
	// Name tells the tenant's hooks apart, in errors and logs.
	Name string `json:"name"`
	// URL takes the requests. It begins with https://, or with http:// on a loopback address, which only a server for development calls.
	URL string `json:"url"`
	// On lists what the hook is asked about: connect, subscribe, publish, and call: with a route, which may end in '*'.
	On []string `json:"on"`
	// Channels are those that it is asked about, of subscribe and publish; none is all.
	Channels []Pattern `json:"channels,omitempty"`
	// Auth is how the hook knows that a request is genuine: HookHMAC, the default, or HookOIDC.
	Auth string `json:"auth,omitempty"`
	// Secrets sign the requests, with HookHMAC: one, or two while one replaces the other; each is "whsec_" and 24 to 64 bytes in base64.
	Secrets []string `json:"secrets,omitempty"`
	// Timeout is how long a request may take, DefaultHookTimeout if it is 0.
	Timeout Duration `json:"timeout,omitempty"`
	// OnFailure is what becomes of a connect, subscribe or publish if the hook gives no answer: HookRefuse, the default, or HookAllow.
	OnFailure string `json:"onFailure,omitempty"`
	// Cache is for how long an answer about connect and subscribe counts for the same user, groups and grants; 0 asks each time.
	Cache Duration `json:"cache,omitempty"`
}

// HookEvent is what a hook is asked about.
type HookEvent string

// The events.
const (
	HookConnect      HookEvent = "connect"
	HookSubscribe    HookEvent = "subscribe" // to a channel or a pattern, and reads of history
	HookPublish      HookEvent = "publish"
	HookCall         HookEvent = "call"
	HookDisconnected HookEvent = "disconnected" // of a program's own hooks alone
)

// What Hook.Auth and Hook.OnFailure may be.
const (
	HookHMAC   = "hmac" // a signature of Standard Webhooks
	HookOIDC   = "oidc" // a Google ID token whose audience is the URL
	HookRefuse = "refuse"
	HookAllow  = "allow"
)

// DefaultHookTimeout is the Timeout of a Hook that says none.
const DefaultHookTimeout = 3 * time.Second

// LogValue names the hook and hides its secrets.
func (h *Hook) LogValue() slog.Value { return slog.StringValue(h.Name) }
