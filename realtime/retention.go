package realtime

import (
	"strings"
	"time"
)

// DefaultRetention is how long the topics of a Broker keep what was published, if it does not say.
const DefaultRetention = 10 * time.Minute

// MaxRetention is the longest that the topics of any Broker keep what was published: Pub/Sub's 31 days.
const MaxRetention = 31 * 24 * time.Hour

// Retainer is a Broker that says for how long its topics keep what was published, at least: so far back a replay reaches, and
// so long a record of a channel may be asked to be. Every Broker may claim it. Retention does not change.
type Retainer interface {
	Retention() time.Duration
}

// RetentionOf returns how long the topics of a broker keep what was published.
func RetentionOf(b Broker) time.Duration {
	if r, ok := b.(Retainer); ok {
		return r.Retention()
	}
	return DefaultRetention
}

// shortly writes a duration without the zeros at its end: 10m.
func shortly(d time.Duration) string {
	s := d.String()
	for _, zeros := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zeros) {
			s = s[:len(s)-2]
		}
	}
	return s
}
