package connection

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/token"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// tokens is the token that a client has, and when it needs the next one.
type tokens struct {
	have    string
	since   time.Time // when it was had
	refused bool      // by the server
	timer   *time.Timer
	busy    bool // a newer one is being had
}

func (t *tokens) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}

// renewAgain is when a renewal that failed is tried again.
const renewAgain = 10 * time.Second

// token returns a token to connect with. It runs beside the loop.
func (c *Connection) token(ctx context.Context, have string, refusedBefore bool) (string, error) {
	if have != "" && !refusedBefore {
		return have, nil
	}
	if refusedBefore {
		ctx = token.WithRefused(ctx)
	}
	return c.o.Token(ctx)
}

// took notes which token a connection was made with.
func (t *tokens) took(token string) {
	if token != t.have {
		t.have, t.since = token, time.Now()
	}
	t.refused = false
}

// plan plans the renewal. expiresAt is the server's word, in ms since 1970.
func (c *Connection) planRenewal(expiresAt int64) {
	t := &c.tokens
	t.stop()
	life := lifeOf(t.have)
	if life <= 0 { // it does not say: then by the server's clock, if that is about ours
		life = time.Until(time.UnixMilli(expiresAt)) + time.Since(t.since)
	}
	due := time.Until(t.since.Add(life / 4 * 3))
	t.timer = c.loop.After(max(due, time.Second), c.renew)
}

// lifeOf is how long a token lasts from when it was made; 0 if it cannot be read. Its signature is for the server to check.
func lifeOf(token string) time.Duration {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return 0
	}
	var claims struct {
		Issued  float64 `json:"iat"`
		Expires float64 `json:"exp"`
	}
	if json.Unmarshal(text, &claims) != nil || claims.Issued <= 0 || claims.Expires <= claims.Issued {
		return 0
	}
	const most = 365 * 24 * 3600
	return time.Duration(min(claims.Expires-claims.Issued, most) * float64(time.Second))
}

// renew has a newer token, and tells the server.
func (c *Connection) renew() {
	if c.tokens.busy {
		return
	}
	c.tokens.busy = true
	c.loop.Begin(func() {
		ctx, cancel := context.WithTimeout(c.loop.Context(), c.o.ConnectTimeout)
		defer cancel()
		newer, err := c.o.Token(ctx)
		c.loop.Do(func() { c.renewed(newer, err) })
	})
}

func (c *Connection) renewed(newer string, err error) {
	t := &c.tokens
	t.busy = false
	l := c.live
	switch {
	case errors.Is(err, token.ErrNone) || err == nil && newer == t.have:
		return // it ends when it ends
	case err != nil || l == nil:
		t.timer = c.loop.After(renewAgain, c.renew)
		return
	}
	l.Request(&wire.ClientFrame{Type: wire.TypeRefresh, Token: newer}, func(f *wire.ServerFrame, err error) {
		if err != nil {
			t.timer = c.loop.After(max(renewAgain, retryAfter(err)), c.renew)
			return
		}
		t.took(newer)
		c.planRenewal(f.ExpiresAt)
	})
}

func retryAfter(err error) time.Duration {
	if e := (*realtime.Error)(nil); errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
