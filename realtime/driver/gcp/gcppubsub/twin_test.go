package gcppubsub

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// A stream that ends because its pull broke does not say that it goes on: whoever receives from it would
// ask again for ever.
func TestEndIfBrokenIsNoErrBroken(t *testing.T) {
	t.Parallel()
	put := (&twin{}).endsIfBroken(func(context.Context, batch) error { return nil })
	err := put(t.Context(), batch{err: errBroken("tw-acme", io.ErrUnexpectedEOF)})
	if errors.Is(err, realtime.ErrBroken) || realtime.CodeOf(err) != realtime.CodeUnavailable {
		t.Errorf("it ends with %v", err)
	}
	if err := put(t.Context(), batch{}); err != nil {
		t.Errorf("a batch that came: %v", err)
	}
}
