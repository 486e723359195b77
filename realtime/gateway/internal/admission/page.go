package admission

import (
	"net/http"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// Page is where a client came from. A client that named no origin is not a page.
type Page struct {
	Origins []string // as its request named them; no page names more than one
	host    string
}

func pageOf(r *http.Request) Page {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return Page{}
	}
	return Page{origins, r.Host}
}

// Allowed reports whether the tenant's document lets the page connect.
func (p Page) Allowed(t *realtime.Tenant) bool {
	return len(p.Origins) == 0 || len(p.Origins) == 1 && auth.AllowPage(t, p.Origins[0], p.host)
}
