package browser

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "folder to put pictures of the dashboard into")

// looks opens the page on screens from narrow to wide, light and dark.
func looks(t *testing.T, browser chromium, d dev) {
	for _, width := range []int64{360, 1280, 2560} {
		for _, dark := range []bool{false, true} {
			name := fmt.Sprintf("%d-%s", width, map[bool]string{false: "light", true: "dark"}[dark])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				group, rows := "group=equities", acmeShares
				if dark {
					group, rows = "group=currencies", acmeCurrencies
				}
				p := openTab(t, browser, d.URL+"/?tenant=acme&"+group, device{width: width, height: max(800, width*9/16), dark: dark})
				p.waitFor("prices", hasPrices(rows))
				if over := value[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("the page is %d px wider than the screen", over)
				}
				if free := value[float64](p, `1 - [...document.querySelectorAll(".panel")].reduce((sum, { offsetWidth: w, offsetHeight: h }) => sum + w * h, 0) / (document.querySelector("#stage").offsetWidth * document.querySelector("#stage").offsetHeight)`); free > 0.02 {
					t.Errorf("%.0f %% of the stage is empty", 100*free)
				}
				if lost := value[string](p, `["watchlist", "chart", "quote", "wall", "trades", "depth", "blotter"].filter(id => document.querySelector("[data-panel=" + id + "] .panel-body").offsetHeight < 80).join()`); lost != "" {
					t.Errorf("these have no room: %s", lost)
				}
				if *screenshots != "" {
					shoot(t, p, name)
				}
			})
		}
	}
}

// picture makes the one of the README, where somebody wants it: make picture.
func picture(t *testing.T, browser chromium, d dev) {
	if *screenshots == "" {
		return
	}
	p := openTab(t, browser, d.URL+"/?symbol=NVDA", device{width: 1600, height: 900})
	p.waitFor("prices", hasPrices(acmeShares))
	p.waitFor("trades", `document.querySelectorAll("[data-panel=trades] tr[data-key]").length > 15`)
	for _, side := range []string{"buy", "sell", "buy"} {
		before := value[int](p, given)
		value[any](p, `document.querySelector("[data-panel=blotter] .`+side+`").click()`)
		p.waitFor("the order", fmt.Sprintf("%s > %d", given, before))
	}
	p.waitFor("what is offered, and a line of each day", `document.querySelectorAll("[data-panel=depth] tbody tr").length > 4 && document.querySelectorAll("[data-panel=trades] tr[data-key]").length > 15`)
	shoot(t, p, "dashboard")
	smaller(t, filepath.Join(*screenshots, "dashboard.png"))
}

// smaller writes a picture with the 256 colours that it has most of; a page has few more.
func smaller(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	full, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	b := full.Bounds()
	count := map[color.Color]int{}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[full.At(x, y)]++
		}
	}
	colours := color.Palette(slices.SortedFunc(maps.Keys(count), func(one, other color.Color) int { return count[other] - count[one] }))
	few := image.NewPaletted(b, colours[:min(256, len(colours))])
	draw.Draw(few, b, full, b.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 400<<10 {
		t.Errorf("%s has %d bytes: too many for a repository", name, out.Len())
	}
}

func shoot(t *testing.T, p *tab, name string) {
	t.Helper()
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// contrast checks the tokens by the formula of WCAG 2.2: text has 4.5:1 or more on every ground it stands on.
func contrast(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/", desk)
	p.waitFor("prices", hasPrices(acmeShares))
	for _, theme := range []string{"light", "dark"} {
		low := value[string](p, `(() => {
			document.documentElement.dataset.theme = "`+theme+`";
			const probe = document.body.appendChild(document.createElement("i"));
			const light = (token) => {
				probe.style.color = "var(--" + token + ")";
				const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
				return 0.2126 * r + 0.7152 * g + 0.0722 * b;
			};
			const grounds = { ink: ["ground", "raised", "up-tint", "down-tint", "warn-tint", "down-quiet-tint"], quiet: ["ground", "raised"], accent: ["ground"], up: ["ground"], down: ["ground"], warn: ["ground"] };
			return Object.entries(grounds).flatMap(([text, on]) => on.map(ground => {
				const [a, b] = [light(text), light(ground)].sort((x, y) => y - x);
				return [text + " on " + ground, (a + 0.05) / (b + 0.05)];
			})).filter(([, ratio]) => ratio < 4.5).map(([pair, ratio]) => pair + " " + ratio.toFixed(2)).join();
		})()`)
		if low != "" {
			t.Errorf("%s: too little contrast: %s", theme, low)
		}
	}
}
