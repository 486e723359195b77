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
	tenants, transient := map[string]*realtime.Tenant{}, false
	for _, id := range []string{"acme", "globex"} {
		tenants[id] = &realtime.Tenant{
			ID:   id,
			Auth: realtime.Auth{Keys: []realtime.Key{{KID: "demo", Alg: "HS256", Secret: derive(secret, id)}}},
			Namespaces: map[string]realtime.Namespace{
				// A page that is opened is given the newest price of each symbol. One that has not come for some
				// minutes is not worth showing. The window is for readers of every price, such as tidewire tail.
				"prices": {
					Window: 4000, WindowFor: realtime.Duration(5 * time.Minute), Overflow: realtime.OverflowConflate,
					State: &realtime.State{Durable: &transient, Keys: 1000},
				},
			},
		}
	}
	return tenants
}

// Reader is who looks at a group's dashboard: it may read the channels of its group and nothing else, and of these what is meant for its desk,
// whatever filter the page asks for.
func Reader(tenant, group string) *realtime.Principal {
	return &realtime.Principal{
		Tenant: tenant, User: group + "-desk", Groups: []string{group},
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:{group}"}},
		Views:  realtime.Views{Filters: map[realtime.Pattern][]string{"prices:**": {"tags.desk == '{group}'"}}},
	}
}

// Writer is who replays the recordings: it may publish prices and read nothing.
func Writer(tenant string) *realtime.Principal {
	return &realtime.Principal{
		Tenant: tenant, User: "market-replay",
		Grants: realtime.Grants{Publish: []realtime.Pattern{"prices:*"}},
	}
}

func derive(secret, tenant string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("tidewire demo tenant " + tenant))
	return hex.EncodeToString(mac.Sum(nil))
}
