package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestDashboard(t *testing.T) {
	t.Parallel()
	browser := startChromium(t)
	binary := buildTidewire(t)
	d := startDev(t, binary)
	for _, test := range []struct {
		name string
		run  func(*testing.T, chromium, dev)
	}{
		{"prices move", pricesMove},
		{"switching views", switchingViews},
		{"the URL holds the view", urlHoldsTheView},
		{"keyboard", keyboard},
		{"table of a chart", tableOfAChart},
		{"less motion", lessMotion},
		{"no permission", noPermission},
		{"no session", noSession},
		{"cut by a reset", cutByReset},
		{"cut silently", cutSilently},
		{"server out of reach", outOfReach},
		{"arbitrary values in the URL", arbitraryURL},
		{"failures at load", failsAtLoad},
		{"contrast", contrast},
		{"looks", looks},
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
	p := openTab(t, browser, d.URL+"/", desk)
	p.waitFor("prices", hasPrices(5))
	if got := p.rows(); got != "AAPL AMZN GOOG IBM MSFT" {
		t.Errorf("rows %s", got)
	}
	if got := value[string](p, `document.querySelector("#identity .user").title`); got != "equities-desk of acme, in equities" {
		t.Errorf("the page says that it is %q", got)
	}
	before := value[string](p, `document.querySelector("#table").innerText`)
	p.waitFor("another price of each symbol", `(() => {
		const before = `+"`"+before+"`"+`;
		return [...document.querySelectorAll("#table td.price")].every(td => !before.includes(td.textContent));
	})()`)
	p.waitFor("a change that is tinted", `document.getAnimations().length > 0`)
	p.waitFor("the latency", `/^\d+ ms$/.test(document.querySelector("#latency button").textContent)`)
	p.waitFor("a line in every chart", `[...document.querySelectorAll(".chart canvas")].filter(canvas => {
		const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		return data.some(byte => byte !== 0);
	}).length === 5`)

	p.do(chromedp.Click(chromedp.CSS("#latency button")))
	p.waitFor("the distribution of the latency", `/p50[^]*ms[^]*p99[^]*ms/.test(document.querySelector("#latency-details").innerText)`)
	if value[bool](p, `document.cookie !== ""`) {
		t.Error("the page sets a cookie")
	}
	if got := value[string](p, `performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith(location.origin)).join()`); got != "" {
		t.Errorf("the page loads from elsewhere: %s", got)
	}
}

func switchingViews(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/", desk)
	p.waitFor("prices", hasPrices(5))

	p.choose("group", "index")
	p.waitFor("the index of acme", hasPrices(10)+` && document.querySelector("#table").innerText.includes("SPX.2009")`)
	if got := p.rows(); got != "SPX.2000 SPX.2001 SPX.2002 SPX.2003 SPX.2004 SPX.2005 SPX.2006 SPX.2007 SPX.2008 SPX.2009" {
		t.Errorf("rows %s", got)
	}
	p.choose("tenant", "globex")
	p.waitFor("the index of globex", hasPrices(10)+` && document.querySelector("#table").innerText.includes("SPX.2019")`)
	if got := p.rows(); got != "SPX.2010 SPX.2011 SPX.2012 SPX.2013 SPX.2014 SPX.2015 SPX.2016 SPX.2017 SPX.2018 SPX.2019" {
		t.Errorf("rows of the channel of the same name: %s", got)
	}
	if value[bool](p, `/SPX.200|AAPL/.test(document.body.innerText)`) {
		t.Error("the page shows prices of another tenant")
	}
	if got := value[string](p, `location.search`); got != "?tenant=globex&group=index" {
		t.Errorf("the URL holds %s", got)
	}

	p.do(chromedp.NavigateBack())
	p.waitFor("acme again", hasPrices(10)+` && document.querySelector("#table").innerText.includes("SPX.2009")`)
}

func urlHoldsTheView(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?tenant=acme&group=equities&q=m&sort=-symbol&charts=IBM&span=1", desk)
	p.waitFor("prices", `document.querySelectorAll("#table tr[data-key]").length === 5`)
	p.waitFor("a chart", `document.querySelectorAll(".chart[data-key]").length === 1`)
	if got := p.rows(); got != "MSFT IBM AMZN" {
		t.Errorf("rows %s: not filtered by m and sorted downwards", got)
	}
	if got := value[string](p, `document.querySelector(".chart[data-key]").dataset.key + document.querySelector("#span").value`); got != "IBM1" {
		t.Errorf("chart and span %s", got)
	}

	// A click on a symbol takes its chart along, a click on a column sorts by it.
	p.do(chromedp.Click(chromedp.CSS(`tr[data-key=MSFT] button`)))
	p.waitFor("two charts", `document.querySelectorAll(".chart[data-key]").length === 2`)
	p.do(chromedp.Click(chromedp.CSS(`#table th:nth-child(3) button`)))
	p.waitFor("the order of prices", `(() => {
		const shown = [...document.querySelectorAll("#table tr[data-key]:not([hidden]) td.price")].map(td => Number(td.textContent.replaceAll(",", "")));
		return shown.every((n, i) => i === 0 || shown[i - 1] <= n) && document.querySelector("#table th:nth-child(3)").ariaSort === "ascending";
	})()`)
	if got := value[string](p, `new URLSearchParams(location.search).toString()`); got != "tenant=acme&group=equities&q=m&sort=price&span=1&charts=IBM%2CMSFT" {
		t.Errorf("the URL holds %s", got)
	}
}

func keyboard(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/", desk)
	p.waitFor("prices", hasPrices(5))
	p.press("/")
	p.waitFor("the filter has the focus", `document.activeElement.id === "filter"`)
	p.do(chromedp.KeyEvent("goo?"))
	p.waitFor("nothing matches, and that is said", noticeIncludes("Nothing matches"))
	p.do(chromedp.KeyEvent("\b"))
	p.waitFor("one row, one chart", `document.querySelectorAll("#table tr[data-key]:not([hidden])").length === 1 && document.querySelectorAll(".chart[data-key]").length === 1`)
	p.do(chromedp.KeyEvent("\x1b"))
	p.waitFor("all rows", `document.querySelectorAll("#table tr[data-key]:not([hidden])").length === 5`)
	p.do(chromedp.KeyEvent("\x1b"))
	p.waitFor("the focus is let go", `document.activeElement.id !== "filter"`)

	p.press("?")
	p.waitFor("the list of keys", `document.querySelector("dialog").open`)
	p.do(chromedp.KeyEvent("\x1b"))
	p.waitFor("it is closed", `!document.querySelector("dialog").open`)

	ground := value[string](p, `getComputedStyle(document.body).backgroundColor`)
	p.press("t")
	p.waitFor("the light theme", `document.documentElement.dataset.theme === "light"`)
	p.press("t")
	p.waitFor("the dark theme", `document.documentElement.dataset.theme === "dark" && getComputedStyle(document.body).backgroundColor !== "`+ground+`"`)
	p.do(chromedp.Reload())
	p.waitFor("the dark theme is kept", `document.documentElement.dataset.theme === "dark"`)
	value[any](p, `localStorage.clear()`) // tabs of one browser share it

	p.do(chromedp.KeyEvent("\t"))
	p.waitFor("the focus is seen", `document.activeElement.matches(":focus-visible") && document.activeElement.className === "skip"`)
}

func tableOfAChart(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/", desk)
	p.waitFor("prices", hasPrices(5))
	p.do(chromedp.Click(chromedp.CSS(`.chart[data-key=GOOG] button`)))
	p.waitFor("the newest price of GOOG in a table", `document.querySelector(".chart[data-key=GOOG] table td:last-child")?.textContent
		=== document.querySelector("tr[data-key=GOOG] td.price").textContent`)
	p.do(chromedp.Click(chromedp.CSS(`.chart[data-key=GOOG] button`)))
	p.waitFor("the line", `document.querySelector(".chart[data-key=GOOG] canvas").checkVisibility()`)
}

func lessMotion(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/", device{width: 1440, height: 900, calm: true})
	p.waitFor("prices", hasPrices(5))
	moved := value[int](p, `document.getAnimations().length`)
	first := value[string](p, `document.querySelector("#tape tbody").innerText`)
	p.waitFor("other prices", "document.querySelector('#tape tbody').innerText !== `"+first+"`")
	if moved += value[int](p, `document.getAnimations().length`); moved != 0 {
		t.Errorf("%d animations for somebody who asked for less motion", moved)
	}
}

func noticeIncludes(text string) string {
	return "(" + noticeSay + ").includes(`" + text + "`)"
}
