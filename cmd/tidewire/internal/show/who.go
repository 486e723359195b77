// Package show prints what the management API answers, for people or as JSON.
package show

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
)

// Presence prints the members of a channel, one a line, or all as one JSON document.
func Presence(w io.Writer, p *client.Present, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{"members": p.Members, "count": p.Count})
	}
	for _, m := range p.Members {
		parts := []string{m.User}
		if m.Connection != "" {
			parts = append(parts, m.Connection)
		}
		if m.Data != nil {
			parts = append(parts, string(m.Data))
		}
		if _, err := fmt.Fprintln(w, strings.Join(parts, " ")); err != nil {
			return err
		}
	}
	if p.Count == len(p.Members) {
		return nil
	}
	_, err := fmt.Fprintf(w, "%d in all\n", p.Count)
	return err
}

// Demand prints a channel that somebody reads, and how it is wanted.
func Demand(w io.Writer, c *client.WantedChannel, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(c)
	}
	line := fmt.Sprintf("%s watchers=%d users=%d since=%s", c.Channel, c.Watchers, c.Users, time.UnixMilli(c.Since).UTC().Format(time.RFC3339))
	if c.MaxRate > 0 {
		line += fmt.Sprintf(" maxRate=%v", c.MaxRate)
	}
	if c.Keys != nil {
		line += fmt.Sprintf(" keys=%d", len(c.Keys))
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
