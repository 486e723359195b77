// Page serves a page, the gateway it talks to and the token it needs: what one
// browser says, all of them see.
//
//	go run ./examples/page
package main

import (
	"embed"
	"io/fs"
	"net/http"

	js "github.com/tidewire/tidewire/clients/js"
	"github.com/tidewire/tidewire/examples/local"
	"github.com/tidewire/tidewire/realtime"
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
	return gateway.New(gateway.Options{Broker: p.Broker, Tenants: p.Tenants})
}

func main() { local.Run("127.0.0.1:8083", "guest", talk, build) }
