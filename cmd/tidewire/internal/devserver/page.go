package devserver

import (
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// pageToken is how long a token of /token is good: short enough that a page of one's own shows whether it renews it.
const pageToken = 10 * time.Minute

// servePage serves the folder of a page, and the tokens that it asks for, which anybody is given: what a server of one's own does for those who
// have signed in.
func (d *Server) servePage(mux *http.ServeMux) {
	files := http.FileServerFS(os.DirFS(d.o.Page))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache") // it is being written
		switch name := path.Base(r.URL.Path); {
		case name == "tenants.json" || strings.HasPrefix(name, "."):
			http.NotFound(w, r) // keys
		default:
			files.ServeHTTP(w, r)
		}
	})
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if d.tenantOfToken == "" {
			problem.Write(w, realtime.Errorf(realtime.CodeNotFound, "no tenant has a key that can sign; tenants.json needs one"))
			return
		}
		all := []realtime.Pattern{"**"}
		token, err := d.sign(r.Context(), &realtime.Principal{
			Tenant: d.tenantOfToken, User: "guest", Issued: time.Now(), Expires: time.Now().Add(pageToken),
			Grants: realtime.Grants{Subscribe: all, Publish: all, Presence: all},
		})
		if err != nil {
			problem.Write(w, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(token)) // the page may be gone
	})
}
