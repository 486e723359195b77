package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// losePatience refuses the questions that have waited too long, as many as one hold of
// the lock allows. It reports whether there are more.
func (f *feed) losePatience(now time.Time) (more bool) {
	for q := f.asked.First(); q != nil && now.Sub(q.Asked) >= f.pace.patience(); q = f.asked.First() {
		if f.fx.Tired() {
			return true
		}
		f.refuse(q, &realtime.Error{Code: realtime.CodeUnavailable, Message: "channel: the backend did not answer in time", RetryAfter: 5 * time.Second})
	}
	return false
}
