package problem

import (
	"log/slog"
	"net/http"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// Contain returns a handler whose panics end the request that they are in, are logged with their stack and are counted,
// as contain.Do does. net/http alone would log them where its ErrorLog goes. How much has been answered is not known,
// so the connection is cut, as net/http does.
func Contain(next http.Handler, log *slog.Logger, count realtime.Metrics) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		aborted := false
		bad := contain.Do(log, count, contain.Request, func() {
			defer func() {
				if fault := recover(); fault == http.ErrAbortHandler { //nolint:errorlint // it is that very value
					aborted = true
				} else if fault != nil {
					panic(fault)
				}
			}()
			next.ServeHTTP(w, r)
		})
		if aborted || bad != nil {
			panic(http.ErrAbortHandler) // net/http says nothing of this one
		}
	})
}
