package gateway_test

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// A user that was logged out does not come in again with the token it had; others do.
func TestLoggedOut(t *testing.T) {
	t.Parallel()
	logouts := memory.NewRevocations()
	s := start(t, gateway.Options{Revocations: logouts})
	token := s.token("acme", "ann")
	if err := logouts.Revoke(t.Context(), "acme", "ann", time.Now().Add(time.Second), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if f := s.dial(token).closed(4401); f.Code != realtime.CodeUnauthorized {
		t.Errorf("was told %+v", f)
	}
	s.connect("acme", "bob")
}
