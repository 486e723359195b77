package browser

import (
	"context"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

func noSession(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?tenant=initech&group=equities", desk)
	p.cut = true // the console tells of the 404
	p.waitFor("that there is no session", noticeIncludes("No session.")+` && `+words+` === "Refused"`)
	value[any](p, `document.querySelector("#notice button").click()`)
	p.waitFor("a session", hasPrices(acmeShares))
}

// states shows what a healthy demo never does. A tenant of its own has a short memory, and
// its page is served by another host, as it would be in production.
func states(t *testing.T, browser chromium, binary string) {
	d := startDev(t, binary, "--tenants", tenantsFile(t, `{
		"auth": {"keys": [{"kid": "k", "alg": "HS256", "secret": "a secret of thirty-two bytes here"}]},
		"origins": ["*"], "limits": {"publishesPerSecond": 500},
		"namespaces": {"prices": {"window": 4, "windowFor": "1s", "overflow": "conflate", "state": {"durable": false}}, "charts": {"state": {"durable": false}}}
	}`))

	t.Run("gap", func(t *testing.T) {
		t.Parallel()
		p, n := openThrough(t, browser, d, "/?tenant=acme&group=currencies&span=5")
		n.set(down)
		p.waitFor("that what it shows is old", allStale)
		n.set(up)
		p.waitFor("fresh prices", fresh)
		p.waitFor("that the chart marks it", marked)
	})

	page := func(t *testing.T, token, channel string) *tab {
		t.Helper()
		gateway := d.URL
		server := httptest.NewServer(web.Handler(web.Options{Gateway: gateway, Session: func(context.Context, string, string) (web.Session, error) {
			return web.Session{
				Tenant: "acme", User: "dev", Groups: []string{"quiet"}, Token: token, URL: gateway,
				Channels: []web.Channel{{Name: channel, Title: "A quiet channel", Unit: "USD", EveryMS: 1000}},
			}, nil
		}}))
		t.Cleanup(server.Close)
		return openTab(t, browser, server.URL, desk)
	}
	t.Run("loading and empty", func(t *testing.T) {
		t.Parallel()
		p := page(t, d.Token, "prices:quiet")
		if !value[bool](p, `document.querySelectorAll(".skeleton, .waiting").length > 3`) {
			t.Error("no skeleton stands where the data will be")
		}
		p.waitFor("that there is nothing yet", noticeIncludes("Nothing yet.")+` && `+isLive)
	})
	t.Run("no permission", func(t *testing.T) {
		t.Parallel()
		signer, err := auth.NewSigner(&realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k", Alg: "HS256", Secret: "a secret of thirty-two bytes here"}}}})
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(auth.Claims{User: "dev", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:own"}}, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		p := page(t, token, "prices:equities")
		p.waitFor("that this may not be seen", noticeIncludes("You may not see this."))
		if value[bool](p, `document.querySelectorAll("tr[data-key]").length > 0 || /AAPL|Apple/.test(document.body.innerText)`) {
			t.Error("the page hints at what may not be seen")
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		p := page(t, "not.a.token", "prices:quiet")
		p.waitFor("that it is refused, and what to do", words+` === "Refused" && `+noticeIncludes("Sign in again"))
		if got := value[string](p, noticeSay); !regexp.MustCompile(`^The server refused the connection\.\s+[A-Z][^.]*\.\s+[A-Z]`).MatchString(got) {
			t.Errorf("reason and advice are not sentences of their own: %q", got)
		}
		if *screenshots != "" {
			shoot(t, p, "refused")
		}
	})
}
