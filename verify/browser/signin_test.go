package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// signIn gives the console a token.
func (p *tab) signIn(token string) {
	p.t.Helper()
	value[any](p, `document.querySelector("[data-opens]").click()`)
	value[any](p, `(form => { form.elements.token.value = "`+token+`"; form.requestSubmit(); })(document.querySelector("dialog.sign-in form"))`)
}

// openConsole opens the console of a role of globex.
func openConsole(t *testing.T, browser chromium, d dev) *tab {
	t.Helper()
	p := openTab(t, browser, d.URL+"/?tenant=globex&group=operations&dashboard=console", desk)
	p.cut = true // a connection that is given up while it is made is worth a word to Chromium, and so is what is refused
	p.waitFor("the console", isLive+` && document.querySelector("[data-opens]") !== null`)
	return p
}

const signedOut = `document.querySelector("[data-panel=connections] h2")?.textContent.startsWith("Connections of globex") && document.querySelector("#source").textContent === "What your role may do"`

// signIn gives the console a token of one's own, and leaves it again.
func signIn(t *testing.T, browser chromium, d dev) {
	p := openConsole(t, browser, d)
	p.signIn("nonsense")
	p.waitFor("that this is none", `document.querySelector("dialog.sign-in .said").textContent === "This is not a token."`)
	value[any](p, `document.querySelector("dialog.sign-in").close()`)
	p.signIn(d.Token)
	p.waitFor("who one is now", `document.querySelector("#source").textContent === "Signed in as dev of acme" && document.querySelector("[data-panel=connections] h2").textContent.startsWith("Connections of acme")`)
	value[any](p, `document.querySelector("[data-opens]").click()`)
	p.waitFor("the role again", signedOut)
}

// panels are those that the page has.
const panels = `[...document.querySelectorAll("[data-panel]")].map(({ dataset }) => dataset.panel).sort().join(" ")`

// status is what the management API answers a token.
func (p *tab) status(token, method, path, body string) int {
	p.t.Helper()
	script := fmt.Sprintf(`fetch("/v1/tenants%s", { method: %q, headers: { Authorization: "Bearer %s", "Content-Type": "application/json" }, body: %s }).then(({ status }) => status)`, path, method, token, body)
	status, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return status
}

// fewRights signs in with a token of a tenant that may see connections and nothing else: nothing else is shown, and nothing else is possible.
func fewRights(t *testing.T, browser chromium, d dev) {
	p, token := openConsole(t, browser, d), d.token(t, "--tenant", "acme", "--user", "clerk", "--manage", "connections")
	p.signIn(token)
	p.waitFor("who one is", `document.querySelector("#source").textContent === "Signed in as clerk of acme"`)
	p.waitFor("the connections", `document.querySelector("[data-panel=connections] h2").textContent.startsWith("Connections of acme") && document.querySelectorAll("[data-panel=connections] tr[data-key]").length > 0`)
	if got, want := value[string](p, panels), "call channels connections tail"; got != want {
		t.Errorf("the panels are %s, want %s", got, want)
	}
	if value[bool](p, `[...document.querySelectorAll("[data-panel=connections] button")].some(({ textContent }) => textContent === "Log out")`) {
		t.Error("who may not end tokens is offered it")
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/acme/connections", "undefined", 200},
		{"POST", "/acme/publish", `'{"channel":"news:today","data":1}'`, 403},
		{"POST", "/acme/tokens", `'{"user":"clerk","ttl":"5m"}'`, 403},
		{"POST", "/acme/users/somebody/logout", "undefined", 403},
		{"GET", "/acme/channels/news:today/state", "undefined", 403},
		{"GET", "/acme", "undefined", 403},
		{"GET", "/globex/connections", "undefined", 403},
		{"GET", "", "undefined", 403},
		{"POST", "/acme/suspend", "undefined", 403},
	} {
		if got := p.status(token, tt.method, tt.path, tt.body); got != tt.status {
			t.Errorf("%s %s answers %d, want %d", tt.method, tt.path, got, tt.status)
		}
	}
}

// operator signs in as one: all tenants are shown and can be turned to, and what would end their work asks before.
func operator(t *testing.T, browser chromium, d dev) {
	p := openConsole(t, browser, d)
	if value[bool](p, `document.querySelector("[data-panel=tenants]") !== null`) {
		t.Error("a tenant's role is shown the tenants")
	}
	p.signIn(d.token(t, "--operator", "--user", "olga"))
	p.waitFor("who one is", `document.querySelector("#source").textContent === "Signed in as olga, an operator"`)
	p.waitFor("the tenants", `["acme", "globex"].every(key => document.querySelector("[data-panel=tenants] tr[data-key=" + key + "]") !== null)`)
	if got, want := value[string](p, panels), "call channels connections explain limits present publish state tail tenants"; got != want {
		t.Errorf("the panels are %s, want %s", got, want)
	}
	value[any](p, `document.querySelector("[data-panel=tenants] tr[data-key=acme] button").click()`)
	p.waitFor("what is connected of the other tenant", `document.querySelector("[data-panel=connections] h2").textContent.startsWith("Connections of acme") && document.querySelectorAll("[data-panel=connections] tr[data-key]").length > 0`)
	value[any](p, `window.confirm = question => (window.asked = question, false), [...document.querySelectorAll("[data-panel=tenants] tr[data-key=acme] button")].find(({ textContent }) => textContent === "Suspend").click()`)
	p.waitFor("a question", `window.asked === "Suspend acme? All its users are disconnected."`)
	value[any](p, `(form => { form.elements.channel.value = "news:operators"; form.requestSubmit(); })(document.querySelector("[data-panel=publish] form"))`)
	p.waitFor("that it is published, for that tenant", `/^Published as/.test(document.querySelector("[data-panel=publish] .said").textContent) && /acme.*publish/.test(document.querySelector("[data-panel=call] pre").textContent)`)
	value[any](p, `document.querySelector("[data-opens]").click()`)
	p.waitFor("the role again", signedOut)
	if value[bool](p, `document.querySelector("[data-panel=tenants]") !== null`) {
		t.Error("whoever has signed out is still shown the tenants")
	}
}

// lessers signs in as operators who may not do everything: what their roles may not do is not shown, and not possible.
func lessers(t *testing.T, browser chromium, d dev) {
	for _, tt := range []struct {
		role, panels, buttons string
		closes                int // what a call answers that closes a connection which is not there
	}{
		{"viewer", "call channels connections explain limits present tail tenants", "", 403},
		{"support", "call channels connections explain limits present tail tenants", "Disconnect Log out", 404},
	} {
		p, token := openConsole(t, browser, d), d.token(t, "--operator", "--role", tt.role, "--user", tt.role)
		p.signIn(token)
		p.waitFor("who one is", `document.querySelector("#source").textContent === "Signed in as `+tt.role+`, an operator"`)
		p.waitFor("the tenants", `["acme", "globex"].every(key => document.querySelector("[data-panel=tenants] tr[data-key=" + key + "]") !== null)`)
		value[any](p, `document.querySelector("[data-panel=tenants] tr[data-key=globex] button").click()`)
		p.waitFor("the connections", `document.querySelectorAll("[data-panel=connections] tr[data-key]").length > 0`)
		if got := value[string](p, panels); got != tt.panels {
			t.Errorf("%s: the panels are %s, want %s", tt.role, got, tt.panels)
		}
		const offered = `[...new Set([...document.querySelectorAll("[data-panel=connections] tbody button, [data-panel=tenants] tbody button")].map(({ textContent }) => textContent))].filter(text => ["Disconnect", "Log out", "Suspend", "Resume"].includes(text)).sort().join(" ")`
		if got := value[string](p, offered); got != tt.buttons {
			t.Errorf("%s is offered %q, want %q", tt.role, got, tt.buttons)
		}
		for _, call := range []struct {
			method, path, body string
			status             int
		}{
			{"GET", "/acme/connections", "undefined", 200},
			{"GET", "", "undefined", 200},
			{"DELETE", "/acme/connections/nobody", "undefined", tt.closes},
			{"POST", "/acme/publish", `'{"channel":"news:today","data":1}'`, 403},
			{"POST", "/acme/tokens", `'{"user":"clerk","ttl":"5m"}'`, 403},
			{"POST", "/acme/suspend", "undefined", 403},
			{"PUT", "/acme", `'{}'`, 403},
			{"DELETE", "/acme/keys/demo", "undefined", 403},
		} {
			if got := p.status(token, call.method, call.path, call.body); got != call.status {
				t.Errorf("%s: %s %s answers %d, want %d", tt.role, call.method, call.path, got, call.status)
			}
		}
	}
}
