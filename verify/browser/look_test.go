package browser

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "folder to put pictures of the dashboard into")

// looks opens the page on screens from narrow to wide, light and dark.
func looks(t *testing.T, browser chromium, d dev) {
	for _, width := range []int64{360, 768, 1600, 2560} {
		for _, dark := range []bool{false, true} {
			name := fmt.Sprintf("%d-%s", width, map[bool]string{false: "light", true: "dark"}[dark])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				group := map[bool]string{false: "tenant=acme&group=equities", true: "tenant=globex&group=index"}[dark]
				p := openTab(t, browser, d.URL+"/?"+group, device{width: width, height: max(900, width/2), dark: dark})
				p.waitFor("prices", hasPrices(map[bool]int{false: 5, true: 10}[dark]))
				p.waitFor("charts", `document.querySelectorAll(".chart[data-key] canvas").length >= 5`)
				if over := value[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("the page is %d px wider than the screen", over)
				}
				if got := value[string](p, `[...document.querySelectorAll("#table tr[data-key]")][0].innerText.split(/\s+/).length >= 7
					&& [...document.querySelectorAll("#table tr[data-key] td")].every(td => td.checkVisibility() && td.getBoundingClientRect().right <= innerWidth) ? "" : "lost"`); got != "" {
					t.Error("a narrow screen shows less than a wide one")
				}
				if chart := value[int](p, `Math.round(document.querySelector(".chart").offsetWidth)`); chart > 640 {
					t.Errorf("a chart is %d px wide: wide screens have more charts, not larger ones", chart)
				}
				if *screenshots != "" {
					shoot(t, p, name)
				}
			})
		}
	}
}

func shoot(t *testing.T, p *tab, name string) {
	t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// contrast checks the tokens by the formula of WCAG 2.2: text has 4.5:1 or more on every ground it stands on.
func contrast(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/", desk)
	p.waitFor("prices", hasPrices(5))
	for _, theme := range []string{"light", "dark"} {
		low := value[string](p, `(() => {
			document.documentElement.dataset.theme = "`+theme+`";
			const probe = document.body.appendChild(document.createElement("i"));
			const light = (token) => {
				probe.style.color = "var(--" + token + ")";
				const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
				return 0.2126 * r + 0.7152 * g + 0.0722 * b;
			};
			const grounds = { ink: ["ground", "raised", "up-tint", "down-tint", "warn-tint", "down-quiet-tint"], quiet: ["ground", "raised", "up-tint", "down-tint"], accent: ["ground"], up: ["ground"], down: ["ground"], warn: ["ground"] };
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
