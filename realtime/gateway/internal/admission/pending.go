package admission

import (
	"net/netip"
	"slices"
	"sync"
)

const (
	// maxPending is how many sockets may be open whose clients have not yet said who they are.
	maxPending = 1000
	// maxPendingAddress is how many of them may come from one address: an office behind one has room, and a
	// single machine does not fill the gateway.
	maxPendingAddress = maxPending / 4
)

// Evictable is a client that has not said who it is. Its type is comparable.
type Evictable interface {
	// Evict ends the connection of the client, which has waited longest.
	Evict()
}

// Pending are the sockets of clients that have not said who they are. A new one always has a place: if there is
// none, the one that has waited longest loses its own, of the address from which most wait. So an honest client, which says
// who it is at once, gets in while another holds as many silent sockets as it can. It is safe for concurrent use.
type Pending struct {
	mu      sync.Mutex             // guards what follows
	waiting map[string][]Evictable // by address, in the order in which they came
	count   int                    // of all addresses
}

func newPending() *Pending { return &Pending{waiting: map[string][]Evictable{}} }

// Add lets the client of a request wait. If another has lost its place for it, that one is evicted.
func (p *Pending) Add(c Evictable, from *Request) {
	if evicted := p.add(c, from.remote); evicted != nil {
		evicted.Evict()
	}
}

func (p *Pending) add(c Evictable, remote string) (evicted Evictable) {
	address := networkOf(remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.waiting[address]) >= maxPendingAddress:
		evicted = p.take(address, 0)
	case p.count >= maxPending:
		evicted = p.take(p.fullest(), 0)
	}
	p.waiting[address] = append(p.waiting[address], c)
	p.count++
	return evicted
}

// Remove ends the waiting of a client, if it still waits.
func (p *Pending) Remove(c Evictable, from *Request) { p.remove(c, from.remote) }

// remove reports whether the client still waited.
func (p *Pending) remove(c Evictable, remote string) bool {
	address := networkOf(remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting[address], c)
	if i < 0 {
		return false
	}
	p.take(address, i)
	return true
}

// take takes a client out. p.mu is held.
func (p *Pending) take(address string, i int) Evictable {
	all := p.waiting[address]
	c := all[i]
	if all = slices.Delete(all, i, i+1); len(all) == 0 {
		delete(p.waiting, address)
	} else {
		p.waiting[address] = all
	}
	p.count--
	return c
}

// fullest is the address from which most wait. p.mu is held.
func (p *Pending) fullest() (address string) {
	for a, all := range p.waiting {
		if address == "" || len(all) > len(p.waiting[address]) {
			address = a
		}
	}
	return address
}

// networkOf is whom an address stands for: of IPv6 the network, as one client has as many addresses of it as it likes.
func networkOf(remote string) string {
	a, err := netip.ParseAddr(remote)
	if err != nil || a.Unmap().Is4() {
		return remote
	}
	network, err := a.WithZone("").Prefix(64)
	if err != nil {
		return remote
	}
	return network.String()
}
