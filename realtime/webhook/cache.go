package webhook

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/recent"
	"github.com/tidewire/tidewire/realtime/webhook/event"
)

const (
	maxCached      = 4096    // answers, twice as many at most
	maxCachedBytes = 4 << 10 // of one answer as it came: a longer one is not kept
)

// answerKey names who asked which hook what.
type answerKey struct {
	hook hookID
	asks [32]byte
}

// keyOf leaves out what differs between the connections of one user.
func keyOf(id hookID, e realtime.HookEvent, asked *event.Event) answerKey {
	same := *asked
	same.Connection, same.Remote, same.UserAgent = "", "", ""
	text, _ := json.Marshal(struct { // of strings alone it cannot fail
		On   realtime.HookEvent
		Asks event.Event
	}{e, same})
	return answerKey{id, sha256.Sum256(text)}
}

type cachedAnswer struct {
	answer *event.Answer // not changed
	until  time.Time
}

// cache has answers that count for a while. It is safe for concurrent use.
type cache struct {
	mu      sync.Mutex // guards answers
	answers *recent.Map[answerKey, cachedAnswer]
}

func newCache() *cache {
	return &cache{answers: recent.New[answerKey, cachedAnswer](0, maxCached, time.Now())}
}

func (c *cache) get(k answerKey, now time.Time) *event.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, known := c.answers.Touch(k, now)
	if !known || !now.Before(a.until) {
		return nil
	}
	return a.answer
}

func (c *cache) put(k answerKey, a *event.Answer, until, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers.Turn(now)
	c.answers.Put(k, cachedAnswer{a, until})
}
