package yjs

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// large is from which length on a message takes one of a few places while it is read: reading takes several times its length.
	large  = 64 << 10
	places = 4
	// tidiedEvery is how often the entries of a document are made one at most, by a process.
	tidiedEvery = time.Minute
	maxTidied   = 1 << 12
)

// mostHeld is how much all doors of a process hold back together before each lets through what it holds: see order.
const mostHeld = 64 << 20

// Shared is what the doors of a process share. It is safe for concurrent use.
type Shared struct {
	places chan struct{}
	held   atomic.Int64 // bytes that doors hold back

	mu     sync.Mutex           // guards tidied
	tidied map[string]time.Time // when entries of a document were last made one
}

// NewShared returns a Shared.
func NewShared() *Shared {
	return &Shared{places: make(chan struct{}, places), tidied: map[string]time.Time{}}
}

func (s *Shared) begin(size int) {
	if size > large {
		s.places <- struct{}{}
	}
}

func (s *Shared) end(size int) {
	if size > large {
		<-s.places
	}
}

// tidies reports whether the entries of a document may be made one now.
func (s *Shared) tidies(document string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.tidied[document]) < tidiedEvery {
		return false
	}
	if len(s.tidied) >= maxTidied {
		for name, at := range s.tidied {
			if now.Sub(at) >= tidiedEvery {
				delete(s.tidied, name)
			}
		}
		if len(s.tidied) >= maxTidied {
			return false
		}
	}
	s.tidied[document] = now
	return true
}

// holds is told by how many bytes more, or less, a door holds back.
func (s *Shared) holds(n int) { s.held.Add(int64(n)) }

// mayHold is how many bytes a door may hold back.
func (s *Shared) mayHold(loading bool) int {
	switch {
	case s.held.Load() > mostHeld:
		return 0
	case loading:
		return maxHeldLoading
	}
	return maxHeld
}
