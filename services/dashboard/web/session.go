package web

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Session is who the page is and what it may read. The token stays in the memory of the page.
type Session struct {
	Tenant string   `json:"tenant"`
	User   string   `json:"user"`
	Groups []string `json:"groups"`
	Token  string   `json:"token"`
	// URL is the origin of the gateway, if it is not the page's own.
	URL      string    `json:"url,omitempty"`
	Channels []Channel `json:"channels"`
	// Dashboards are those that the page offers, the first one first; nil is those of Channels.
	Dashboards []string `json:"dashboards,omitempty"`
	// Manage are the parts of the management API that the token grants, which the console shows.
	Manage []string `json:"manage,omitempty"`
	// Views are what the page offers to switch to.
	Views []View `json:"views,omitempty"`
	// Time is the server's clock in milliseconds since 1970, for comparing
	// clocks. The handler sets it.
	Time int64 `json:"time"`
}

// Channel is what the page shows of one channel.
type Channel struct {
	// Dashboard is where it is shown; empty is trading.
	Dashboard string `json:"dashboard,omitempty"`

	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit"`
	// Note says where the values come from.
	Note string `json:"note"`
	// EveryMS is how often a value is expected to come; one that is older than
	// some times that is shown as stale. 0 is never.
	EveryMS int64 `json:"everyMs,omitempty"`
	// Columns are those of a table, where the user has a choice of their own.
	Columns []string `json:"columns,omitempty"`
	// Keys are those of the watchlist; nil is all that the user may see.
	Keys []string `json:"keys,omitempty"`
}

// View is a tenant and group that can be looked at.
type View struct {
	Tenant string `json:"tenant"`
	Group  string `json:"group"`
	Title  string `json:"title"`
	// Dashboards are what can be looked at as it.
	Dashboards []string `json:"dashboards,omitempty"`
}

// demoSession answers GET /demo/session?tenant=&group= with a new session.
func demoSession(o Options) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !ownPage(r, o.Hosts) {
			problem.Write(w, realtime.Errorf(realtime.CodeForbidden, "the demo gives tokens only to its own page; open it at the address it listens on"))
			return
		}
		q := r.URL.Query()
		s, err := o.Session(r.Context(), q.Get("tenant"), q.Get("group"))
		if err != nil {
			if realtime.CodeOf(err) == realtime.CodeInternal && o.Logger != nil {
				o.Logger.ErrorContext(r.Context(), "demo session", realtime.KeyError, err)
			}
			problem.Write(w, err)
			return
		}
		if s.URL == "" {
			s.URL = o.Gateway
		}
		s.Time = time.Now().UnixMilli()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s) //nolint:errcheck // the client has gone; there is nobody to tell
	}
}

// ownPage refuses pages of other sites. They cannot read an answer from another
// origin, unless their name was made to point here (DNS rebinding): so the host has to be an
// address or localhost, which no foreign site can be, or one of ours.
func ownPage(r *http.Request, ours []string) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || slices.Contains(ours, strings.ToLower(host)) {
		return true
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}
