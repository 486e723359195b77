package demo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Tenants returns the documents of acme and globex. Each has a signing key of its own, made
// from secret (32 bytes or more), so that one tenant's key is worth nothing to the other.
func Tenants(secret string) map[string]*realtime.Tenant {
	tenants := map[string]*realtime.Tenant{}
	for _, id := range []string{"acme", "globex"} {
		tenants[id] = &realtime.Tenant{
			ID:         id,
			Auth:       realtime.Auth{Keys: []realtime.Key{{KID: "demo", Alg: "HS256", Secret: derive(secret, id)}}},
			Limits:     realtime.Limits{PublishesPerSecond: 500},
			Namespaces: namespaces(),
		}
	}
	return tenants
}

// namespaces are the rules of all channels. A page that is opened is given the newest value of each key.
func namespaces() map[string]realtime.Namespace {
	transient := false
	// What has not come for some minutes is not worth showing. The window is for readers of every value, such as tidewire tail.
	live := func(keys int) realtime.Namespace {
		return realtime.Namespace{
			Window: 4000, WindowFor: realtime.Duration(5 * time.Minute), Overflow: realtime.OverflowConflate,
			State: &realtime.State{Durable: &transient, Keys: keys},
		}
	}
	kept := realtime.Namespace{State: &realtime.State{Keys: 5000}}
	kept.Presence = &realtime.Presence{Of: realtime.PresenceOfConnection, Members: realtime.PresenceEntered}
	books := live(1000)
	books.Window = 200
	orders := realtime.Namespace{State: &realtime.State{Keys: 1000, TTL: realtime.Duration(24 * time.Hour)}}
	claims := realtime.Namespace{State: &realtime.State{Keys: 1000, TTL: realtime.Duration(24 * time.Hour)}}
	cursors := live(500)
	cursors.State.Assign, cursors.State.TTL, cursors.Window = realtime.AssignConnection, realtime.Duration(30*time.Second), 100
	charts := live(1000)
	charts.Window = 200
	vehicles := live(1000)
	vehicles.Filterable = []string{"data.lat", "data.lon"} // a map asks for what it shows
	return map[string]realtime.Namespace{
		"prices": live(1000), "charts": charts, "books": books, "orders": orders, "sensors": live(1000), "vehicles": vehicles,
		"crawl": live(1000), "services": live(100), "alerts": live(200), "claims": claims, "board": kept, "cursors": cursors, "documents": {State: &realtime.State{Keys: 5000}},
	}
}

// Writer is who sends what is simulated: it may publish that, see what of it somebody looks at, and read nothing.
func Writer(tenant string) *realtime.Principal {
	return &realtime.Principal{
		Tenant: tenant, User: "simulation",
		Grants: realtime.Grants{
			Publish: []realtime.Pattern{"prices:*", "charts:*", "books:*", "sensors:*", "services:*", "alerts:*", "vehicles:*"}, Demand: watchedPatterns(),
		},
	}
}

func derive(secret, tenant string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("tidewire demo tenant " + tenant))
	return hex.EncodeToString(mac.Sum(nil))
}

// watchedPatterns are all channels of watchedNamespaces.
func watchedPatterns() []realtime.Pattern {
	names := watchedNamespaces()
	all := make([]realtime.Pattern, 0, len(names))
	for _, name := range names {
		all = append(all, realtime.Pattern(name+":**"))
	}
	return all
}
