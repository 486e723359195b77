package hub_test

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

func TestSubscribeRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := acmeTenant()
		tenant.Limits.SubscriptionsPerConnection = 2
		r := newRig(t, tenant)
		a := r.connect("ann")
		foreign, err := realtime.NewChannel("globex", "prices:fx")
		if err != nil {
			t.Fatal(err)
		}
		try := func(c realtime.Channel) realtime.Code {
			err := r.hub.Subscribe(a.conn, hub.SubscribeRequest{ID: "1", Channel: c})
			if err == nil {
				return ""
			}
			return realtime.CodeOf(err)
		}
		for i, tc := range []struct {
			c    realtime.Channel
			want realtime.Code
		}{
			{foreign, realtime.CodeForbidden},
			{r.channel("a"), ""},
			{r.channel("a"), realtime.CodeConflict},
			{r.channel("b"), ""},
			{r.channel("c"), realtime.CodeLimited},
		} {
			if got := try(tc.c); got != tc.want {
				t.Errorf("%d: %v: got %q, want %q", i, tc.c, got, tc.want)
			}
		}
	})
}

func TestRenewEndsWhatIsNotGrantedAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.subscribe(a, "news:today", realtime.Position{}, 0)
		a.take()
		p := *a.conn.Principal()
		p.Grants.Subscribe = []realtime.Pattern{"news:*"}
		ended, err := a.conn.Renew(&p)
		if err != nil || len(ended) != 1 || ended[0] != r.channel("prices:fx") {
			t.Fatalf("got %v, %v", ended, err)
		}
		r.publish("prices:fx", "1")
		r.publish("news:today", "2")
		r.expect(a, "error:forbidden", "2") // told of what ended, once
		other := p
		other.User = "bob"
		if _, err := a.conn.Renew(&other); realtime.CodeOf(err) != realtime.CodeForbidden {
			t.Errorf("another user's token: %v", err)
		}
	})
}

func TestExpiredTokenEndsTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		for range 3 { // the newest token counts, not the one before
			p := *a.conn.Principal()
			p.Expires = time.Now().Add(3 * time.Second)
			if _, err := a.conn.Renew(&p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			r.expect(a)
		}
		if err := a.ended(); err != nil {
			t.Fatalf("shut: %v", err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if err := a.ended(); err == nil || err.Code != realtime.CodeExpired {
			t.Errorf("shut: %v", err)
		}
	})
}

func TestTickGathersButNotTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"prices": {Tick: realtime.Duration(20 * time.Millisecond)}}
		r := newRig(t, tenant)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		a.take()
		r.publish("prices:fx", "1", "2", "3")
		r.expect(a, "1")
		b := r.connect("bob") // who joins within a tick misses nothing and has nothing twice
		since, err := realtime.ParsePosition(strconv.FormatInt(time.Now().UnixMilli(), 10) + "-1")
		if err != nil {
			t.Fatal(err)
		}
		r.subscribe(b, "prices:fx", since, 0)
		r.expect(b, "resumed", "2", "3")
		r.expect(a, "2", "3")
		r.publish("prices:fx", "4")
		r.expect(a)
		time.Sleep(25 * time.Millisecond)
		synctest.Wait()
		r.expect(a, "4")
		r.expect(b, "4")
		time.Sleep(time.Second)
		r.publish("prices:fx", "5")
		r.expect(a, "5")
	})
}

func TestRecordsStayWithinTheTenantsMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := acmeTenant()
		tenant.Limits.RecordBytes = 4000
		r := newRig(t, tenant)
		a := r.connect("ann")
		r.subscribe(a, "prices:a", realtime.Position{}, 0)
		r.subscribe(a, "prices:b", realtime.Position{}, 0)
		a.take()
		var first realtime.Position
		for i := range 100 {
			r.publish(fmt.Sprintf("prices:%c", 'a'+i%2), strconv.Itoa(i))
			if i == 0 {
				first, _ = last(t, a)
			}
			time.Sleep(time.Millisecond)
		}
		newest, _ := last(t, a)
		b := r.connect("bob")
		r.subscribe(b, "prices:a", first, 0)
		r.subscribe(b, "prices:b", newest, 0)
		r.expect(b, "gap", "resumed")
	})
}

func TestUnsubscribeEndsTheFlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		if !r.hub.Unsubscribe(a.conn, r.channel("prices:fx"), "") || r.hub.Unsubscribe(a.conn, r.channel("prices:fx"), "") {
			t.Error("it was to end once")
		}
		r.publish("prices:fx", "1")
		r.expect(a, "ok")
		r.hub.Disconnect(a.conn)
		r.hub.Disconnect(a.conn) // the second time is nothing
	})
}

func TestConnectionsAreAskedToMove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		h := hub.New(r.broker, hub.Options{Instance: "i2", Payload: wire.Compact, Lifetime: 50 * time.Minute})
		r.hub = h
		pages := make([]*page, 20)
		for i := range pages {
			pages[i] = r.connect(strconv.Itoa(i))
		}
		time.Sleep(45 * time.Minute)
		synctest.Wait()
		for _, p := range pages {
			r.expect(p)
		}
		asked := map[int]int{}
		for minute := range 6 {
			time.Sleep(time.Minute)
			synctest.Wait()
			for _, p := range pages {
				asked[minute] += len(sketch(p.take()))
			}
		}
		total := 0
		for _, n := range asked {
			total += n
		}
		if total != len(pages) || len(asked) < 3 {
			t.Errorf("asked by minute: %v; each is to be asked once, and not all at once", asked)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDrainLetsTopicsGoBeforeItsConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		if err := r.hub.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.expectTopics(0)
		r.publish("prices:fx", "1")
		r.subscribe(a, "prices:other", realtime.Position{}, 0)
		r.expect(a, "ok", "error:draining")
		if a.shut != nil {
			t.Error("it was closed before it was told when to come back")
		}
		if err := r.hub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a.shut == nil || a.shut.Code != realtime.CodeDraining {
			t.Errorf("shut: %v", a.shut)
		}
	})
}

func TestDirectReachesItsTargetsOnEveryInstance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		ann := r.connect("ann")
		other := hub.New(r.broker, hub.Options{Instance: "i2", Payload: wire.Compact})
		first := r.hub
		r.hub = other
		ann2, bob := r.connect("ann"), r.connect("bob")
		synctest.Wait()
		send := func(to realtime.Target) error {
			return r.pub.SendDirect(t.Context(), r.tenant, to, &realtime.Publication{Data: []byte(`"hello"`)})
		}
		for i, tc := range []struct {
			to   realtime.Target
			want [3]int // ann, ann2, bob
		}{
			{realtime.Target{User: "ann"}, [3]int{1, 1, 0}},
			{realtime.Target{Connection: bob.conn.ID()}, [3]int{0, 0, 1}},
			{realtime.Target{Group: "all"}, [3]int{1, 1, 1}},
			{realtime.Target{User: "nobody"}, [3]int{}},
		} {
			if err := send(tc.to); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			got := [3]int{len(ann.take()), len(ann2.take()), len(bob.take())}
			if got != tc.want {
				t.Errorf("%d: %+v reached %v, want %v", i, tc.to, got, tc.want)
			}
		}
		for _, to := range []realtime.Target{{}, {User: "ann", Group: "all"}} {
			if err := send(to); realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Errorf("%+v: %v", to, err)
			}
		}
		// A replay brings nothing of it to who comes later.
		time.Sleep(time.Minute)
		third := hub.New(r.broker, hub.Options{Instance: "i3", Payload: wire.Compact})
		r.hub = third
		late := r.connect("ann")
		time.Sleep(time.Second)
		synctest.Wait()
		r.expect(late)
		for _, h := range []*hub.Hub{other, third} {
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		r.hub = first
	})
}

func TestRemoteCloseObeysTheTokensAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		old, young, bob := r.connect("ann"), r.connect("ann"), r.connect("bob")
		logout := time.Now().Add(time.Minute)
		p := *young.conn.Principal()
		p.Issued = logout.Add(time.Second)
		if _, err := young.conn.Renew(&p); err != nil {
			t.Fatal(err)
		}
		if err := r.pub.SendClose(t.Context(), r.tenant, realtime.Target{User: "ann"}, realtime.CodeUnauthorized, logout); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if old.shut == nil || old.shut.Code != realtime.CodeUnauthorized || young.shut != nil || bob.shut != nil {
			t.Errorf("shut: old %v, young %v, bob %v", old.shut, young.shut, bob.shut)
		}
	})
}

// TestLogoutMeetsWhoJoinsAfterIt: a token was verified before the logout, and its connection joins after the
// message has come, or before a hub that begins later hears it in its replay.
func TestLogoutMeetsWhoJoinsAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		join := func(h *hub.Hub, user string, issued time.Time) (*page, error) {
			p := &page{t: t, box: outbox.New(wire.Encoder{}, nil)}
			c, err := h.Connect(r.tenant, &realtime.Principal{Tenant: "acme", User: user, Issued: issued, Expires: time.Now().Add(time.Hour)}, p.box, p)
			p.conn = c
			return p, err
		}
		if _, err := join(r.hub, "ann", time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		logout := time.Now()
		if err := r.pub.SendClose(t.Context(), r.tenant, realtime.Target{User: "ann"}, realtime.CodeUnauthorized, logout); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := join(r.hub, "ann", logout); realtime.CodeOf(err) != realtime.CodeUnauthorized {
			t.Errorf("joined with a token of before the logout: %v", err)
		}
		for user, issued := range map[string]time.Time{"ann": logout.Add(time.Millisecond), "bob": logout} {
			p, err := join(r.hub, user, issued)
			if err != nil || p.shut != nil {
				t.Fatalf("%s with a token of %v: %v, %v", user, issued, err, p.shut)
			}
			if user != "ann" {
				continue
			}
			renewed := *p.conn.Principal()
			renewed.Issued = logout
			if _, err := p.conn.Renew(&renewed); realtime.CodeOf(err) != realtime.CodeUnauthorized || p.conn.Principal() == &renewed {
				t.Errorf("renewed with a token of before the logout: %v", err)
			}
		}
		time.Sleep(time.Minute)
		other := hub.New(r.broker, hub.Options{Instance: "i2", Payload: wire.Compact})
		late, err := join(other, "ann", logout)
		if err != nil {
			t.Fatal(err)
		}
		young, err := join(other, "ann", logout.Add(time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if late.shut == nil || late.shut.Code != realtime.CodeUnauthorized || young.shut != nil {
			t.Errorf("on an instance that begins later: %v, young %v", late.shut, young.shut)
		}
		if err := other.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
