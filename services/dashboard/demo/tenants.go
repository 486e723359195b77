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
			ID:   id,
			Auth: realtime.Auth{Keys: []realtime.Key{{KID: "demo", Alg: "HS256", Secret: derive(secret, id)}}},
			Namespaces: map[string]realtime.Namespace{
				// Five minutes of ten prices a second, so that a page that is opened or
				// comes back has its charts filled. A reader that is too slow for them
				// all wants the newest of each symbol.
				"prices": {Window: 4000, WindowFor: realtime.Duration(5 * time.Minute), Overflow: realtime.OverflowConflate},
			},
		}
	}
	return tenants
}

// Reader is who looks at a group's dashboard: it may read the channels of its group and nothing else.
func Reader(tenant, group string) *realtime.Principal {
	return &realtime.Principal{
		Tenant: tenant, User: group + "-desk", Groups: []string{group},
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:{group}"}},
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
