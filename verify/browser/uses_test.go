package browser

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestUses drives the dashboards of the demo beside trading, each with its own role.
func TestUses(t *testing.T) {
	t.Parallel()
	browser := startChromium(t)
	d := startDev(t, built.Path(t, "cmd/tidewire"))
	for name, run := range map[string]func(*testing.T, chromium, dev){
		"sensors": sensors, "operations": operations, "logistics": logistics, "whiteboard": whiteboard, "notes": notes, "crawl": crawled, "console": console,
		"orders": orders, "snoozing": snoozing, "cuts": cuts, "sign-in": signIn, "few rights": fewRights, "an operator": operator, "operators of less": lessers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, browser, d)
		})
	}
}

// shootAll takes pictures of what a tab shows, if somebody wants them.
func shootAll(t *testing.T, p *tab, name string) {
	t.Helper()
	if *screenshots != "" {
		shoot(t, p, name)
	}
}

func sensors(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?dashboard=sensors", desk)
	p.waitFor("the role that sees them", isLive+` && document.querySelector("select[name=group]").value === "plant"`)
	p.waitFor("all sensors", `document.querySelector("[data-panel=wall] h2").textContent === "Plant (96)"`)
	p.waitFor("a reading", `/^[\d.,]+ \S+$/.test(document.querySelector("[data-panel=reading] .facts-large").textContent)`)
	value[any](p, `(select => { select.value = "L03"; select.dispatchEvent(new Event("change")); })(document.querySelector("[data-panel=wall] select[aria-label=Line]"))`)
	p.waitFor("those of one line, as the server sends no other", `document.querySelector("[data-panel=wall] h2").textContent === "Plant (8)"`)
	value[any](p, `(select => { select.value = "flow"; select.dispatchEvent(new Event("change")); })(document.querySelector("[data-panel=wall] select[aria-label=Kind]"))`)
	p.waitFor("one kind of them", `document.querySelector("[data-panel=wall] h2").textContent === "Plant (1)" && document.querySelector("[data-panel=chart] h2").textContent.startsWith("L03.flow")`)
	shootAll(t, p, "sensors-one")
}

// operations has two people look at the alerts. Both claim the same one at once: one gets it, and both see who.
func operations(t *testing.T, browser chromium, d dev) {
	open := func(name string) *tab {
		p := openTab(t, browser, d.URL+"/?dashboard=operations", desk)
		value[any](p, `sessionStorage.setItem("tidewire-name", "`+name+`")`)
		p.do(chromedp.Reload())
		p.waitFor("alerts", isLive+` && document.querySelectorAll("[data-panel=alerts] tr[data-key]").length >= 2`)
		return p
	}
	a, b := open("Ann"), open("Ben")
	const first = `(() => { const tr = document.querySelector("[data-panel=alerts] tr[data-key]"); return tr.dataset.key; })()`
	key := value[string](a, first)
	row := `document.querySelector("[data-panel=alerts] tr[data-key='` + key + `']")`
	for _, p := range []*tab{a, b} {
		value[any](p, row+`.querySelector(".act button").click()`)
	}
	owned := `["Ann", "Ben"].includes(` + row + `?.querySelector(".owner").textContent)`
	a.waitFor("an owner", owned)
	b.waitFor("an owner", owned)
	owner := row + `.querySelector(".owner").textContent`
	if one, other := value[string](a, owner), value[string](b, owner); one != other {
		t.Errorf("one sees %s as the owner and the other %s", one, other)
	}
	mine, theirs := a, b
	if value[string](a, owner) == "Ben" {
		mine, theirs = b, a
	}
	if got := value[string](theirs, row+`.querySelector(".act").textContent`); got != "" {
		t.Errorf("who has not claimed it may %q", got)
	}
	value[any](mine, row+`.querySelector(".act button").click()`)
	theirs.waitFor("that it is free again", row+`?.querySelector(".owner").textContent === "–"`)
	theirs.waitFor("the metrics of this very server", `document.querySelector("[data-panel=services] canvas") !== null && /^(\(\d+\) )?IT operations/.test(document.title)`)
	shootAll(t, a, "operations")
}

// logistics has two roles of one tenant look at one channel: each is sent the vehicles of its region only.
func logistics(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?group=south", desk)
	keys := `[...document.querySelectorAll("[data-panel=vehicles] tr[data-key]")].map(tr => tr.dataset.key)`
	p.waitFor("vehicles of the south, and no others", isLive+` && `+keys+`.length > 20 && `+keys+`.every(key => key.startsWith("S-"))`)
	all := value[int](p, keys+`.length`)
	p.choose("group", "north")
	p.waitFor("those of the north", isLive+` && `+keys+`.length > 20 && `+keys+`.every(key => key.startsWith("N-"))`)
	if north := value[int](p, keys+`.length`); north+all > 120 || north+all < 110 { // one may be in a tunnel
		t.Errorf("%d vehicles in the north and %d in the south, of 120", north, all)
	}
	p.waitFor("the map", `(canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(byte => byte !== 0))(document.querySelector("[data-panel=map] canvas"))`)
	for range 4 {
		value[any](p, `document.querySelector("[data-panel=map] [aria-label='Zoom in']").click()`)
	}
	value[any](p, `document.querySelector("[data-panel=map] [data-value=view]").click()`)
	p.waitFor("only those that the map shows", keys+`.length < 25`)
	value[any](p, `[...document.querySelectorAll("[data-panel=map] button")].find(button => button.textContent === "Fit").click()`)
	p.waitFor("all of them again", keys+`.length > 40`)
	shootAll(t, p, "logistics")
}

// whiteboard has two people draw at once, one of them without a network for a while: in the end both see the same board, and undo takes back one's own.
func whiteboard(t *testing.T, browser chromium, d dev) {
	n := startNetwork(t, d.URL)
	a, b := openTab(t, browser, d.URL+"/?dashboard=whiteboard", desk), openTab(t, browser, n.URL+"/?dashboard=whiteboard", desk)
	b.cut = true
	items := func(count int) string {
		return fmt.Sprintf(`document.querySelectorAll(".board [data-key]").length === %d`, count)
	}
	for _, p := range []*tab{a, b} {
		p.waitFor("the board", isLive+` && document.querySelectorAll(".people li").length === 2`)
	}
	a.drag(300, 300, 500, 400)
	b.drag(300, 500, 500, 600)
	for _, p := range []*tab{a, b} {
		p.waitFor("both strokes", items(2))
	}
	a.waitFor("the other's pointer", `document.querySelectorAll(".pointer").length === 1`)
	n.set(down)
	b.waitFor("that the network is away", `document.querySelector("#connection").dataset.state === "reconnecting"`)
	a.drag(600, 300, 700, 400)
	b.drag(600, 500, 700, 600)
	b.waitFor("that it is kept", `/not sent yet/.test(document.querySelector(".unsent").textContent)`)
	b.waitFor("its own stroke at once", items(3))
	n.set(up)
	for _, p := range []*tab{a, b} {
		p.waitFor("all four strokes", items(4))
	}
	const board = `[...document.querySelectorAll(".board [data-key]")].map(({ dataset, attributes }) => dataset.key + attributes.d.value).sort().join()`
	sameBoard(t, a, b, board)
	value[any](a, `document.querySelector("[data-panel=board] [aria-label=Undo]").click()`)
	for _, p := range []*tab{a, b} {
		p.waitFor("three strokes", items(3))
	}
	c := openTab(t, browser, d.URL+"/?dashboard=whiteboard", desk)
	c.waitFor("whoever comes later sees the same", items(3))
	sameBoard(t, a, c, board)
	keepsWhatWasMade(t, c)
	shootAll(t, c, "whiteboard")
}

// sameBoard waits until two tabs show the same: the end of a stroke may come after its beginning has.
func sameBoard(t *testing.T, a, b *tab, board string) {
	t.Helper()
	for _, p := range []*tab{a, b} {
		p.waitFor("that everything is sent", `document.querySelector(".unsent").textContent === ""`)
	}
	one, other := "", ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if one, other = value[string](a, board), value[string](b, board); one == other {
			return
		}
	}
	t.Errorf("the boards differ:\n%s\n%s", one, other)
}

// console shows a role with rights what is connected, and does something about it; a role without them is not shown any of it.
func console(t *testing.T, browser chromium, d dev) {
	victim := openTab(t, browser, d.URL+"/?tenant=globex&group=south", desk)
	victim.waitFor("vehicles", isLive)
	p := openTab(t, browser, d.URL+"/?tenant=globex&group=operations&dashboard=console&channel=vehicles:fleet&filter="+url.QueryEscape("tags.region == 'south'"), desk)
	p.waitFor("who is connected", isLive+` && [...document.querySelectorAll("[data-panel=connections] td.user")].some(td => td.textContent === "south")`)
	p.waitFor("events of what is filtered", `document.querySelectorAll("[data-panel=tail] tr[data-key]").length > 3 && [...document.querySelectorAll("[data-panel=tail] tr[data-key]")].every(tr => tr.dataset.key.startsWith("S-"))`)
	p.waitFor("the state of the channel", `document.querySelectorAll("[data-panel=state] tr[data-key]").length > 50`)
	p.waitFor("the limits", `/Publishes a second\s+500/.test(document.querySelector("[data-panel=limits]").innerText)`)
	if value[bool](p, `document.querySelector("[data-panel=tenants]") !== null`) {
		t.Error("a tenant's role is shown the tenants")
	}
	value[any](p, `(() => {
		const form = document.querySelector("[data-panel=publish] form");
		form.elements.channel.value = "news:today";
		form.requestSubmit();
	})()`)
	p.waitFor("that it is published, and how a terminal does it", `/^Published as/.test(document.querySelector("[data-panel=publish] .said").textContent) && /^curl .*publish.*news:today/.test(document.querySelector("[data-panel=call] pre").textContent)`)
	value[any](p, `(form => {
		Object.assign(form.elements.channel, { value: "vehicles:fleet" });
		Object.assign(form.elements.key, { value: "N-1" });
		Object.assign(form.elements.tags, { value: "region=north" });
		form.requestSubmit();
	})(document.querySelector("[data-panel=explain] form"))`)
	p.waitFor("why it does not arrive", `[...document.querySelectorAll("[data-panel=explain] li")].some(li => li.dataset.outcome === "filtered" && /subscription.filter: tags.region == .*is false/.test(li.textContent)) && document.querySelectorAll("[data-panel=explain] li").length > 1`)
	value[any](p, `(save => { window.saved = []; URL.createObjectURL = (blob) => (blob.text().then(text => window.saved.push(text)), save.call(URL, blob)); })(URL.createObjectURL), [...document.querySelectorAll("[data-panel=tail] button")].find(button => button.textContent === "Export").click()`)
	p.waitFor("the history as a file", `/^time,channel,key,deleted,data,position\r\n\d{4}-.*,vehicles:fleet,S-/.test(window.saved[0] ?? "")`)
	value[any](p, `window.confirm = () => true, [...document.querySelectorAll("[data-panel=connections] tr[data-key]")].find(tr => tr.querySelector(".user").textContent === "south").querySelector(".act button").click()`)
	victim.waitFor("that it is told to stop", words+` === "Refused"`)
	shootAll(t, p, "console")
}

// crawled looks at the crawl of the demo's site, which begins when somebody looks: its pages come while it is crawled, and what is not read is there with why; who comes
// later sees the same.
func crawled(t *testing.T, browser chromium, d dev) {
	p := openTab(t, browser, d.URL+"/?tenant=globex&dashboard=crawl", desk)
	p.waitFor("the role that sees it", isLive+` && document.querySelector("select[name=group]").value === "operations"`)
	p.waitFor("a crawl that runs", `/running/.test(document.querySelector("[data-panel=progress]").innerText) && document.querySelectorAll("[data-panel=pages] tr[data-key]").length > 5`)
	shootAll(t, p, "crawl")
	unread := func(why string) string {
		return `[...document.querySelectorAll("[data-panel=unread] tr[data-key]")].some(tr => /` + why + `/.test(tr.innerText))`
	}
	p.waitFor("what is not read, and why", unread("169.254.169.254[^]*refused[^]*not public")+" && "+unread("drafts[^]*disallowed[^]*robots.txt")+" && "+unread("missing[^]*failed[^]*404"))
	if value[bool](p, unread("loop")) {
		t.Error("a loop of redirects is taken for a fault")
	}
	late := openTab(t, browser, d.URL+"/?tenant=globex&dashboard=crawl", desk)
	for _, pages := range []int{60, 120, 170} { // a busy machine takes its time
		p.waitFor("more pages", fmt.Sprintf(`Number(document.querySelector("[data-panel=pages] h2").textContent.match(/\d+/)[0]) > %d`, pages))
	}
	for _, each := range []*tab{p, late} {
		each.waitFor("all of the site", `/done/.test(document.querySelector("[data-panel=progress]").innerText) && /^(\d+) of \1$/.test(document.querySelector("[data-panel=progress] .facts-large").textContent)`)
	}
	count := `document.querySelector("[data-panel=pages] h2").textContent`
	if one, other := value[string](p, count), value[string](late, count); one != other {
		t.Errorf("%s and %s", one, other)
	}
	shootAll(t, p, "crawl-done")
}
