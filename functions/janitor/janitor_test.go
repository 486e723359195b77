package janitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/functions/janitor"
	"github.com/tidewire/tidewire/realtime"
)

var (
	all     = [3]int{2, 2, 1} // subscriptions, connections, leases
	noLease = [3]int{2, 2, 0}
	nothing = [3]int{}
)

func run(t *testing.T, o janitor.Options) janitor.Report {
	t.Helper()
	r, err := janitor.New(o).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhoIsDead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		ended, age time.Duration
		want       [3]int
	}{
		{"alive", -10 * time.Second, time.Hour, all},
		{"dead", 6 * time.Minute, time.Hour, nothing},
		{"dead for less than the grace", 4 * time.Minute, time.Hour, all},
		{"starting, without a lease yet", never, 10 * time.Second, noLease},
		{"alive again after a long silence, with a lease of before", time.Hour, 10 * time.Second, all},
		{"dead before it wrote a lease", never, 6 * time.Minute, nothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProject()
				p.instance("i1", c.ended, c.age)
				p.instance("alive", -10*time.Second, time.Hour)
				for range 2 {
					run(t, p.options())
					if got := p.left("i1"); got != c.want {
						t.Errorf("%v is left, want %v", got, c.want)
					}
				}
				if got := p.left("alive"); got != all {
					t.Errorf("of another, which is alive, %v is left", got)
				}
			})
		})
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		p.instance("alive", -10*time.Second, time.Hour)
		p.instance("dead-1", time.Hour, 2*time.Hour)
		p.instance("dead-2", never, 2*time.Hour)
		var log strings.Builder
		o := p.options()
		o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		j := janitor.New(o)
		for _, want := range []string{
			`{"subscriptions":{"seen":6,"deleted":4},"leases":{"seen":2,"deleted":1},"connections":{"seen":4,"deleted":4},"channels":{"held":0,"due":0,"told":0,"lag":0},"lost":4,"dead":2,"errors":0,"more":false}`,
			`{"subscriptions":{"seen":2,"deleted":0},"leases":{"seen":1,"deleted":0},"connections":{"seen":0,"deleted":0},"channels":{"held":0,"due":0,"told":0,"lag":0},"lost":0,"dead":0,"errors":0,"more":false}`,
		} {
			log.Reset()
			w := httptest.NewRecorder()
			j.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
			if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Code != 200 {
				t.Error(w.Code, diff)
			}
			var line, said map[string]any
			if err := errors.Join(json.Unmarshal([]byte(log.String()), &line), json.Unmarshal(w.Body.Bytes(), &said)); err != nil {
				t.Fatalf("not one line of JSON: %v: %s", err, log.String())
			}
			for key, value := range said {
				if diff := cmp.Diff(value, line[key]); diff != "" {
					t.Errorf("the line says otherwise of %s: %s", key, diff)
				}
			}
		}
		for connection, times := range p.lost {
			if times != 1 {
				t.Errorf("%s was handed over %d times", connection, times)
			}
		}
	})
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	janitor.New(newProject().options()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
		t.Errorf("GET is answered %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// TestAnOutageKillsNobody has every lease run out while its store is down. The janitor comes as soon as
// it is up, and every gateway a moment later.
func TestAnOutageKillsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		for i := range 5 {
			p.instance(fmt.Sprint("i", i), 10*time.Minute, time.Hour)
		}
		time.AfterFunc(6*time.Second, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			for name := range p.leases {
				p.leases[name] = realtime.Lease{Instance: name, Until: time.Now().Add(15 * time.Second)}
			}
		})
		if r := run(t, p.options()); r.Dead != 0 || r.Subscriptions.Deleted != 0 || r.Connections.Deleted != 0 || r.Leases.Deleted != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestRaces changes the project just before an operation of the janitor.
func TestRaces(t *testing.T) {
	t.Parallel()
	renewed := func(p *project) {
		p.leases["i1"] = realtime.Lease{Instance: "i1", Until: time.Now().Add(15 * time.Second)}
	}
	for _, c := range []struct {
		name, op string
		change   func(p *project)
		want     [3]int
		errors   int
	}{
		{"the lease is renewed before it is read again", "Lease", renewed, all, 0},
		{"the lease is renewed before it is dropped", "DropLease", renewed, [3]int{0, 0, 1}, 0},
		{"the lease goes before it is dropped", "DropLease", func(p *project) { delete(p.leases, "i1") }, nothing, 0},
		{"the lease goes before it is read again", "Lease", func(p *project) { delete(p.leases, "i1") }, nothing, 0},
		{"the subscriptions go", "DeleteSubscription", func(p *project) { clear(p.subs) }, nothing, 0},
		{"the connections go before they are listed", "ConnectionsOf", func(p *project) { clear(p.docs) }, nothing, 0},
		{"the connections go before they are handed over", "Lost", func(p *project) { clear(p.docs) }, nothing, 0},
		{"somebody connects before its connections are listed", "ConnectionsOf", func(p *project) {
			ref := realtime.ConnectionRef{Tenant: "acme", ID: "new"}
			p.docs[ref] = realtime.ConnectionDoc{Tenant: "acme", ID: "new", Instance: "i1", Connected: time.Now(), Expires: time.Now().Add(time.Hour)}
		}, [3]int{0, 1, 1}, 0},
		{"it follows a topic anew before its old subscriptions are deleted", "DeleteSubscription", func(p *project) {
			p.subs["tw-acme-i1-2"] = realtime.Subscription{Name: "tw-acme-i1-2", Instance: "i1", Created: time.Now()}
		}, [3]int{1, 0, 0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProject()
				p.instance("i1", time.Hour, time.Hour)
				var once sync.Once
				p.before = func(op, _ string) error {
					if op == c.op {
						once.Do(func() {
							p.mu.Lock()
							defer p.mu.Unlock()
							c.change(p)
						})
					}
					return nil
				}
				r := run(t, p.options())
				if got := p.left("i1"); got != c.want {
					t.Errorf("%v is left, want %v", got, c.want)
				}
				if r.Errors != c.errors {
					t.Errorf("%d errors", r.Errors)
				}
			})
		})
	}
}

// TestWhatFailsEndsNothingElse lets operations fail for one instance of three; the
// next run, without faults, removes the rest.
func TestWhatFailsEndsNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, op, arg string
		left          [3]int // of the instance it happens to
	}{
		{"one subscription", "DeleteSubscription", "tw-acme-i2", [3]int{1, 0, 1}},
		{"the lease", "Lease", "i2", all},
		{"listing connections", "ConnectionsOf", "i2", [3]int{0, 2, 1}},
		{"handing over", "Lost", "i2", [3]int{0, 2, 1}},
		{"dropping the lease", "DropLease", "i2", [3]int{0, 0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProject()
				for _, name := range []string{"i1", "i2", "i3"} {
					p.instance(name, time.Hour, time.Hour)
				}
				p.before = func(op, name string) error {
					if op == c.op && name == c.arg {
						return errStore
					}
					return nil
				}
				if r := run(t, p.options()); r.Errors != 1 || r.More {
					t.Errorf("%+v", r)
				}
				for name, want := range map[string][3]int{"i1": nothing, "i2": c.left, "i3": nothing} {
					if got := p.left(name); got != want {
						t.Errorf("of %s %v is left, want %v", name, got, want)
					}
				}
				p.before = nil
				if r := run(t, p.options()); r.Errors != 0 {
					t.Errorf("%+v", r)
				}
				if got := p.left("i2"); got != nothing {
					t.Errorf("after the second run %v is left", got)
				}
			})
		})
	}
}

// TestWithoutAListNothingIsRemoved has one of the lists fail.
func TestWithoutAListNothingIsRemoved(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"Leases", "Subscriptions", "Instances"} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProject()
				p.instance("i1", time.Hour, time.Hour)
				p.before = func(op, _ string) error {
					if op == list {
						return errStore
					}
					return nil
				}
				w := httptest.NewRecorder()
				janitor.New(p.options()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
				if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
					t.Errorf("answered %d", w.Code)
				}
				if body := w.Body.String(); strings.Contains(body, errStore.Error()) {
					t.Errorf("the answer shows the cause: %s", body)
				}
				if got := p.left("i1"); got != all {
					t.Errorf("%v is left", got)
				}
			})
		})
	}
}

// TestTheTimeIsUp has many dead instances and little time. Every run gets further.
func TestTheTimeIsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		for i := range 40 {
			p.instance(fmt.Sprint("i", i), time.Hour, time.Hour)
		}
		p.before = func(op, _ string) error {
			if op == "DeleteSubscription" {
				time.Sleep(2 * time.Second)
			}
			return nil
		}
		o := p.options()
		o.MaxTime = 20 * time.Second
		dropped, runs := 0, 0
		for more := true; more; runs++ {
			start := time.Now()
			r := run(t, o)
			if took := time.Since(start); took > 22*time.Second {
				t.Fatalf("a run took %v", took)
			}
			if r.Errors != 0 || r.More && r.Leases.Deleted == 0 {
				t.Fatalf("run %d: %+v", runs, r)
			}
			dropped += r.Leases.Deleted
			more = r.More
		}
		if dropped != 40 || runs < 3 {
			t.Errorf("%d leases were dropped in %d runs", dropped, runs)
		}
		o.MaxTime = time.Second
		p.instance("i1", time.Hour, time.Hour)
		if r := run(t, o); !r.More || p.left("i1") != all {
			t.Errorf("a run without the time to be sure: %+v", r)
		}
	})
}

// TestACallThatHangs is one that never returns by itself.
func TestACallThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		p.instance("i1", time.Hour, time.Hour)
		p.instance("i2", time.Hour, time.Hour)
		o := p.options()
		o.Owed = hangs("i1")
		if r := run(t, o); r.Errors != 1 || r.More {
			t.Errorf("%+v", r)
		}
		if got := p.left("i1"); got != ([3]int{0, 2, 1}) {
			t.Errorf("of i1 %v is left", got)
		}
		if got := p.left("i2"); got != nothing {
			t.Errorf("of i2 %v is left", got)
		}
	})
}

// hangs is an Owed that does not answer for one instance.
type hangs string

func (h hangs) Lost(ctx context.Context, docs []realtime.ConnectionDoc) error {
	if docs[0].Instance == string(h) {
		<-ctx.Done()
	}
	return ctx.Err()
}

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		for i := range 20 {
			p.instance(fmt.Sprint("i", i), time.Hour, time.Hour)
		}
		p.instance("alive", -10*time.Second, time.Hour)
		p.before = func(string, string) error { time.Sleep(10 * time.Millisecond); return nil }
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if r := run(t, p.options()); r.Errors != 0 || r.More {
					t.Errorf("%+v", r)
				}
			})
		}
		both.Wait()
		for i := range 20 {
			if got := p.left(fmt.Sprint("i", i)); got != nothing {
				t.Errorf("of i%d %v is left", i, got)
			}
		}
		if got := p.left("alive"); got != all {
			t.Errorf("of the one that is alive %v is left", got)
		}
	})
}

func TestWhoHasEndedInOrderOwesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		p.instance("released", time.Hour, 2*time.Hour)
		p.instance("crashed", time.Hour, 2*time.Hour)
		lease := p.leases["released"]
		lease.Sockets = 0
		p.leases["released"] = lease
		if r := run(t, p.options()); r.Lost != 2 || r.Connections.Deleted != 4 {
			t.Errorf("%+v", r)
		}
		if diff := cmp.Diff(map[string]int{"acme/crashed-1": 1, "globex/crashed-1": 1}, p.lost); diff != "" {
			t.Error(diff)
		}
	})
}

// TestNothingGoesBeforeItIsHandedOver has many connections and a taker that fails in between.
func TestNothingGoesBeforeItIsHandedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		p.leases["i1"] = realtime.Lease{Instance: "i1", Until: time.Now().Add(-time.Hour), Sockets: 1000}
		for i := range 1000 {
			ref := realtime.ConnectionRef{Tenant: "acme", ID: fmt.Sprint("c", i)}
			p.docs[ref] = realtime.ConnectionDoc{Tenant: "acme", ID: ref.ID, Instance: "i1", Connected: time.Now().Add(-time.Hour), Expires: time.Now().Add(time.Hour)}
		}
		calls := 0
		p.before = func(op, _ string) error {
			if op == "Lost" {
				if calls++; calls%2 == 0 {
					return errStore
				}
			}
			if op == "Disconnect" && calls == 3 {
				return errStore // they were handed over, and will be again
			}
			return nil
		}
		for range 10 {
			run(t, p.options())
			p.mu.Lock()
			for i := range 1000 {
				id := fmt.Sprint("c", i)
				if _, there := p.docs[realtime.ConnectionRef{Tenant: "acme", ID: id}]; !there && p.lost["acme/"+id] == 0 {
					t.Fatalf("%s is gone and was handed over to nobody", id)
				}
			}
			p.mu.Unlock()
		}
		if got := p.left("i1"); got != nothing {
			t.Errorf("%v is left", got)
		}
	})
}

func ExampleJanitor() {
	p := newProject() // a gcppubsub.Broker and a gcpfirestore.Registry in a deployment
	p.instance("gateway-1", time.Hour, 2*time.Hour)
	j := janitor.New(janitor.Options{Subscriptions: p, Leases: p, Connections: p, Owed: p, Confirm: time.Millisecond})

	server := httptest.NewServer(j)
	defer server.Close()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := server.Client().Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Println(string(body), err)
	// Output:
	// {"subscriptions":{"seen":2,"deleted":2},"leases":{"seen":1,"deleted":1},"connections":{"seen":2,"deleted":2},"channels":{"held":0,"due":0,"told":0,"lag":0},"lost":2,"dead":1,"errors":0,"more":false} <nil>
}
