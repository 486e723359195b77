// Page serves a page, the gateway it reads from and the token it needs, and
// publishes the time each second.
//
//	go run ./examples/page
package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	js "github.com/tidewire/tidewire/clients/js"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

//go:embed page.html page.js
var files embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:8083")
	if err == nil {
		fmt.Printf("http://%s\n", l.Addr())
		err = run(ctx, l)
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, l net.Listener) error {
	acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: rand.Text() + rand.Text()}}}}
	tenants, err := memory.NewTenants(acme)
	if err != nil {
		return err
	}
	signer, err := auth.NewSigner(acme)
	if err != nil {
		return err
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants})
	if err != nil {
		return errors.Join(err, broker.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", g)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "page.html") })
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "page.js") })
	mux.HandleFunc("GET /tidewire.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(js.Source) // the page may be gone
	})
	// A program of yours looks at its own session here and signs what its user may read.
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, _ *http.Request) {
		token, err := signer.Sign(auth.Claims{
			User: "guest", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"clock:*"}}, Expires: time.Now().Add(time.Hour),
		})
		if err != nil {
			http.Error(w, "no token", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, token)
	})
	ticking := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ticking <- tick(ctx, acme, g.Publisher()) }()
	err = g.Serve(ctx, l, mux)
	stop()
	return errors.Join(err, <-ticking, broker.Close())
}

// tick publishes the time each second until ctx ends.
func tick(ctx context.Context, t *realtime.Tenant, p *realtime.Publisher) error {
	clock, err := realtime.NewChannel(t.ID, "clock:utc")
	if err != nil {
		return err
	}
	for seconds := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			return nil
		case now := <-seconds.C:
			data, _ := json.Marshal(now.UTC().Format(time.TimeOnly)) // a string: never fails
			if err := p.Publish(ctx, t, []realtime.Publication{{Channel: clock, Key: "now", Data: data}}); err != nil {
				log.Print(err) // the next second is another try
			}
		}
	}
}
