package realtimetest

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// retention: what was published within the time that topics keep messages comes again, and a stream that asks for more
// claims no more than that.
func retention(b *bed) {
	kept := realtime.RetentionOf(b.broker)
	if kept <= 0 {
		b.Fatalf("topics keep messages for %v", kept)
	}
	if other := realtime.RetentionOf(b.other); other != kept {
		b.Errorf("topics keep messages for %v as one process has it, and for %v as another", kept, other)
	}
	b.publish(b.broker, b.topic, event(b.channel("acme", "prices"), "1"))
	now := time.Now()
	r := b.follow(b.other, realtime.Following{Instance: "i2", Generation: 1, Since: now.Add(-10 * kept)})
	if claim := r.stream.CompleteSince(); claim.Before(now.Add(-kept - b.harness.Patience)) {
		b.Errorf("a stream claims to be complete since %v, though topics keep no more than %v", claim, kept)
	}
	r.read(1)
}
