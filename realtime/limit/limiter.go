package limit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// seatRetry is when to come back if all connections are taken: nobody knows when one will be closed.
	seatRetry = 5 * time.Second
	// longestQueue bounds how late one of many refused connects is asked to come back.
	longestQueue = time.Minute
)

// Options configure a Limiter. The zero value works.
type Options struct {
	Metrics realtime.Metrics // told of refusals; nil forgets
}

// Limiter holds tenants, users and connections to their limits. A process has
// one for all its APIs. It is safe for concurrent use, starts nothing and
// needs no closing.
//
// It remembers who has a connection or a bucket that is not full. Others are
// forgotten while new ones come; their number is bounded by the tenants' own
// rates, because only what was let through is remembered.
type Limiter struct {
	start   time.Time
	metrics realtime.Metrics

	mu      sync.Mutex // guards tenants and all within, but for buckets and figures
	tenants map[string]*tenant
}

// tenant is what the connections of one tenant share.
type tenant struct {
	id      string
	limiter *Limiter
	figures atomic.Pointer[figures] // of doc
	shared  [numKinds]bucket

	doc      *realtime.Tenant // the newest that was handed in
	users    map[string]*user
	open     int   // connections
	promised int64 // when the refused connect that has to wait longest was asked to come back
}

// user is what the connections of one user share.
type user struct {
	shared [numKinds]bucket
	open   int // connections
}

// New returns a Limiter that has seen nobody yet.
func New(o Options) *Limiter {
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	return &Limiter{start: time.Now(), metrics: o.Metrics, tenants: map[string]*tenant{}}
}

// Connect lets a user open a connection, which its owner must Close. The error
// is a refusal: connectsPerSecond, connections or connectionsPerUser. Many who are refused
// together are asked to come back one after the other, as fast as the rate lets them in. The document counts
// from then on for the connections that are open, too.
func (l *Limiter) Connect(t *realtime.Tenant, userID string) (*Connection, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tn := l.tenant(t)
	u := tn.user(userID)
	f := tn.figures.Load()
	if tn.open >= f.connections {
		return nil, tn.full("connections", ofTenant, tn.open)
	}
	if u.open >= f.connectionsPerUser {
		return nil, tn.full("connectionsPerUser", ofUser, u.open)
	}
	now := l.now()
	perUser := f.rates[connects][ofUser]
	claims := [...]claim{
		// All that a user may have open may come back at once after a cut.
		{bucket: &u.shared[connects], kind: connects, level: ofUser, n: 1, rate: perUser, depth: price(f.connectionsPerUser, perUser)},
		{bucket: &tn.shared[connects], kind: connects, level: ofTenant, n: 1, rate: f.rates[connects][ofTenant]},
	}
	if bad, wait := take(now, claims[:]); bad != nil {
		if bad.level == ofTenant {
			wait = tn.queue(now, wait, price(1, bad.rate))
		}
		return nil, tn.refuse(bad, wait)
	}
	tn.keep(userID, u, now)
	tn.open++
	u.open++
	return &Connection{tenant: tn, user: u}, nil
}

// Publish lets a user publish n events through an API that is not a connection. The error is a refusal:
// publishesPerSecond.
func (l *Limiter) Publish(t *realtime.Tenant, userID string, n int) error {
	return l.take(t, userID, publishes, n)
}

// MayPublish says what Publish would, and takes and counts nothing.
func (l *Limiter) MayPublish(t *realtime.Tenant, userID string, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	tn := l.tenant(t)
	claims := tn.claims(tn.user(userID), publishes, n)
	for i := range claims {
		c := &claims[i]
		if wait := c.bucket.look(l.now(), c.cost(), max(c.depth, int64(burst))); wait > 0 {
			return refusal(c, wait)
		}
	}
	return nil
}

// Request lets a user make a call of the management API. The error is a refusal: requestsPerSecond.
func (l *Limiter) Request(t *realtime.Tenant, userID string) error {
	return l.take(t, userID, requests, 1)
}

// take takes from the buckets of a user and its tenant.
func (l *Limiter) take(t *realtime.Tenant, userID string, k kind, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	tn := l.tenant(t)
	u := tn.user(userID)
	now := l.now()
	claims := tn.claims(u, k, n)
	if bad, wait := take(now, claims[:]); bad != nil {
		return tn.refuse(bad, wait)
	}
	tn.keep(userID, u, now)
	return nil
}

// claims are what n of a kind ask of the buckets of a user and the tenant.
func (t *tenant) claims(u *user, k kind, n int) [2]claim {
	rates := &t.figures.Load().rates[k]
	return [...]claim{
		{bucket: &u.shared[k], kind: k, level: ofUser, n: n, rate: rates[ofUser]},
		{bucket: &t.shared[k], kind: k, level: ofTenant, n: n, rate: rates[ofTenant]},
	}
}

// now is the time on the clock of all buckets. It is monotonic.
func (l *Limiter) now() int64 { return int64(time.Since(l.start)) }

// claim is what is asked of one bucket.
type claim struct {
	bucket *bucket
	kind   kind
	level  level
	n      int
	rate   int
	depth  int64 // of the bucket; what is less than burst means burst
}

func (c *claim) cost() int64 { return price(min(max(c.n, 0), most), c.rate) }

// take takes from all buckets or from none; then it returns the first that had
// no room, and how long until it has.
func take(now int64, claims []claim) (bad *claim, wait int64) {
	for i := range claims {
		c := &claims[i]
		if wait = c.bucket.take(now, c.cost(), max(c.depth, int64(burst))); wait == 0 {
			continue
		}
		for j := range claims[:i] {
			claims[j].bucket.giveBack(claims[j].cost())
		}
		return c, wait
	}
	return nil, 0
}

// queue returns how long a refused connect has to wait behind those refused
// before it. The limiter's lock is held.
func (t *tenant) queue(now, wait, cost int64) int64 {
	turn := min(max(t.promised+cost, now+wait), now+int64(longestQueue))
	t.promised = turn
	return turn - now
}

// refuse makes the error of a bucket that has no room, and counts it.
func (t *tenant) refuse(c *claim, wait int64) *realtime.Error { return t.count(refusal(c, wait)) }

// refusal is the error of a bucket that has no room.
func refusal(c *claim, wait int64) *realtime.Error {
	after := roundUp(time.Duration(wait), time.Millisecond)
	whose := "the " + c.level.String()
	if c.level != ofConnection {
		whose += ", by all its connections,"
	}
	name := c.kind.name()
	return limited(name, after, fmt.Sprintf("limits.%s: %s is over %d per second; retry in %s", name, whose, c.rate, after))
}

// full makes the error of a count that is reached, and counts it.
func (t *tenant) full(name string, whose level, open int) *realtime.Error {
	return t.count(limited(name, seatRetry, fmt.Sprintf("limits.%s: the %s has %d connections open; close one or retry in %s", name, whose, open, seatRetry)))
}

// Refused counts a refusal that repeats an earlier one, by the name of its limit.
func (c *Connection) Refused(limit string) {
	c.tenant.limiter.metrics.Add(realtime.CountRefusals, c.tenant.id, realtime.Reason(limit), 1)
}

// count counts a refusal.
func (t *tenant) count(err *realtime.Error) *realtime.Error {
	t.limiter.metrics.Add(realtime.CountRefusals, t.id, realtime.Reason(err.Limit), 1)
	return err
}

func limited(limit string, after time.Duration, message string) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeLimited, Message: message, RetryAfter: after, Limit: limit}
}

func roundUp(d, unit time.Duration) time.Duration { return (d + unit - 1) / unit * unit }
