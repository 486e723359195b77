package browser

import (
	"testing"
)

const (
	allStale = `(rows => rows.length > 0 && rows.every(tr => tr.hasAttribute("data-stale")))([...document.querySelectorAll("[data-panel=watchlist] tr[data-key]")])`
	fresh    = `document.querySelectorAll("[data-panel=watchlist] tr[data-stale]").length < 3` // some pairs trade rarely
	marked   = `document.querySelector("[data-panel=chart] .plot").ariaLabel.includes("with a gap")`
)

func openThrough(t *testing.T, browser chromium, d dev, path string) (*tab, *network) {
	t.Helper()
	n := startNetwork(t, d.URL)
	p := openTab(t, browser, n.URL+path, desk)
	p.cut = true
	p.waitFor("rates", hasPrices(acmeCurrencies))
	return p, n
}

func cutByReset(t *testing.T, browser chromium, d dev) {
	p, n := openThrough(t, browser, d, "/?group=currencies&span=5")
	for range 2 {
		n.set(down)
		p.waitFor("that it reconnects, and when", `/^Reconnecting (in \d+ s|now)$/.test(`+words+`)`)
		p.waitFor("that no latency is told", `/^Latency\s*– ms$/.test(document.querySelector("#latency").innerText.trim())`)
		p.waitFor("that what it shows is old", allStale)
		p.waitFor("how old", `[...document.querySelectorAll("[data-panel=watchlist] tr[data-stale] td.age")].every(td => Number.parseInt(td.textContent) >= 3)`)
		if got := value[string](p, `document.querySelector("#announcer").textContent`); got == "" {
			t.Error("nothing was announced")
		}
		n.set(up)
		p.waitFor("fresh prices", fresh)
		p.waitFor("that it is live", words+` === "Live"`)
		p.waitFor("that the chart marks what is missing", marked)
	}
}

func cutSilently(t *testing.T, browser chromium, d dev) {
	p, n := openThrough(t, browser, d, "/?group=currencies&span=5")
	n.set(stalled)
	// Nothing tells that the socket is dead, yet nothing may look alive.
	p.waitFor("that what it shows is old", allStale)
	// The browser tells that the network has changed: now a dead socket is found in seconds, not at a heartbeat.
	value[bool](p, `dispatchEvent(new Event("online"))`)
	p.waitFor("that it reconnects", words+`.startsWith("Reconnecting")`)
	n.set(down) // what was held back is lost
	n.set(up)
	p.waitFor("fresh prices", fresh)
	p.waitFor("that the chart marks what is missing", marked)
}

func outOfReach(t *testing.T, browser chromium, d dev) {
	p, n := openThrough(t, browser, d, "/?group=currencies")
	n.set(down)
	p.choose("group", "equities")
	p.waitFor("that the server does not answer, and what happens next", noticeIncludes("The server does not answer."))
	p.waitFor("when it is asked again", words+`.startsWith("Reconnecting")`)
	if value[bool](p, `document.body.innerText.includes("EURUSD")`) {
		t.Error("the page still shows rates of the desk that was left")
	}
	n.set(up)
	p.waitFor("the other desk, by itself", hasPrices(acmeShares))
	p.waitFor("no notice", `document.querySelector("#notice").hidden`)
}
