package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/services/dashboard/web"
)

// standIn is a gateway that says what a test wants it to: what a good one does only in trouble.
type standIn struct {
	t *testing.T

	mu         sync.Mutex // guards what follows
	conn       *websocket.Conn
	last       string // the newest price as an entry of a snapshot
	subscribed int
	refuse     string // the code with which subscriptions are refused; empty is none
	number     int
	running    sync.WaitGroup
}

// startStandIn serves a page of its own whose gateway it is, and opens it.
func startStandIn(t *testing.T, browser chromium) (*standIn, *tab) {
	t.Helper()
	s := &standIn{t: t}
	gateway := httptest.NewServer(http.HandlerFunc(s.socket))
	page := httptest.NewServer(web.Handler(web.Options{Gateway: gateway.URL, Session: func(context.Context, string, string) (web.Session, error) {
		return web.Session{
			Tenant: "acme", User: "dev", Groups: []string{"one"}, Token: "h.p.s", URL: gateway.URL,
			Channels: []web.Channel{{Name: "prices:one", Title: "One price", Unit: "USD", EveryMS: 1000}},
		}, nil
	}}))
	p := openTab(t, browser, page.URL+"/?span=5", desk)
	p.cut = true
	t.Cleanup(func() {
		s.cut()
		page.Close()
		gateway.Close()
		s.running.Wait()
	})
	p.waitFor("that it is live", isLive)
	return s, p
}

func (s *standIn) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{Subprotocols: []string{"tidewire.v1.json"}, CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s.running.Add(1)
	defer s.running.Done()
	defer conn.Close()
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	const welcome = `"connection":"c","user":"dev","tenant":"acme","instance":"i","expiresAt":4102444800000,"limits":{},"heartbeatMs":25000}`
	if strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), "bearer.") {
		s.say(`{"type":"welcome",` + welcome) // as a gateway does that has the token, unasked
	}
	for {
		var f struct {
			Type          string
			ID            json.RawMessage
			Channel       string
			Since         string
			Subscriptions []struct{ Channel, Since string }
		}
		if conn.ReadJSON(&f) != nil {
			return
		}
		id := ""
		if f.ID != nil {
			id = `"id":` + string(f.ID) + `,`
		}
		switch f.Type {
		case "connect":
			s.say(`{"type":"welcome",` + id + welcome)
			for _, sub := range f.Subscriptions {
				s.answer("", sub.Channel, sub.Since)
			}
		case "subscribe":
			s.answer(id, f.Channel, f.Since)
		case "unsubscribe":
			s.say(`{"type":"ok",` + id + `"channel":"` + f.Channel + `"}`)
		case "ping":
			s.say(`{"type":"pong"` + map[bool]string{true: "," + id[:max(0, len(id)-1)]}[id != ""] + `}`)
		}
	}
}

func (s *standIn) answer(id, channel, since string) {
	s.mu.Lock()
	refuse := s.refuse
	s.mu.Unlock()
	if refuse != "" {
		s.say(fmt.Sprintf(`{"type":"error",%s"channel":%q,"code":%q,"message":"not now","retryAfterMs":200}`, id, channel, refuse))
		return
	}
	s.mu.Lock()
	s.subscribed++
	last, now := s.last, time.Now().UnixMilli()-1
	s.mu.Unlock()
	s.say(fmt.Sprintf(`{"type":"ok",%s"channel":%q,"resumed":false,"gap":false,"position":"%d-","reset":%t,"state":{"keys":1}}`, id, channel, now, since != ""))
	s.say(fmt.Sprintf(`{"type":"snapshot","channel":%q,"entries":[%s],"more":false,"position":"%d-"}`, channel, last, now))
}

func (s *standIn) say(frame string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.WriteMessage(websocket.TextMessage, []byte(frame)) // the page may be gone
	}
}

// price publishes one.
func (s *standIn) price() {
	s.mu.Lock()
	s.number++
	n := s.number
	s.mu.Unlock()
	now := time.Now().UnixMilli()
	event := fmt.Sprintf(`"position":"%d-%d","key":"ONE","time":%d,"data":{"name":"The one","price":%d,"close":100,"sentAt":%d}}`, now, n, now, 100+n, now)
	s.mu.Lock()
	s.last = "{" + event
	s.mu.Unlock()
	s.say(`{"type":"message","channel":"prices:one",` + event)
}

// refusing has subscriptions refused with a code, or taken again.
func (s *standIn) refusing(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = code
}

func (s *standIn) subscriptions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subscribed
}

// cut ends the connection without a word.
func (s *standIn) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// prices publishes some, a moment apart, and goes on until one is shown: what comes while the page asks for everything anew
// is none of its subscription.
func (s *standIn) prices(p *tab, n int) {
	p.t.Helper()
	shown := func() bool {
		return value[string](p, `document.querySelector("[data-panel=watchlist] td.price")?.textContent ?? ""`) == fmt.Sprintf("%d.00", 100+s.number)
	}
	for end := time.Now().Add(patience); n > 0 || !shown(); n-- {
		if time.Now().After(end) {
			p.t.Fatal("the prices are not shown")
		}
		s.price()
		time.Sleep(100 * time.Millisecond)
	}
}

const outage = `document.querySelector("#outage").innerText`

// troubles shows what a page says when something was missed.
func troubles(t *testing.T, browser chromium) {
	const notice = `{"type":"notice","code":"gap","channel":"prices:one","position":"1-"}`
	t.Run("the server sends everything anew", func(t *testing.T) {
		t.Parallel()
		s, p := startStandIn(t, browser)
		s.prices(p, 2)
		before := s.subscriptions()
		s.say(notice)
		p.waitFor("that all was loaded again", words+` === "Some updates were missed, reloaded"`)
		if s.subscriptions() == before {
			t.Error("nothing was asked for again")
		}
		s.prices(p, 2)
		p.waitFor("that the chart marks what is missing", marked)
		if *screenshots != "" {
			shoot(t, p, "gap")
		}
	})
	t.Run("a channel that is away for a while", func(t *testing.T) {
		t.Parallel()
		s, p := startStandIn(t, browser)
		s.prices(p, 2)
		s.refusing("unavailable")
		s.cut()
		p.waitFor("that it is away, and that the page goes on asking", outage+`.includes("not available at the moment") && `+outage+`.includes("asks again by itself")`)
		p.waitFor("that the connection is live nevertheless", isLive)
		s.refusing("")
		p.waitFor("that nothing is said any more once it is there", `document.querySelector("#outage").hidden`)
		s.prices(p, 1)
	})
	t.Run("a price that leaves", func(t *testing.T) {
		t.Parallel()
		s, p := startStandIn(t, browser)
		s.prices(p, 2)
		s.say(fmt.Sprintf(`{"type":"message","channel":"prices:one","position":"%d-gone","key":"ONE","left":true}`, time.Now().UnixMilli()))
		p.waitFor("that it is gone", `document.querySelectorAll("tr[data-key]").length === 0`)
		s.prices(p, 1)
		p.waitFor("that it is there again", `document.querySelectorAll("[data-panel=watchlist] tr[data-key=ONE]").length === 1`)
	})
	t.Run("what is no price", func(t *testing.T) {
		t.Parallel()
		s, p := startStandIn(t, browser)
		for _, data := range []string{`null`, `"hello"`, `{}`, `{"price":"1"}`, `[1]`} {
			s.say(fmt.Sprintf(`{"type":"message","channel":"prices:one","position":"%d-x%s","key":"BAD","time":%d,"data":%s}`, time.Now().UnixMilli(), fmt.Sprint(len(data)), time.Now().UnixMilli(), data))
		}
		s.prices(p, 1)
		if got := p.rows(); got != "ONE" {
			t.Errorf("rows %s", got)
		}
	})
	t.Run("latency of no connection", func(t *testing.T) {
		t.Parallel()
		s, p := startStandIn(t, browser)
		s.prices(p, 8)
		p.waitFor("a latency", `/\d/.test(document.querySelector("#latency button").textContent)`)
		p.do(chromedp.Evaluate[chromedp.Void](`{ // it may be over before anybody asks
			const [connection, latency] = [document.querySelector("#connection"), document.querySelector("#latency")];
			const look = () => {
				window.reconnected ||= connection.dataset.state === "reconnecting";
				window.cleared ||= latency.querySelector("button").textContent === "– ms" && latency.dataset.p50 === undefined;
			};
			const seen = new MutationObserver(look);
			for (const element of [connection, latency]) seen.observe(element, { attributes: true, childList: true, characterData: true, subtree: true });
		}`))
		s.cut()
		p.waitFor("that it reconnects", `window.reconnected === true`)
		p.waitFor("no latency meanwhile", `window.cleared === true`)
		p.waitFor("that it is live again", `document.querySelector("#connection").dataset.state !== "reconnecting"`)
	})
}
