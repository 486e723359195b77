package gateway

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// maxWaiting is how many sockets may be open whose clients have not yet said who they are.
	maxWaiting = 1000
	// maxWaitingAddress is how many of them may come from one address: an office behind one has room, and a
	// single machine does not fill the gateway.
	maxWaitingAddress = maxWaiting / 4
	// maxRefused is how many sockets are open at once whose clients were turned away, and are being told why.
	maxRefused = 1000
	// maxJudged is how many requests wait at once for their token to be judged, which may take the reading of a
	// tenant's document and keys.
	maxJudged = 1000
	// maxUnknownFrame is how long the first frame of a client may be that has not said who it is.
	maxUnknownFrame = 64 << 10
)

// pendingClients are the sockets of clients that have not said who they are. A new one always has a place: if there is
// none, the one that has waited longest loses its own, of the address from which most wait. So an honest client, which says
// who it is at once, gets in while another holds as many silent sockets as it can.
type pendingClients struct {
	mu      sync.Mutex            // guards what follows
	waiting map[string][]*session // by address, in the order in which they came
	count   int                   // of all addresses
	judged  int                   // requests whose token is being judged
	refused int                   // sockets that are kept until their clients have been told why they are turned away
}

func newPendingClients() *pendingClients { return &pendingClients{waiting: map[string][]*session{}} }

// add lets a client wait. If another has lost its place for it, that one is returned and has to be closed.
func (p *pendingClients) add(s *session, remote string) (evicted *session) {
	address := addressOf(remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.waiting[address]) >= maxWaitingAddress:
		evicted = p.take(address, 0)
	case p.count >= maxWaiting:
		evicted = p.take(p.fullest(), 0)
	}
	p.waiting[address] = append(p.waiting[address], s)
	p.count++
	return evicted
}

// remove ends the waiting of a client, and reports whether it still waited.
func (p *pendingClients) remove(s *session, remote string) bool {
	address := addressOf(remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting[address], s)
	if i < 0 {
		return false
	}
	p.take(address, i)
	return true
}

// take takes a client out. p.mu is held.
func (p *pendingClients) take(address string, i int) *session {
	all := p.waiting[address]
	s := all[i]
	if all = slices.Delete(all, i, i+1); len(all) == 0 {
		delete(p.waiting, address)
	} else {
		p.waiting[address] = all
	}
	p.count--
	return s
}

// fullest is the address from which most wait. p.mu is held.
func (p *pendingClients) fullest() (address string) {
	for a, all := range p.waiting {
		if address == "" || len(all) > len(p.waiting[address]) {
			address = a
		}
	}
	return address
}

// refuse reports whether a socket may be kept to tell its client why it is turned away. Then refusalOver follows.
func (p *pendingClients) refuse() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused >= maxRefused {
		return false
	}
	p.refused++
	return true
}

func (p *pendingClients) refusalOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused--
}

// judge reports whether another token may be judged. Then judgedOne follows.
func (p *pendingClients) judge() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.judged >= maxJudged {
		return false
	}
	p.judged++
	return true
}

func (p *pendingClients) judgedOne() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judged--
}

// verifyRequest judges the token of a request, unless too many are being judged.
func (g *Gateway) verifyRequest(ctx context.Context, r *http.Request) (*realtime.Principal, error) {
	if !g.pending.judge() {
		g.o.Metrics.Add(realtime.CountRefusals, "", "judging", 1)
		return nil, unavailable("too many clients are connecting")
	}
	defer g.pending.judgedOne()
	return g.verifier.VerifyRequest(ctx, r)
}

// addressOf is whom an address stands for: of IPv6 the network, as one client has as many addresses of it as it likes.
func addressOf(remote string) string {
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
