package httpserver

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// maxHalfOpen is how many connections Serve keeps on which no request is being answered: those whose request's header has not
// come yet, and those that are kept for another request. Each takes some 20 KB.
const maxHalfOpen = 4096

// halfOpen closes the one that has been so for longest when there are too many. It is safe for concurrent use.
type halfOpen struct {
	most int

	mu    sync.Mutex // guards what follows
	order list.List  // of net.Conn, the one that has waited longest in front
	at    map[net.Conn]*list.Element
}

func newHalfOpen(most int) *halfOpen {
	return &halfOpen{most: most, at: map[net.Conn]*list.Element{}}
}

// state is the http.Server's ConnState.
func (h *halfOpen) state(c net.Conn, s http.ConnState) {
	h.mu.Lock()
	if e := h.at[c]; e != nil {
		h.order.Remove(e)
		delete(h.at, c)
	}
	var evicted net.Conn
	if s == http.StateNew || s == http.StateIdle {
		h.at[c] = h.order.PushBack(c)
		if h.order.Len() > h.most {
			oldest := h.order.Front()
			evicted = h.order.Remove(oldest).(net.Conn)
			delete(h.at, evicted)
		}
	}
	h.mu.Unlock()
	if evicted != nil {
		_ = evicted.Close() // its goroutine ends by that
	}
}

// closeAll closes those that there are.
func (h *halfOpen) closeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.at {
		_ = c.Close() // which waits for nothing; its goroutine ends by that, and then it is taken out
	}
}
