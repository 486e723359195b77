package browser

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for what it wants to see, on a machine that is busy.
const patience = 40 * time.Second

// chromium is a browser, in which tabs are opened.
type chromium struct{ ctx context.Context }

// startChromium starts a browser that lives as long as the test.
func startChromium(t *testing.T) chromium {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium to test the pages with; install it with: apt-get install chromium (make test does it where it may)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // tests may run as root in a container, where Chromium has no sandbox; it opens its own pages only
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return chromium{ctx}
}

// tab is one page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
	// cut says that the test cuts the network, so that the console may say so.
	cut bool
}

// device is what a tab is looked at with.
type device struct {
	width, height int64
	dark, calm    bool // prefers-color-scheme: dark, prefers-reduced-motion: reduce
}

var desk = device{width: 1440, height: 900}

// openTab opens a URL. When the test ends, the page must not have complained about anything.
func openTab(t *testing.T, browser chromium, url string, d device) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser.ctx)
	p := &tab{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	var complaints []string
	var reading sync.WaitGroup
	reading.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException() {
				complaints = append(complaints, m.Text)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
		for _, text := range complaints {
			network := strings.HasPrefix(text, "WebSocket connection to") || strings.HasPrefix(text, "Failed to load resource")
			if !p.cut || !network {
				t.Errorf("the console says: %s", text)
			}
		}
	})
	scheme, motion := "light", "no-preference"
	if d.dark {
		scheme = "dark"
	}
	if d.calm {
		motion = "reduce"
	}
	p.prefers("prefers-color-scheme", scheme, "prefers-reduced-motion", motion)
	p.do(chromedp.EmulateViewport(d.width, d.height), chromedp.Navigate(url))
	return p
}

// prefers sets what the system says that the user prefers: names and values of media features, one after the other.
func (p *tab) prefers(features ...string) {
	p.t.Helper()
	var all []*emulation.MediaFeature
	for i := 0; i < len(features); i += 2 {
		all = append(all, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
	}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: all}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// value evaluates a JavaScript expression.
func value[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// waitFor waits until a JavaScript expression is true.
func (p *tab) waitFor(what, expression string) {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if value[bool](p, "Boolean("+expression+")") {
			return
		}
	}
	p.t.Fatalf("not seen in %v: %s\n%s\nthe page says: %s", patience, what, expression, value[string](p, "document.body.innerText"))
}

// choose sets a select element as a user does.
func (p *tab) choose(name, option string) {
	p.t.Helper()
	value[bool](p, `(() => {
		const select = document.querySelector("select[name=`+name+`]");
		select.value = "`+option+`";
		return select.dispatchEvent(new Event("change", { bubbles: true }));
	})()`)
}

// rows are the symbols in the watchlist, from the top.
func (p *tab) rows() string {
	p.t.Helper()
	return value[string](p, `[...document.querySelectorAll("`+watchlist+` tr[data-key]:not([hidden])")].map(tr => tr.dataset.key).join(" ")`)
}

// drag moves the pointer from one place of the screen to another, with its button down.
func (p *tab) drag(fromX, fromY, toX, toY float64) {
	p.t.Helper()
	move := func(kind input.DispatchMouseEventType, x, y float64, buttons int64) {
		if _, err := chromedp.Call(p.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: buttons, ClickCount: 1}); err != nil {
			p.t.Fatal(err)
		}
	}
	move(input.DispatchMouseEventTypeMousePressed, fromX, fromY, 1)
	for i := 1; i <= 5; i++ {
		part := float64(i) / 5
		move(input.DispatchMouseEventTypeMouseMoved, fromX+(toX-fromX)*part, fromY+(toY-fromY)*part, 1)
	}
	move(input.DispatchMouseEventTypeMouseReleased, toX, toY, 0)
}

// press presses a key as the keyboard does: a page that handles it keeps it from being typed.
func (p *tab) press(key string) {
	p.t.Helper()
	for _, event := range []input.DispatchKeyEventParams{
		{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key}, {Type: input.DispatchKeyEventTypeKeyUp, Key: key},
	} {
		if _, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, event); err != nil {
			p.t.Fatal(err)
		}
	}
}

// hasPrices says that the page is live and shows so many symbols.
func hasPrices(symbols int) string {
	return fmt.Sprintf("%s && document.querySelectorAll('%s tr[data-key]').length === %d", isLive, watchlist, symbols)
}

// How many instruments the desks of the demo watch.
const (
	acmeShares     = 105
	acmeCurrencies = 20
	globexShares   = 45
)

// JavaScript that several tests ask.
const (
	watchlist = `[data-panel=watchlist]`
	isLive    = `document.querySelector("#connection")?.dataset.state === "live"`
	words     = `document.querySelector("#connection .word").textContent`
	noticeSay = `document.querySelector("#notice").hidden ? "" : document.querySelector("#notice").innerText`
)
