package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// An answer that is no problem document, as a proxy's, has the code that its status suggests.
func TestRefusalsOfProxies(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]realtime.Code{
		http.StatusBadGateway: realtime.CodeUnavailable, http.StatusTooManyRequests: realtime.CodeUnavailable, http.StatusNotFound: realtime.CodeInternal,
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(status)
		err := refusedBy(w.Result(), []byte("<html>"))
		if err.Why.Code != want || err.Status != status || err.Why.RetryAfter.Seconds() != 3 {
			t.Errorf("%d: %+v, %+v", status, err, err.Why)
		}
	}
}
