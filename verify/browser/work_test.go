package browser

import (
	"testing"
)

const given = `document.querySelectorAll("[data-panel=blotter] tr[data-key]").length`

// orders has two people of one desk buy and sell: both see every order, and what is offered.
func orders(t *testing.T, browser chromium, d dev) {
	a, b := openTab(t, browser, d.URL+"/?group=currencies&symbol=EURUSD", desk), openTab(t, browser, d.URL+"/?group=currencies&symbol=USDJPY", desk)
	for _, p := range []*tab{a, b} {
		p.waitFor("what is offered", isLive+` && document.querySelectorAll("[data-panel=depth] tbody tr").length === 8`)
		p.waitFor("that one may buy", `document.querySelector("[data-panel=blotter] .buy").disabled === false`)
	}
	if !value[bool](a, `(sizes => sizes.every(text => /^[\d.,]+[KM]?$/.test(text)))([...document.querySelectorAll("[data-panel=depth] td:first-child")].map(td => td.textContent))`) {
		t.Error("what is offered has no size")
	}
	value[any](a, `document.querySelector("[data-panel=blotter] .buy").click()`)
	for _, p := range []*tab{a, b} {
		p.waitFor("the order", given+` === 1 && /EURUSD[^]*buy[^]*100,000/.test(document.querySelector("[data-panel=blotter] tbody").innerText)`)
	}
	value[any](b, `document.querySelector("[data-panel=blotter] input").value = "5,000"; document.querySelector("[data-panel=blotter] .sell").click()`)
	for _, p := range []*tab{a, b} {
		p.waitFor("both orders, and what they have earned", given+` === 2 && /USDJPY[^]*sell[^]*5,000/.test(document.querySelector("[data-panel=blotter] tbody").innerText) && /^Orders \(2\), [+−]?[\d,]+$/.test(document.querySelector("[data-panel=blotter] h2").textContent)`)
	}
	value[any](b, `document.querySelector("[data-panel=blotter] input").value = "many"; document.querySelector("[data-panel=blotter] .sell").click()`)
	b.waitFor("that this is no size", `document.querySelector("[data-panel=blotter] input").ariaInvalid === "true"`)
	if n := value[int](b, given); n != 2 {
		t.Errorf("%d orders", n)
	}
	shootAll(t, a, "orders")
}

// snoozing has one person put an alert aside: it is aside for the other too, until it is taken up again.
func snoozing(t *testing.T, browser chromium, d dev) {
	open := func() *tab {
		p := openTab(t, browser, d.URL+"/?tenant=globex&dashboard=operations", desk)
		p.waitFor("alerts", isLive+` && document.querySelectorAll("[data-panel=alerts] tr[data-key]").length >= 2`)
		return p
	}
	a, b := open(), open()
	key := value[string](a, `[...document.querySelectorAll("[data-panel=alerts] tr[data-key]")].at(-1).dataset.key`)
	row := `document.querySelector("[data-panel=alerts] tr[data-key='` + key + `']")`
	value[any](a, row+`.querySelector(".later button").click()`)
	for _, p := range []*tab{a, b} {
		p.waitFor("that it is put aside", row+`?.querySelector(".owner").textContent === "snoozed" && `+row+`.hasAttribute("data-stale")`)
	}
	value[any](b, row+`.querySelector(".later button").click()`)
	for _, p := range []*tab{a, b} {
		p.waitFor("that it is taken up again", row+`?.querySelector(".owner").textContent === "–"`)
	}
}

// cuts takes the network away from each dashboard beside trading: what it shows does not look new, and it goes on when the network is back.
func cuts(t *testing.T, browser chromium, d dev) {
	for name, old := range map[string]string{
		"sensors":    `document.querySelector("[data-panel=reading] .facts").hasAttribute("data-stale")`,
		"operations": `[...document.querySelectorAll("[data-panel=alerts] tr[data-key]")].every(tr => tr.hasAttribute("data-stale")) && document.querySelector("[data-panel=alert] button").disabled`,
		"logistics":  `[...document.querySelectorAll("[data-panel=vehicles] tr[data-key]")].slice(0, 8).every(tr => tr.hasAttribute("data-stale"))`,
		"console":    `document.documentElement.dataset.line === "lost"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNetwork(t, d.URL)
			p := openTab(t, browser, n.URL+"/?dashboard="+name, desk)
			p.cut = true
			p.waitFor("what it shows", isLive+" && "+everyPage[name])
			n.set(down)
			p.waitFor("that it reconnects", `document.querySelector("#connection").dataset.state === "reconnecting"`)
			p.waitFor("that what it shows does not look new", old)
			n.set(up)
			p.waitFor("that it goes on", isLive+" && !("+old+") && "+everyPage[name])
		})
	}
}
