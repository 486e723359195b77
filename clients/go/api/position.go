package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tidewire/tidewire/realtime"
)

// Position returns a position of a channel for tidewire.Loader.Load: asked for before loading, everything that is published once it has been answered comes after
// it, and something of the two seconds before may. The Client is one of the management API; its token is one that may subscribe to the channel, or read all histories.
func (h *Client) Position(ctx context.Context, tenant, channel string) (string, error) {
	if _, err := realtime.NewChannel(tenant, channel); err != nil {
		return "", err
	}
	answer, _, err := h.Do(ctx, http.MethodGet, h.url.JoinPath("v1", "tenants", url.PathEscape(tenant), "channels", url.PathEscape(channel), "position"), nil, nil)
	if err != nil {
		return "", err
	}
	var is struct{ Position string }
	if err := json.Unmarshal(answer, &is); err != nil {
		return "", fmt.Errorf("the answer is no JSON: %w", err)
	}
	if at, err := realtime.ParsePosition(is.Position); err != nil || at.IsZero() {
		return "", fmt.Errorf("the answer has no position: %.100q", answer)
	}
	return is.Position, nil
}
