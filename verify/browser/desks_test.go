package browser

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

// twoDesks looks at one channel with the tokens of two desks, each of which enforces a filter. While prices run, one desk's next token shows it
// other rows: those it had leave its screen at once, and the other desk sees no change.
func twoDesks(t *testing.T, browser chromium, binary string) {
	const secret = "a secret of thirty-two bytes here"
	d := startDev(t, binary, "--demo=false", "--tenants", tenantsFile(t, `{
		"auth": {"keys": [{"kid": "k", "alg": "HS256", "secret": "`+secret+`"}]},
		"origins": ["*"],
		"namespaces": {"prices": {"state": {"durable": false}}}
	}`))
	signer, err := auth.NewSigner(&realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k", Alg: "HS256", Secret: secret}}}})
	if err != nil {
		t.Fatal(err)
	}
	token := func(user, filter string, may realtime.Grants, lasts time.Duration) string {
		c := auth.Claims{User: user, Grants: may, Expires: time.Now().Add(lasts)}
		if filter != "" {
			c.Views.Filters = map[realtime.Pattern][]string{"prices:**": {filter}}
		}
		signed, err := signer.Sign(c)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	reads := realtime.Grants{Subscribe: []realtime.Pattern{"prices:fx"}}
	var moved atomic.Bool // the first desk has been given the other's rows
	open := func(user string) *tab {
		page := httptest.NewServer(web.Handler(web.Options{Gateway: d.URL, Session: func(context.Context, string, string) (web.Session, error) {
			desk := user
			if moved.Load() {
				desk = "b"
			}
			return web.Session{
				Tenant: "acme", User: user, Groups: []string{user}, URL: d.URL, Token: token(user, "tags.desk == '"+desk+"'", reads, 8*time.Second),
				Channels: []web.Channel{{Name: "prices:fx", Title: "Currencies", Unit: "USD", EveryMS: 1000}},
			}, nil
		}}))
		t.Cleanup(page.Close)
		return openTab(t, browser, page.URL, desk)
	}

	writer := token("feed", "", realtime.Grants{Publish: []realtime.Pattern{"prices:*"}}, time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		for n := 0; ctx.Err() == nil; n++ {
			var events bytes.Buffer
			for i, symbol := range []string{"A1", "A2", "A3", "B1", "B2"} {
				fmt.Fprintf(&events, `{"channel":"prices:fx","key":%q,"tags":{"desk":"%c"},"data":{"name":"Pair","price":%d,"close":100}}`+"\n", symbol, symbol[0]|0x20, 100+n+i)
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+"/v1/tenants/acme/events", &events)
			if err != nil {
				return
			}
			req.Header.Set("Authorization", "Bearer "+writer)
			req.Header.Set("Content-Type", "application/x-ndjson")
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("publishing: %s", res.Status)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-fed
	})

	a, b := open("a"), open("b")
	a.waitFor("its three rows", hasPrices(3))
	b.waitFor("its two rows", hasPrices(2))
	if got := a.rows() + ", " + b.rows(); got != "A1 A2 A3, B1 B2" {
		t.Errorf("the desks see %s", got)
	}
	// Each frame of the first desk is looked at: no frame shows rows of both.
	value[any](a, `(() => {
		window.mixed = "";
		const look = () => {
			const rows = [...document.querySelectorAll("tr[data-key]")].map(each => each.dataset.key).join("");
			if (rows.includes("A") && rows.includes("B")) window.mixed ||= rows;
			requestAnimationFrame(look);
		};
		look();
	})()`)
	if *screenshots != "" {
		shoot(t, a, "desk-before")
	}
	moved.Store(true)
	a.waitFor("the other desk's rows, and none of its own", `[...document.querySelectorAll("[data-panel=watchlist] tr[data-key]")].map(tr => tr.dataset.key).join(" ") === "B1 B2" && !/\bA[123]\b/.test(document.body.innerText) && `+isLive)
	if got := value[string](a, `document.querySelector("#latency").innerText`); strings.Contains(got, "NaN") {
		t.Errorf("the latency of prices that do not say when they were sent is %s", got)
	}
	if got := value[string](a, `window.mixed`); got != "" {
		t.Errorf("one frame showed rows of both desks: %s", got)
	}
	if *screenshots != "" {
		shoot(t, a, "desk-after")
	}
	if got := b.rows(); got != "B1 B2" {
		t.Errorf("the other desk sees %s", got)
	}
}
