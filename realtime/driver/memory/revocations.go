package memory

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Revocations is a realtime.Revocations within one process. What may be forgotten is removed when
// another logout is written, at most a minute apart.
type Revocations struct {
	mu    sync.RWMutex // guards what follows
	users map[user]revoked
	swept time.Time
}

type user struct{ tenant, id string }

type revoked struct{ before, until time.Time }

// NewRevocations returns one without any.
func NewRevocations() *Revocations {
	return &Revocations{users: map[user]revoked{}, swept: time.Now()}
}

// Revoke makes the user's tokens of before and earlier no longer good.
func (r *Revocations) Revoke(ctx context.Context, tenant, id string, before, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkUser(tenant, id); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.swept) >= sweepEvery {
		r.swept = now
		maps.DeleteFunc(r.users, func(_ user, v revoked) bool { return !v.until.After(now) })
	}
	v := r.users[user{tenant, id}]
	if before.After(v.before) {
		v.before = before
	}
	if until.After(v.until) {
		v.until = until
	}
	r.users[user{tenant, id}] = v
	return nil
}

// RevokedBefore returns the moment; the zero time if there is none.
func (r *Revocations) RevokedBefore(ctx context.Context, tenant, id string) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	if err := checkUser(tenant, id); err != nil {
		return time.Time{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.users[user{tenant, id}].before, nil
}

func checkUser(tenant, id string) error {
	if id == "" {
		return realtime.Errorf(realtime.CodeBadRequest, "user: is missing")
	}
	return realtime.CheckTenantID(tenant)
}
