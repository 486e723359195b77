// Package local is what the examples share: one tenant with a new key at every
// start, everything in memory, and a server on this machine. A program of your own
// brings its tenants and its Broker instead, and its identity provider signs the tokens.
package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// Parts are what an example makes its gateway of.
type Parts struct {
	Tenant  *realtime.Tenant // acme
	Tenants *memory.Tenants  // holds it
	Broker  *memory.Broker
	Signer  *auth.Signer   // signs tokens of the tenant
	Mux     *http.ServeMux // serves the gateway at /v1/, and what the example adds
}

// Run is main: it serves what build makes until it is interrupted, prints where, and gives tokens to whoever asks at
// /token?user=NAME, which is user if nobody is named. All users have the same grants.
func Run(addr, user string, grants realtime.Grants, build func(*Parts) (*gateway.Gateway, error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err == nil {
		err = Serve(ctx, l, func(p *Parts) (*gateway.Gateway, error) {
			p.Mux.HandleFunc("GET /token", Token(p.Signer, user, grants))
			fmt.Printf("http://%s, and a token at http://%s/token\n", addr, addr)
			return build(p)
		})
	}
	if stop(); err != nil {
		log.Fatal(err)
	}
}

// Token gives a token to whoever asks. A program of your own looks at its session here, and signs what its user may do.
func Token(signer *auth.Signer, user string, grants realtime.Grants) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, err := signer.Sign(auth.Claims{User: cmp.Or(r.FormValue("user"), user), Grants: grants, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			http.Error(w, "no token", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, token) // who asked may be gone
	}
}

// Serve serves on l what build makes, until ctx ends.
func Serve(ctx context.Context, l net.Listener, build func(*Parts) (*gateway.Gateway, error)) error {
	p := &Parts{
		Tenant: &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: rand.Text() + rand.Text()}}}},
		Broker: memory.NewBroker(memory.BrokerOptions{}), Mux: http.NewServeMux(),
	}
	var unmade, unsigned error
	p.Tenants, unmade = memory.NewTenants(p.Tenant)
	p.Signer, unsigned = auth.NewSigner(p.Tenant)
	if err := errors.Join(unmade, unsigned); err != nil {
		return err
	}
	g, err := build(p)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	p.Mux.Handle("/v1/", g)
	return errors.Join(g.Serve(ctx, l, p.Mux), p.Broker.Close(context.Background()))
}
