package browser

import (
	"testing"
)

func openThrough(t *testing.T, browser chromium, d dev, path string) (*tab, *network) {
	t.Helper()
	n := startNetwork(t, d.URL)
	p := openTab(t, browser, n.URL+path, desk)
	p.cut = true
	p.waitFor("prices", hasPrices(5))
	return p, n
}

func cutByReset(t *testing.T, browser chromium, d dev) {
	p, n := openThrough(t, browser, d, "/")
	value[any](p, `document.querySelector(".chart[data-key=IBM] button").click()`)
	for range 2 {
		n.set(down)
		p.waitFor("that it reconnects, and when", `/^Reconnecting (in \d+ s|now)$/.test(`+words+`)`)
		p.waitFor("that what it shows is old", `document.querySelectorAll("#table tr[data-stale]").length === 5`)
		p.waitFor("how old", `[...document.querySelectorAll("#table td.age")].every(td => Number.parseInt(td.textContent) >= 3)`)
		if got := value[string](p, `document.querySelector("#announcer").textContent`); got == "" {
			t.Error("nothing was announced")
		}
		n.set(up)
		p.waitFor("that it caught up", `/^Caught up \d+ messages$/.test(`+words+`)`)
		p.waitFor("fresh prices", `document.querySelectorAll("#table tr[data-stale]").length === 0`)
		p.waitFor("that it is live", words+` === "Live"`)
		p.waitFor("that the charts mark what is missing", `document.querySelectorAll(".chart[data-gap]").length === 5`)
	}
}

func cutSilently(t *testing.T, browser chromium, d dev) {
	p, n := openThrough(t, browser, d, "/")
	value[any](p, `document.querySelector(".chart[data-key=IBM] button").click()`)
	n.set(stalled)
	// Nothing tells that the socket is dead, yet nothing may look alive.
	p.waitFor("that what it shows is old", `document.querySelectorAll("#table tr[data-stale]").length === 5`)
	// The browser tells that the network has changed: now a dead socket is found in seconds, not at a heartbeat.
	value[bool](p, `dispatchEvent(new Event("online"))`)
	p.waitFor("that it reconnects", words+`.startsWith("Reconnecting")`)
	n.set(down) // what was held back is lost
	n.set(up)
	p.waitFor("that it caught up", `/^Caught up \d+ messages$/.test(`+words+`)`)
	p.waitFor("fresh prices", `document.querySelectorAll("#table tr[data-stale]").length === 0`)
	p.waitFor("that the charts mark what is missing", `document.querySelectorAll(".chart[data-gap]").length === 5`)
}

func outOfReach(t *testing.T, browser chromium, d dev) {
	p, n := openThrough(t, browser, d, "/")
	n.set(down)
	p.choose("group", "index")
	p.waitFor("that the server does not answer, and what happens next", noticeIncludes("The server does not answer."))
	p.waitFor("when it is asked again", words+`.startsWith("Reconnecting")`)
	if value[bool](p, `document.body.innerText.includes("AAPL")`) {
		t.Error("the page still shows prices of the group that was left")
	}
	n.set(up)
	p.waitFor("the other group, by itself", hasPrices(10)+` && document.querySelector("#table").innerText.includes("SPX.2000")`)
	p.waitFor("no notice", `document.querySelector("#notice").hidden`)
}
