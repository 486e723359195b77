package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// system is what clients and producers see: where to connect and where to publish. There is one process
// behind it, or a fleet.
type system struct {
	t       *testing.T
	book    *book
	tenants map[string]*realtime.Tenant
	front   *relay // to the gateways
	ingest  *relay // to the functions
}

func newSystem(t *testing.T, docs ...*realtime.Tenant) *system {
	t.Helper()
	s := &system{t: t, book: newBook(t), tenants: map[string]*realtime.Tenant{}, front: newRelay(t), ingest: newRelay(t)}
	for _, doc := range docs {
		s.tenants[doc.ID] = doc
	}
	return s
}

// startDev has one process be the system, on memory drivers.
func startDev(t *testing.T, docs ...*realtime.Tenant) (*system, *process) {
	t.Helper()
	s := newSystem(t, docs...)
	file, err := json.Marshal(map[string]any{"tenants": s.tenants})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	tenants := filepath.Join(folder, "tenants.json")
	if err := os.WriteFile(tenants, file, 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "dev", built.Path(t, "cmd/tidewire"), "/healthz", map[string]string{"TIDEWIRE_STATE": folder},
		"dev", "--json", "--demo=false", "--addr", "{addr}", "--tenants", tenants)
	s.front.add(p.addr)
	s.ingest.add(p.addr)
	return s, p
}

// tenant is a document with a key of its own, a record that an outage fits in, and limits in nobody's way.
func tenant(id string, change ...func(*realtime.Tenant)) *realtime.Tenant {
	const much = 1 << 20
	t := &realtime.Tenant{
		ID:         id,
		Auth:       realtime.Auth{Keys: []realtime.Key{{KID: id + "-1", Alg: "HS256", Secret: strings.Repeat(id, 16)}}},
		Namespaces: map[string]realtime.Namespace{"*": {Window: 50_000, WindowFor: realtime.Duration(10 * time.Minute)}},
		Limits: realtime.Limits{
			Connections: much, ConnectionsPerUser: much, ConnectsPerSecond: much, UserShare: 1, TenantShare: 1,
			SubscribesPerSecond: much, FramesPerSecond: much, BytesPerSecond: 1 << 30, PublishesPerSecond: much,
			QueueMessages: 10_000, QueueBytes: 16 << 20,
		},
	}
	for _, f := range change {
		f(t)
	}
	return t
}

func pooled(t *realtime.Tenant) { t.Placement = realtime.PlacementPooled }

// token returns a good one, for everything.
func (s *system) token(tenant, user string) string {
	s.t.Helper()
	return s.tokenUntil(tenant, user, time.Now().Add(time.Hour))
}

func (s *system) tokenUntil(tenant, user string, expires time.Time) string {
	s.t.Helper()
	signer, err := auth.NewSigner(s.tenants[tenant])
	if err != nil {
		s.t.Fatal(err)
	}
	all := []realtime.Pattern{"**"}
	made, err := signer.Sign(auth.Claims{
		User: user, Issued: time.Now(), Expires: expires, Grants: realtime.Grants{Subscribe: all, Publish: all, Presence: all},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

func channel(t *testing.T, tenant, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel(tenant, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// traffic is clients and producers that run until it is stopped.
type traffic struct {
	s         *system
	clients   []*client
	producers []*producer
	consumed  sync.WaitGroup
	produced  sync.WaitGroup
	consuming context.CancelFunc
	producing context.CancelFunc
}

// begin starts clients and producers. It is stopped at the end of the test, if not before.
func (s *system) begin(clients []*client, producers []*producer) *traffic {
	s.t.Helper()
	f := &traffic{s: s, clients: clients, producers: producers}
	var consume, produce context.Context
	consume, f.consuming = context.WithCancel(context.Background())
	produce, f.producing = context.WithCancel(context.Background())
	s.t.Cleanup(func() {
		f.consuming()
		f.producing()
		f.consumed.Wait()
		f.produced.Wait()
	})
	for _, c := range clients {
		f.consumed.Go(func() { c.run(consume) })
	}
	for _, p := range producers {
		f.produced.Go(func() { p.run(produce) })
	}
	return f
}

// reach waits until every client has of each channel what had been taken in when it was called, or something newer. Where a gap was
// told in between, that does.
func (f *traffic) reach(what string) {
	f.s.t.Helper()
	begun, marks := time.Now(), map[realtime.Channel]int64{}
	for _, p := range f.producers {
		for ch, n := range p.sent {
			marks[ch] = n.Load() + 1 // the next one, so that something has come since
		}
	}
	if err := waited(func() bool { return f.behind(marks) == "" }); err != nil {
		f.s.t.Errorf("%s: %s: %v", what, f.behind(marks), err)
		return
	}
	f.s.book.did("%s: everybody has caught up, after %s", what, time.Since(begun).Round(10*time.Millisecond))
}

// behind names clients that have not got so far.
func (f *traffic) behind(marks map[realtime.Channel]int64) string {
	var all []string
	for _, c := range f.clients {
		for _, ch := range c.channels {
			if n := c.last[ch.Name()].Load(); n < marks[ch] {
				all = append(all, fmt.Sprintf("%s has %d of %d of %s", c.name, n, marks[ch], ch.Name()))
			}
		}
	}
	if len(all) > 3 {
		return fmt.Sprintf("%d are behind, such as %s", len(all), all[0])
	}
	return strings.Join(all, ", ")
}

// quiesce stops the producers, and waits until every client has the last event of each channel. A gap may have
// been told at the very end, so there is one more event per channel now and then.
func (f *traffic) quiesce() {
	f.s.t.Helper()
	f.producing()
	f.produced.Wait()
	marks := map[realtime.Channel]int64{}
	again := time.Time{}
	if err := waited(func() bool {
		if time.Now().After(again) {
			again = time.Now().Add(5 * time.Second)
			for _, p := range f.producers {
				for _, ch := range p.channels {
					p.publish(ch, 1)
					marks[ch] = p.sent[ch].Load()
				}
			}
		}
		return f.behind(marks) == ""
	}); err != nil {
		f.s.t.Errorf("at the end: %s", f.behind(marks))
	}
	for _, p := range f.producers {
		p.http.CloseIdleConnections()
	}
}

// leave ends all clients.
func (f *traffic) leave() {
	f.consuming()
	f.consumed.Wait()
}

// request sends JSON, or nothing, to one of the services.
func request(method, url, token string, body any) (int, http.Header, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	var said bytes.Buffer
	_, err = said.ReadFrom(res.Body)
	return res.StatusCode, res.Header, said.Bytes(), err
}
