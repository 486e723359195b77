package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestDashboard(t *testing.T) {
	t.Parallel()
	browser := startChromium(t)
	binary := built.Path(t, "cmd/tidewire")
	d := startDev(t, binary)
	for _, test := range []struct {
		name string
		run  func(*testing.T, chromium, dev)
	}{
		{"prices move", pricesMove},
		{"switching views", switchingViews},
		{"the URL holds the view", urlHoldsTheView},
		{"keyboard", keyboard},
		{"panels are arranged", arranging},
		{"less motion", lessMotion},
		{"no session", noSession},
		{"cut by a reset", cutByReset},
		{"cut silently", cutSilently},
		{"server out of reach", outOfReach},
		{"arbitrary values in the URL", arbitraryURL},
		{"failures at load", failsAtLoad},
		{"contrast", contrast},
		{"looks", looks},
		{"picture", picture},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, browser, d)
		})
	}
	t.Run("troubles", func(t *testing.T) {
		t.Parallel()
		troubles(t, browser)
	})
	t.Run("two desks", func(t *testing.T) {
		t.Parallel()
		twoDesks(t, browser, binary)
	})
	t.Run("states", func(t *testing.T) {
		t.Parallel()
		states(t, browser, binary)
	})
}

func pricesMove(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?group=currencies", desk)
	p.waitFor("rates", hasPrices(acmeCurrencies))
	if got := p.rows(); !strings.HasPrefix(got, "AUDUSD EURUSD GBPUSD NZDUSD USDBRL") {
		t.Errorf("rows %s", got)
	}
	if got := value[string](p, `document.querySelector("#identity .user").title`); got != "currencies-desk of acme, in currencies" {
		t.Errorf("the page says that it is %q", got)
	}
	if got := value[string](p, `document.querySelector("#source").textContent`); !strings.HasPrefix(got, "Simulated from rates recorded") {
		t.Errorf("it says of its rates %q", got)
	}
	before := value[string](p, `document.querySelector("[data-panel=watchlist]").innerText`)
	p.waitFor("another price of five pairs", `(() => {
		const before = `+"`"+before+"`"+`;
		return [...document.querySelectorAll("[data-panel=watchlist] td.bid")].filter(td => !before.includes(td.textContent)).length >= 5;
	})()`)
	p.waitFor("a change that is tinted", `document.querySelector("[data-tint]") !== null`)
	p.waitFor("trades", `document.querySelectorAll("[data-panel=trades] tr[data-key]").length >= 5`)
	p.waitFor("the latency", `/^(~ )?\d+ m?s/.test(document.querySelector("#latency button").textContent)`)
	p.waitFor("charts", `[...document.querySelectorAll("[data-panel=chart] canvas, [data-panel=wall] canvas")].filter(canvas => {
		const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		return data.some(byte => byte !== 0);
	}).length === 2`)

	p.do(chromedp.Click(chromedp.CSS("#latency button")))
	p.waitFor("the distribution of the latency", `/p50[^]*m?s[^]*p99[^]*m?s/.test(document.querySelector("#latency-details").innerText)`)
	if value[bool](p, `document.cookie !== ""`) {
		t.Error("the page sets a cookie")
	}
	if got := value[string](p, `performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith(location.origin)).join()`); got != "" {
		t.Errorf("the page loads from elsewhere: %s", got)
	}
}

// switchingViews looks at two desks of one tenant, which have other instruments and other columns, and at a channel of the same name of another tenant.
func switchingViews(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/", desk)
	p.waitFor("shares", hasPrices(acmeShares))
	has := func(column string) bool {
		return value[bool](p, `document.querySelector("[data-panel=watchlist] th.`+column+`") !== null`)
	}
	if !has("volume") || has("spread") {
		t.Error("the equities desk has other columns")
	}
	p.choose("group", "currencies")
	p.waitFor("the currencies of acme", hasPrices(acmeCurrencies)+` && document.querySelector("[data-panel=watchlist]").innerText.includes("USDZAR")`)
	if has("volume") || !has("spread") {
		t.Error("the currencies desk has other columns")
	}
	if value[bool](p, `document.body.innerText.includes("AAPL")`) {
		t.Error("a desk shows instruments of another")
	}
	p.choose("tenant", "globex")
	p.waitFor("the shares of globex", hasPrices(globexShares))
	if value[bool](p, `/AAPL|USDZAR/.test(document.body.innerText)`) {
		t.Error("the page shows prices of another tenant")
	}
	if got := value[string](p, `location.search`); got != "?tenant=globex&group=equities" {
		t.Errorf("the URL holds %s", got)
	}

	p.do(chromedp.NavigateBack())
	p.waitFor("acme again", hasPrices(acmeCurrencies)+` && document.querySelector("[data-panel=watchlist]").innerText.includes("USDZAR")`)
}

func urlHoldsTheView(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?tenant=acme&group=currencies&q=dollar&sort=-symbol&symbol=NZDUSD&span=30", desk)
	p.waitFor("rates", hasPrices(acmeCurrencies))
	if got := p.rows(); !strings.HasPrefix(got, "USDTWD USDSGD USDHKD USDCAD NZDUSD AUDUSD") {
		t.Errorf("rows %s: not filtered by dollar and sorted downwards", got)
	}
	p.waitFor("the chart of a symbol", `document.querySelector("[data-panel=chart] h2").textContent.startsWith("NZDUSD") && document.querySelector("[data-panel=chart] [data-value='30']").ariaPressed === "true"`)

	// A click on a symbol shows it, a click on a column sorts by it, a star puts it on one's own list.
	p.do(chromedp.Click(chromedp.CSS(`tr[data-key=USDCAD] .symbol button`)))
	p.waitFor("its chart", `document.querySelector("[data-panel=chart] h2").textContent.startsWith("USDCAD")`)
	p.do(chromedp.Click(chromedp.CSS(`[data-panel=watchlist] th.bid button`)))
	p.waitFor("the order of bids", `(() => {
		const shown = [...document.querySelectorAll("[data-panel=watchlist] tr[data-key]:not([hidden]) td.bid")].map(td => Number(td.textContent.replaceAll(",", "")));
		return shown.every((n, i) => i === 0 || shown[i - 1] <= n) && document.querySelector("[data-panel=watchlist] th.bid").ariaSort === "ascending";
	})()`)
	for _, key := range []string{"USDCAD", "AUDUSD"} {
		p.do(chromedp.Click(chromedp.CSS(`tr[data-key=` + key + `] .star button`)))
	}
	p.do(chromedp.Click(chromedp.CSS(`[data-panel=watchlist] [data-value=mine]`)))
	p.waitFor("only these, as the server sends no other", `document.querySelectorAll("[data-panel=watchlist] tr[data-key]").length === 2`)
	if got := value[string](p, `new URLSearchParams(location.search).toString()`); got != "tenant=acme&group=currencies&span=30&list=mine&sort=bid&symbol=USDCAD&q=dollar&mine=USDCAD%2CAUDUSD" && !strings.Contains(got, "mine=USDCAD%2CAUDUSD") {
		t.Errorf("the URL holds %s", got)
	}
}

func keyboard(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?group=currencies", desk)
	p.waitFor("rates", hasPrices(acmeCurrencies))
	const field = `document.querySelector("[data-panel=watchlist] [type=search]")`
	shown := func(n int) string {
		return fmt.Sprintf(`document.querySelectorAll("[data-panel=watchlist] tr[data-key]:not([hidden])").length === %d`, n)
	}
	p.press("/")
	p.waitFor("the filter has the focus", `document.activeElement === `+field)
	p.do(chromedp.KeyEvent("yuan?"))
	p.waitFor("nothing matches, and that is said", noticeIncludes("Nothing matches"))
	p.do(chromedp.KeyEvent("\b"))
	p.waitFor("one row", shown(1))
	p.do(chromedp.KeyEvent("\x1b"))
	p.waitFor("all rows", shown(acmeCurrencies))
	p.do(chromedp.KeyEvent("\x1b"))
	p.waitFor("the focus is let go", `document.activeElement !== `+field)

	p.press("?")
	p.waitFor("the list of keys", `document.querySelector("dialog[aria-labelledby=keys-title]").open`)
	p.do(chromedp.KeyEvent("\x1b"))
	p.waitFor("it is closed", `!document.querySelector("dialog[aria-labelledby=keys-title]").open`)

	ground := value[string](p, `getComputedStyle(document.body).backgroundColor`)
	p.press("t")
	p.waitFor("the light theme", `document.documentElement.dataset.theme === "light"`)
	p.press("t")
	p.waitFor("the dark theme", `document.documentElement.dataset.theme === "dark" && getComputedStyle(document.body).backgroundColor !== "`+ground+`"`)
	p.do(chromedp.Reload())
	p.waitFor("the dark theme is kept", `document.documentElement.dataset.theme === "dark"`)
	value[any](p, `localStorage.clear()`) // tabs of one browser share it

	p.waitFor("rates again", hasPrices(acmeCurrencies))
	value[any](p, `dispatchEvent(new KeyboardEvent("keydown")), document.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }))`)
	p.waitFor("the palette", `document.querySelector(".palette").open`)
	p.do(chromedp.KeyEvent("show usdsek"))
	p.waitFor("the command", `document.querySelector(".palette li")?.textContent.startsWith("Show USDSEK")`)
	p.do(chromedp.KeyEvent("\r"))
	p.waitFor("what it shows", `document.querySelector("[data-panel=chart] h2").textContent.startsWith("USDSEK")`)

	value[any](p, `document.activeElement.blur()`)
	p.do(chromedp.KeyEvent("\t"))
	p.waitFor("the focus is seen", `document.activeElement.matches(":focus-visible")`)
}

// arranging moves panels, resizes them and shows one alone; the link and the device remember it.
func arranging(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?group=currencies", desk)
	p.waitFor("rates", hasPrices(acmeCurrencies))
	const box = `(id => { const { x, y, width, height } = document.querySelector("[data-panel=" + id + "]").getBoundingClientRect(); return { X: x, Y: y, W: width, H: height }; })`
	type rect struct{ X, Y, W, H float64 }
	of := func(id string) rect { p.t.Helper(); return value[rect](p, box+`("`+id+`")`) }
	covered := func() {
		t.Helper()
		if area := value[float64](p, `[...document.querySelectorAll(".panel")].reduce((sum, { offsetWidth: w, offsetHeight: h }) => sum + w * h, 0) / (document.querySelector("#stage").clientWidth * document.querySelector("#stage").clientHeight)`); area < 0.98 || area > 1.02 {
			t.Errorf("the panels cover %.2f of the stage", area)
		}
	}
	covered()
	before := of("watchlist")
	p.drag(before.X+before.W, before.Y+200, before.X+before.W+150, before.Y+200)
	if after := of("watchlist"); after.W < before.W+100 {
		t.Errorf("the watchlist was %g wide and is %g after its edge was dragged by 150", before.W, after.W)
	}
	covered()
	trades, chart := of("trades"), of("chart")
	p.drag(trades.X+20, trades.Y+12, chart.X+chart.W/2, chart.Y+chart.H*0.9)
	if moved, now := of("trades"), of("chart"); moved.X != now.X || moved.W != now.W || moved.Y < now.Y+now.H-1 {
		t.Errorf("the trades were dropped below the chart %+v and are at %+v", now, moved)
	}
	covered()
	made := value[string](p, `new URLSearchParams(location.search).get("layout") ?? ""`)
	if made == "" || made != value[string](p, `localStorage.getItem("tidewire-layout-trading") ?? ""`) {
		t.Errorf("the layout %q is not remembered", made)
	}
	value[any](p, `document.querySelector("[data-panel=wall] .whole").click()`)
	if alone := of("wall"); alone.W < 1300 || !strings.Contains(value[string](p, `location.search`), "alone=wall") {
		t.Errorf("alone, the wall is %+v", alone)
	}
	p.press("f")
	p.waitFor("all panels", `!document.querySelector("#stage").hasAttribute("data-alone")`)
	p.do(chromedp.Navigate(d.URL + "/?group=currencies"))
	p.waitFor("the layout of the device", hasPrices(acmeCurrencies)+` && document.querySelector("[data-panel=trades]").getBoundingClientRect().x < innerWidth * 0.7`)
	value[any](p, `localStorage.clear()`)
	p.do(chromedp.Navigate(d.URL + "/?group=currencies&layout=" + url.QueryEscape(made)))
	p.waitFor("the layout of the link", hasPrices(acmeCurrencies)+` && document.querySelector("[data-panel=trades]").getBoundingClientRect().x < innerWidth * 0.7`)
	value[any](p, `localStorage.clear()`)
}

func lessMotion(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?group=currencies", device{width: 1440, height: 900, calm: true})
	p.waitFor("rates", hasPrices(acmeCurrencies))
	first := value[string](p, `document.querySelector("[data-panel=trades] tbody").innerText`)
	p.waitFor("other prices", "document.querySelector('[data-panel=trades] tbody').innerText !== `"+first+"`")
	if moved := value[int](p, `document.getAnimations().filter(each => each.effect.getComputedTiming().duration > 0).length + document.querySelectorAll("[data-tint]").length`); moved != 0 {
		t.Errorf("%d animations for somebody who asked for less motion", moved)
	}
}

func noticeIncludes(text string) string {
	return "(" + noticeSay + ").includes(`" + text + "`)"
}
