package realtime

import "time"

// Member is a user who is present on a channel.
type Member struct {
	User   string   `json:"user"`
	Groups []string `json:"groups,omitempty"`
}

var _ time.Duration
