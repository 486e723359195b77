package realtime

// Member is a user who is present on a channel: one or more of its connections
// are subscribed to it.
type Member struct {
	User   string   `json:"user"`
	Groups []string `json:"groups,omitempty"`
}
