package client

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

func TestTemporary(t *testing.T) {
	t.Parallel()
	for code, want := range map[realtime.Code]bool{
		realtime.CodeUnavailable: true, realtime.CodeLimited: true, realtime.CodeDraining: true, realtime.CodeForbidden: false, realtime.CodeInternal: false,
	} {
		if err := fmt.Errorf("asking: %w", realtime.Errorf(code, "no")); Temporary(err) != want {
			t.Errorf("%s is temporary: %t", code, !want)
		}
	}
	if Temporary(nil) || Temporary(errors.New("no")) {
		t.Error("no error, or any error, is temporary")
	}
}

// An address that no server can have is a fault of the call, and the error holds nothing that may be a token.
func TestAddress(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"http://127.0.0.1:8080": true, "https://api.example.com/base/": true,
		"": false, "127.0.0.1:8080": false, "ftp://host": false, "http://host?token=secret": false, "http://user:secret@host": false, "http://host#secret": false,
	} {
		_, err := New(address, "t", "")
		if (err == nil) != good || err != nil && !errors.As(err, &usage.Error{}) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
