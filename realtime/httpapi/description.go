package httpapi

import (
	_ "embed"
	"net/http"
)

// Description is the OpenAPI 3.1 document of Tidewire's HTTP calls: those of this package, of the ingest function and
// of the gateway.
//
//go:embed openapi.json
var Description string

func serveDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(Description)) // the caller may be gone: nobody is left to tell
}
