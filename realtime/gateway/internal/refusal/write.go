package refusal

import (
	"net/http"

	"github.com/tidewire/tidewire/realtime/problem"
)

// Write answers a request with a problem document that any page may read.
func Write(w http.ResponseWriter, err error) {
	AllowPages(w.Header())
	problem.Write(w, err)
}

// AllowPages lets any page read what is answered. Which pages may connect is
// asked of the tenant; nothing here depends on cookies, so a page that may not learns only that.
func AllowPages(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}
