package browser

import (
	"context"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/tidewire/tidewire/services/dashboard/web"
)

// holes tells which months are missing in what the chart of IBM shows, as its table has it: the recording has one price a
// month, so a month that is missing or twice there is a message that was lost or came twice.
const holes = `(() => {
	const dates = [...document.querySelectorAll(".chart[data-key=IBM] table td:nth-child(2)")].map(td => td.textContent).filter(Boolean).reverse();
	const months = dates.map(date => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7)));
	return dates.filter((date, i) => i > 0 && months[i] - months[i - 1] !== 1 && date !== "2004-08-01").join();
})()`

func noPermission(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?tenant=acme&group=equities&channel=prices:index", desk)
	p.waitFor("that this may not be seen", noticeIncludes("You may not see this."))
	if value[bool](p, `document.querySelector("#table").checkVisibility() || /SPX|S&P/.test(document.body.innerText)`) {
		t.Error("the page hints at what may not be seen")
	}
	value[any](p, `document.querySelector("#notice button").click()`)
	p.waitFor("what may be seen", hasPrices(5))
}

func noSession(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?tenant=initech&group=equities", desk)
	p.cut = true // the console tells of the 404
	p.waitFor("that there is no session", noticeIncludes("No session.")+` && `+words+` === "Refused"`)
	value[any](p, `document.querySelector("#notice button").click()`)
	p.waitFor("a session", hasPrices(5))
}

// states shows what a healthy demo never does. A tenant of its own has a short memory, and
// its page is served by another host, as it would be in production.
func states(t *testing.T, browser chromium, binary string) {
	d := startDev(t, binary, "--tenants", tenantsFile(t, `{
		"auth": {"keys": [{"kid": "k", "alg": "HS256", "secret": "a secret of thirty-two bytes here"}]},
		"origins": ["*"],
		"namespaces": {"prices": {"window": 4, "windowFor": "1s", "overflow": "conflate", "state": {"durable": false}}}
	}`))

	t.Run("gap", func(t *testing.T) {
		t.Parallel()
		p, n := openThrough(t, browser, d, "/?tenant=acme&group=equities")
		n.set(down)
		p.waitFor("that what it shows is old", `document.querySelectorAll("#table tr[data-stale]").length === 5`)
		n.set(up)
		p.waitFor("fresh prices", `document.querySelectorAll("#table tr[data-stale]").length === 0`)
		value[any](p, `document.querySelector(".chart[data-key=IBM] button").click()`)
		p.waitFor("that the charts mark it", `document.querySelectorAll(".chart[data-gap]").length === 5`)
		if value[string](p, holes) == "" && !value[bool](p, `document.querySelector(".chart[data-key=IBM] table").innerText.includes("gap")`) {
			t.Error("the chart bridges what was missed")
		}
	})

	page := func(t *testing.T, token string) *tab {
		t.Helper()
		gateway := d.URL
		server := httptest.NewServer(web.Handler(web.Options{Gateway: gateway, Session: func(context.Context, string, string) (web.Session, error) {
			return web.Session{
				Tenant: "acme", User: "dev", Groups: []string{"quiet"}, Token: token, URL: gateway,
				Channels: []web.Channel{{Name: "prices:quiet", Title: "A quiet channel", Unit: "USD", EveryMS: 1000}},
			}, nil
		}}))
		t.Cleanup(server.Close)
		return openTab(t, browser, server.URL, desk)
	}
	t.Run("loading and empty", func(t *testing.T) {
		t.Parallel()
		p := page(t, d.Token)
		if !value[bool](p, `document.querySelectorAll("#table .skeleton, #charts .skeleton").length > 10`) {
			t.Error("no skeleton stands where the data will be")
		}
		p.waitFor("that there is nothing yet", noticeIncludes("No prices yet.")+` && `+isLive)
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		p := page(t, "not.a.token")
		p.waitFor("that it is refused, and what to do", words+` === "Refused" && `+noticeIncludes("Sign in again"))
		if got := value[string](p, noticeSay); !regexp.MustCompile(`^The server refused the connection\.\s+[A-Z][^.]*\.\s+[A-Z]`).MatchString(got) {
			t.Errorf("reason and advice are not sentences of their own: %q", got)
		}
		if *screenshots != "" {
			shoot(t, p, "refused")
		}
	})
}
