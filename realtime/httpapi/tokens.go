package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// madeToken answers a request for a token.
type madeToken struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// makeToken signs a token with the tenant's first key that can sign.
func (a *api) makeToken(c *call) error {
	b := struct {
		User     string                        `json:"user"`
		Groups   []string                      `json:"groups"`
		Channels realtime.Grants               `json:"channels"`
		Filters  map[realtime.Pattern][]string `json:"filters"`
		Columns  map[realtime.Pattern][]string `json:"columns"`
		Manage   []realtime.Manage             `json:"manage"`
		TTL      realtime.Duration             `json:"ttl"`
	}{TTL: realtime.Duration(min(time.Hour, a.o.TokenTTL))}
	if _, err := c.body(&b); err != nil {
		return err
	}
	ttl := time.Duration(b.TTL)
	if ttl < time.Second || ttl > a.o.TokenTTL {
		return realtime.Errorf(realtime.CodeBadRequest, "ttl: must be 1s to %s", a.o.TokenTTL)
	}
	if err := checkManage(c, b.Manage); err != nil {
		return err
	}
	signer, err := auth.NewSigner(c.tenant)
	if realtime.CodeOf(err) == realtime.CodeNotFound {
		return realtime.Errorf(realtime.CodeConflict, "auth.keys: the tenant has no key that can sign; its tokens are made elsewhere")
	}
	if err != nil {
		return err
	}
	signer.TenantClaim = a.o.TenantClaim
	now := time.Now()
	expires := now.Add(ttl).Truncate(time.Second)
	token, err := signer.Sign(auth.Claims{User: b.User, Groups: b.Groups, Grants: b.Channels, Views: realtime.Views{Filters: b.Filters, Columns: b.Columns}, Manage: b.Manage, Issued: now, Expires: expires})
	if err != nil {
		return err
	}
	a.logChange(c, "a token was made", realtime.KeyUser, b.User)
	return c.answer(http.StatusOK, madeToken{Token: token, ExpiresAt: expires.UTC()})
}

// Parts lists what a claim manage may hold.
func Parts() []realtime.Manage {
	return []realtime.Manage{realtime.ManagePublish, realtime.ManageState, realtime.ManageHistory, realtime.ManagePresence, realtime.ManageDemand, realtime.ManageExplain, realtime.ManageConnections, realtime.ManageUsers, realtime.ManageTokens, realtime.ManageTenant}
}

// NameParts lists Parts for a sentence, the last one behind a conjunction: "publish, state and tenant".
func NameParts(conjunction string) string {
	var b strings.Builder
	all := Parts()
	for i, p := range all {
		switch i {
		case 0:
		case len(all) - 1:
			b.WriteString(" " + conjunction + " ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(p))
	}
	return b.String()
}

// checkManage lets operators alone give the right to manage away.
func checkManage(c *call, parts []realtime.Manage) error {
	if len(parts) > 0 && !c.operator {
		return realtime.Errorf(realtime.CodeForbidden, "manage: only operators may make tokens with this claim")
	}
	for i, p := range parts {
		if !slices.Contains(Parts(), p) {
			return realtime.Errorf(realtime.CodeBadRequest, "manage[%d]: must be %s, got %.32q", i, NameParts("or"), p)
		}
	}
	return nil
}
