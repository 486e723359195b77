// Page serves a page, the gateway it talks to and the token it needs: what one
// browser says, all of them see.
//
//	go run ./examples/page
package main

import (
	"embed"
	"io"
	"io/fs"
	"net/http"
	"time"

	js "github.com/tidewire/tidewire/clients/js"
	"github.com/tidewire/tidewire/examples/local"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
)

//go:embed files
var files embed.FS

var talk = realtime.Grants{Subscribe: []realtime.Pattern{"talk:*"}, Publish: []realtime.Pattern{"talk:*"}}

func build(p *local.Parts) (*gateway.Gateway, error) {
	page, err := fs.Sub(files, "files")
	if err != nil {
		return nil, err
	}
	p.Mux.Handle("/", http.FileServerFS(page))
	p.Mux.HandleFunc("GET /tidewire.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(js.Source) // the page may be gone
	})
	// A program of your own looks at its session here and signs what its user may do.
	p.Mux.HandleFunc("GET /token", func(w http.ResponseWriter, _ *http.Request) {
		token, err := p.Signer.Sign(auth.Claims{User: "guest", Grants: talk, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			http.Error(w, "no token", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, token)
	})
	return gateway.New(gateway.Options{Broker: p.Broker, Tenants: p.Tenants})
}

func main() { local.Run("127.0.0.1:8083", "guest", talk, build) }
