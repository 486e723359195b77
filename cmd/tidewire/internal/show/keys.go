package show

import (
	"fmt"
	"io"
	"time"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
)

// Keys prints the keys of a tenant, one a line, and a secret that was made.
func Keys(w io.Writer, k *client.Keys) error {
	for _, key := range k.Keys {
		line := key.Alg
		if key.KID != "" {
			line = key.KID + " " + line
		}
		if !key.Until.IsZero() {
			line += " until " + key.Until.UTC().Format(time.RFC3339)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if k.Secret == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "secret of %s: %s\n", k.KID, k.Secret)
	return err
}
