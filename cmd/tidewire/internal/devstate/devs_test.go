package devstate_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devstate"
)

// A dev that is too busy to answer is not said to have ended: nobody would look for it then.
func TestSilentDev(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections, and nobody answers them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	folder, err := devstate.Find(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	silent := devstate.New("http://"+listener.Addr().String(), "", true)
	if err := folder.Announce(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{"none is named": "", "it is named": silent.URL} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, _, err := folder.Pick(ctx, address, func(devstate.Dev) error { return nil })
		cancel()
		if err == nil || !strings.Contains(err.Error(), "the dev server at "+silent.URL+" does not answer") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
