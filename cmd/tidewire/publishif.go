package main

import (
	"context"
	"encoding/json"
	"fmt"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// notAppliedError is an event whose condition did not hold.
type notAppliedError struct{ error }

const ifHelp = `--if publishes only if something holds of --key when the event is stored: absent, that
it has no value; present, that it has one; a position, that its value is the one that
was published there. It needs --socket, because the ingest endpoint does not follow
channels, and a namespace that keeps state. Where it does not hold, nobody is given the
event, and the exit code is 6. With --json the answer has "applied", and "position": its
own, or that of the value which the key has instead, left out if it has none.
`

// parseIf reads --if.
func parseIf(text string) (tidewire.Condition, error) {
	switch text {
	case "absent":
		return tidewire.IfAbsent(), nil
	case "present":
		return tidewire.IfPresent(), nil
	}
	if at, err := realtime.ParsePosition(text); err != nil || at.IsZero() {
		return tidewire.Condition{}, usage.Errorf("--if: must be absent, present or a position, got %q", text)
	}
	return tidewire.IfAt(text), nil
}

// checkIf refuses what --if cannot go with.
func (p *publishing) checkIf(overSocket bool) error {
	switch {
	case p.condition == nil:
		return nil
	case !overSocket:
		return usage.Errorf("--if: needs --socket; the ingest endpoint takes no conditions")
	case p.standard.Key == "":
		return usage.Errorf("--if: needs --key")
	}
	return nil
}

// publishIf publishes one event as a page does, if its condition holds.
func (p *publishing) publishIf(ctx context.Context, to access, e event) error {
	var d tidewire.Decision
	err := client.OverSocket(ctx, to.url, to.token, func(ctx context.Context, c *tidewire.Client) (err error) {
		d, err = c.PublishIf(ctx, e.Event, *p.condition)
		return err
	})
	if err != nil {
		return err
	}
	if p.json {
		answer := struct {
			ID       string `json:"id"`
			Applied  bool   `json:"applied"`
			Position string `json:"position,omitempty"`
		}{d.ID, d.Applied, d.Position}
		if err := json.NewEncoder(p.out).Encode(answer); err != nil {
			return err
		}
	}
	switch {
	case !d.Applied && d.Position == "":
		return notAppliedError{fmt.Errorf("not published: key %q has no value", e.Key)}
	case !d.Applied:
		return notAppliedError{fmt.Errorf("not published: key %q has the value that was published at %s", e.Key, d.Position)}
	case p.json:
		return nil
	}
	_, err = fmt.Fprintf(p.out, "published 1 at %s\n", d.Position)
	return err
}
