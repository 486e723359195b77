package web

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/tidewire/tidewire/clients/js"
)

//go:embed pages
var pages embed.FS

// Options are the choices of a Handler. The zero value serves the page alone.
type Options struct {
	// Session makes the session of a demo, served at /demo/session to anybody who can
	// reach the server. Nil, as in production, serves none.
	Session func(ctx context.Context, tenant, group string) (Session, error)
	// Gateway is the origin of the gateway if it is not the page's own, such as https://live.example.com: sessions
	// name it, and the page may connect to it.
	Gateway string
	// Hosts are the names, without a port, by which the page may be opened for a session. An address and localhost are
	// always good: a page of another site cannot have them, as it could have a name that it made to point here.
	Hosts []string
	// Logger is told of faults; nil is nobody.
	Logger *slog.Logger
}

// Handler serves the dashboard at /, its parts beside it and the browser client at
// /tidewire.js. It is safe for concurrent use.
//
// Every file has an ETag and is asked for again at each load, so that a new
// version of the program is a new version of all of the page.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	if err := fs.WalkDir(pages, "pages", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := pages.ReadFile(name)
		if err != nil {
			return err
		}
		route := strings.TrimPrefix(name, "pages")
		if route == "/index.html" {
			route = "/{$}"
		}
		mux.Handle("GET "+route, newFile(path.Base(name), content))
		return nil
	}); err != nil {
		panic(fmt.Sprintf("web: the embedded pages: %v", err)) // they are part of the program
	}
	mux.Handle("GET /tidewire.js", newFile("tidewire.js", js.Source))
	if o.Session != nil {
		mux.Handle("GET /demo/session", demoSession(o))
	}
	return secure(o.Gateway, mux)
}

// secure sets the headers that keep everything foreign out of the page.
func secure(gateway string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy(r.Host, gateway))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		next.ServeHTTP(w, r)
	})
}

// policy is the Content-Security-Policy of a page at host. Not every browser counts the
// sockets of the own host as 'self', so they are named.
func policy(host, gateway string) string {
	connect := "'self'"
	if host != "" && strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") == "" {
		connect += " ws://" + host + " wss://" + host
	}
	if gateway != "" {
		connect += " " + gateway + " " + strings.Replace(gateway, "http", "ws", 1)
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " + connect +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}
