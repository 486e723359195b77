package browser

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

//go:embed axe/axe.min.js.gz
var axeGzipped []byte

// axe is the source of axe-core, which looks for faults of accessibility.
var axe = sync.OnceValues(func() (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(axeGzipped))
	if err != nil {
		return "", err
	}
	source, err := io.ReadAll(z)
	return string(source), err
})

// everyPage is each dashboard of the demo, what it says once it shows something, and its panels.
var everyPage = map[string]string{
	"trading":    `document.querySelectorAll("[data-panel=watchlist] tr[data-key]").length > 10 && document.querySelector("[data-panel=quote] .facts-large")?.textContent !== "–"`,
	"sensors":    `/^[\d.,]+ \S+$/.test(document.querySelector("[data-panel=reading] .facts-large")?.textContent)`,
	"operations": `document.querySelectorAll("[data-panel=alerts] tr[data-key]").length > 1`,
	"logistics":  `document.querySelectorAll("[data-panel=vehicles] tr[data-key]").length > 20`,
	"whiteboard": `document.querySelectorAll(".people li").length > 0`,
	"crawl":      `document.querySelectorAll("[data-panel=pages] tr[data-key]").length > 3 && document.querySelectorAll("[data-panel=unread] tr[data-key]").length > 0`,
	"console":    `document.querySelectorAll("[data-panel=tail] tr[data-key]").length > 0 && document.querySelectorAll("[data-panel=connections] tr[data-key]").length > 0`,
}

// TestPages looks at every page as it is in light and dark, on a phone and on a wide screen: nothing is wider than the screen, nothing is empty that has
// room, and axe finds nothing serious.
func TestPages(t *testing.T) {
	t.Parallel()
	browser := startChromium(t)
	d := startDev(t, built.Path(t, "cmd/tidewire"))
	for name, ready := range everyPage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openTab(t, browser, "about:blank", device{width: 1280, height: 800})
			if _, err := chromedp.Call(p.ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}); err != nil { // axe writes styles
				t.Fatal(err)
			}
			p.do(chromedp.Navigate(d.URL + "/?dashboard=" + name))
			p.waitFor("what it shows", isLive+" && "+ready)
			for _, theme := range []string{"light", "dark"} {
				p.prefers("prefers-color-scheme", theme)
				p.accessible(theme)
			}
			p.openDialogs()
			for _, width := range []int64{2560, 1440, 360} {
				p.do(chromedp.EmulateViewport(width, max(800, width*9/16)))
				p.waitFor("the other width", fmt.Sprintf(`innerWidth === %d && %s`, width, ready))
				if over := value[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("at %d px, the page is %d px wider than the screen", width, over)
				}
				p.cutOff(width)
				if *screenshots != "" {
					shoot(t, p, fmt.Sprintf("%s-%d", name, width))
				}
			}
			p.accessible("a phone")
		})
	}
}

// accessible has axe look at the page.
func (p *tab) accessible(what string) {
	p.t.Helper()
	source, err := axe()
	if err != nil {
		p.t.Fatal(err)
	}
	if !value[bool](p, `"axe" in window`) {
		p.do(chromedp.Evaluate[chromedp.Void](source))
	}
	faults, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
		.filter(({ impact }) => impact === "serious" || impact === "critical")
		.map(({ impact, id, nodes }) => impact + " " + id + ": " + nodes.slice(0, 4).map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary).join("; ")))`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	if len(faults) > 0 {
		p.t.Errorf("%s: axe finds\n%s", what, strings.Join(faults, "\n"))
	}
}

// openDialogs has axe look at what opens over a page.
func (p *tab) openDialogs() {
	p.t.Helper()
	for _, open := range []string{`[aria-label="List of keys"]`, `[title="Find a command (Ctrl K)"]`, `[data-panel=call] [data-opens]`} {
		if !value[bool](p, `(button => { button?.click(); return button !== null; })(document.querySelector(`+"`"+open+"`"+`))`) {
			continue // this page has none
		}
		p.waitFor("what it opens", `document.querySelector("dialog[open]") !== null`)
		p.accessible(open)
		value[any](p, `document.querySelector("dialog[open]").close()`)
	}
}

// cutOff says which headings have no room for their words, and which panels none for what they show.
func (p *tab) cutOff(width int64) {
	p.t.Helper()
	// The page lays itself out anew a moment after it has another size.
	p.waitFor(fmt.Sprintf("headings that are whole at %d px", width), `[...document.querySelectorAll(".panel h2")].every(h => h.scrollWidth <= h.clientWidth + 1)`)
	p.waitFor(fmt.Sprintf("panels with room at %d px", width), `[...document.querySelectorAll(".panel")].every(({ lastChild }) => lastChild.offsetHeight >= 60)`)
}
