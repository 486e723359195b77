package demo

import (
	"fmt"
	"time"
)

// Feed makes the events of one source.
type Feed struct {
	Name string // in logs and errors
	// Every is how often Next is called.
	Every time.Duration
	// Next returns what is new, which may be nothing. It is called by one goroutine.
	Next func(now time.Time) []Event
}

// Event is one that a Feed makes. With Delete, the value of its key is removed and Data is nil.
type Event struct {
	Channel string
	Key     string
	Tags    map[string]string
	Data    any
	Delete  bool
}

// Feeds returns all that is simulated for a tenant. It reads the embedded recordings; an error means that they are damaged.
// Each call makes a world of its own, that begins as it would have if it had run since midnight UTC.
func Feeds(tenant string) ([]Feed, error) {
	watched, err := desks(tenant)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	var feeds []Feed
	for _, d := range watched {
		feeds = append(feeds, d.feeds(tenant)...)
	}
	return append(feeds, plant(tenant), services(tenant), fleet(tenant)), nil
}

// stamped is part of every event's data: when it was sent, by the producer's clock in milliseconds since 1970.
type stamped struct {
	SentAt int64 `json:"sentAt"`
}

func stamp(now time.Time) stamped { return stamped{SentAt: now.UnixMilli()} }
