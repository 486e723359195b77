package browser

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"
)

var figures = flag.Duration("figures", 0, "for how long to measure what the trading page costs; make page-figures prints it")

// TestFigures prints what the trading page costs: 105 instruments at 90 messages a second. It judges nothing: figures belong to a machine.
func TestFigures(t *testing.T) {
	if *figures == 0 {
		return
	}
	browser := startChromium(t)
	d := startDev(t, built.Path(t, "cmd/tidewire"))
	p := openTab(t, browser, d.URL+"/?tenant=acme&group=equities", desk)
	p.waitFor("prices", hasPrices(acmeShares))
	if _, err := chromedp.Call(p.ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // what only the start costs is over
	before := p.cost()
	time.Sleep(*figures)
	after := p.cost()
	per := func(name string) float64 { return 100 * (after[name] - before[name]) / after.since(before) }
	t.Logf("processor, of one core: the page's process %.1f %% (all its threads), its main thread %.1f %% (script %.1f, layout %.1f, style %.1f); the browser's drawing %.1f %%",
		per("process"), per("TaskDuration"), per("ScriptDuration"), per("LayoutDuration"), per("RecalcStyleDuration"), per("drawing"))

	value[any](p, `(() => { window.frames_ = []; let last = performance.now(); const look = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(look); }; requestAnimationFrame(look); })()`)
	time.Sleep(*figures)
	t.Logf("frames: %s", value[string](p, `(sorted => sorted.length + ", half within " + sorted[sorted.length >> 1].toFixed(1) + " ms, 95 of 100 within " + sorted[Math.floor(sorted.length * 0.95)].toFixed(1) + " ms")(window.frames_.slice(2).sort((a, b) => a - b))`))
	t.Logf("page: %s", value[string](p, `(all => all.length + " files, " + Math.round(all.reduce((sum, each) => sum + each.encodedBodySize, 0) / 1024) + " kB compressed; first paint after " + Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN) + " ms")([...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource").filter(({ name }) => !name.includes("/demo/"))])`))

	hour(t, browser)
}

// hour gives a page an hour of prices as fast as it takes them: 105 instruments, 90 a second, by the clock of the events.
func hour(t *testing.T, browser chromium) {
	s, p := startStandIn(t, browser)
	const perMinute = 90 * 60
	base, n := time.Now(), 0
	for minute := 1; minute <= 60; minute++ {
		var price int
		for range perMinute {
			n++
			at := base.Add(time.Duration(n) * time.Second / 90).UnixMilli()
			price = 100 + n%977
			s.say(fmt.Sprintf(`{"type":"message","channel":"prices:one","position":"%d-%d","key":"K%d","time":%d,"data":{"name":"Number %d","price":%d,"close":100,"bid":%d,"ask":%d,"sentAt":%d}}`, at, n, n%acmeShares, at, n%acmeShares, price, price, price+1, at))
			if n%900 == 0 { // a frame at the least sees ten seconds of it
				p.waitFor("what was sent", fmt.Sprintf(`document.querySelector("[data-panel=trades] tr[data-key=K%d]") !== null`, n%acmeShares))
			}
		}
		if minute%10 == 0 {
			if _, err := chromedp.Call(p.ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
				t.Fatal(err)
			}
			heap, err := chromedp.Call(p.ctx, runtime.GetHeapUsage, cdp.Empty{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("heap after %d minutes of prices: %.2f MB", minute, heap.UsedSize/1e6)
		}
	}
}

// costs are seconds of a processor by what they were spent on, and when they were read.
type costs map[string]float64

func (c costs) since(before costs) float64 { return c["at"] - before["at"] }

func (p *tab) cost() costs {
	p.t.Helper()
	processes, err := chromedp.CallBrowser(p.ctx, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	metrics, err := chromedp.Call(p.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	all := costs{"at": float64(time.Now().UnixMicro()) / 1e6}
	for _, m := range metrics.Metrics {
		all[m.Name] = m.Value
	}
	for _, process := range processes.ProcessInfo {
		switch process.Type {
		case "renderer":
			all["process"] += process.CPUTime
		case "GPU":
			all["drawing"] += process.CPUTime
		}
	}
	return all
}
