package explain

// Outcome is what would become of an event for a subscription, or for a connection that has none.
type Outcome string

// The outcomes.
const (
	Delivered     Outcome = "delivered"      // sent at once
	Projected     Outcome = "projected"      // as Delivered, without the members of data that are not shown
	Queued        Outcome = "queued"         // sent when the client has taken what waits for it
	Conflated     Outcome = "conflated"      // sent with the next flush, unless something newer of its key comes before
	Paused        Outcome = "paused"         // not before the client goes on, and then the newest of each key
	Left          Outcome = "left"           // the client is told that the key has gone out of its sight, and nothing else
	Filtered      Outcome = "filtered"       // not shown
	Unchanged     Outcome = "unchanged"      // what is shown of the key is as it was, and is not told again
	NotSubscribed Outcome = "not-subscribed" // the connection does not read the channel, and may
	NoGrant       Outcome = "no-grant"       // the connection may not read the channel
)

// Line is what is said of a subscription, or of a connection that has none.
type Line struct {
	Connection string `json:"connection"`
	User       string `json:"user"`
	// Pattern is that of the subscription, if it is one to a pattern, and Sub what the client calls it.
	Pattern string  `json:"pattern,omitempty"`
	Sub     string  `json:"sub,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Rule names what decides, as it is called in the tenant's document, the token or the subscribe; empty if nothing stands in the way.
	Rule   string `json:"rule,omitempty"`
	Detail string `json:"detail,omitempty"`
}
