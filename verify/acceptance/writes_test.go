package acceptance

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// toll stands between a client of Firestore and its connection, counts what is written, and can hold
// back the writes of connection documents.
type toll struct {
	mu               sync.Mutex // guards all below
	held             chan struct{}
	sets, deletes    int // of connection documents
	requests, leases int
	other            []string
	failed           int
}

func (c *toll) pass(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	sets, deletes, leases, other := 0, 0, 0, []string(nil)
	if commit, ok := request.(*firestorepb.CommitRequest); ok {
		for _, w := range commit.GetWrites() {
			switch {
			case strings.Contains(w.GetUpdate().GetName(), "/connections/"):
				sets++
			case strings.Contains(w.GetDelete(), "/connections/"):
				deletes++
			case strings.Contains(w.GetUpdate().GetName(), "/instances/"):
				leases++
			default:
				other = append(other, w.String())
			}
		}
	} else {
		other = append(other, method)
	}
	if sets+deletes > 0 {
		c.mu.Lock()
		held := c.held
		c.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err() // it was not sent
		}
	}
	err := invoke(ctx, method, request, reply, cc, o...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed++
		return err // and will be sent again, with what else was to be written
	}
	c.sets, c.deletes, c.leases, c.other = c.sets+sets, c.deletes+deletes, c.leases+leases, append(c.other, other...)
	if sets+deletes > 0 {
		c.requests++
	}
	return nil
}

// hold holds writes back until the returned function is called.
func (c *toll) hold() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := make(chan struct{})
	c.held, c.requests = held, 0
	return func() { close(held) }
}

// failures is how many requests failed.
func (c *toll) failures() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// others are the writes of neither connections nor leases.
func (c *toll) others() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.other)
}

func (c *toll) counts() (sets, deletes, requests, leases int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sets, c.deletes, c.requests, c.leases
}

// counted returns a client of the emulator whose writes pass the toll.
func counted(t *testing.T, c *toll) *firestore.Client {
	t.Helper()
	db, err := firestore.NewClient(t.Context(), emulators.Project(t),
		option.WithEndpoint(servers.Firestore(t)), option.WithoutAuthentication(), option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		option.WithGRPCDialOption(grpc.WithPerRPCCredentials(owner{})),
		option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(c.pass)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// owner lets a client past the rules of the emulator.
type owner struct{ credentials.PerRPCCredentials }

func (owner) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

func (owner) RequireTransportSecurity() bool { return false }

// TestConnectionsAreWrittenTwice: a connection costs Firestore one write at its connect and one at its close, an
// instance one per renewal of its lease; and a crowd that comes, or goes, while a request is under way takes a few requests.
func TestConnectionsAreWrittenTwice(t *testing.T) {
	t.Parallel()
	const crowded = 2000
	n := affordable(t, crowded, 2)
	bulk := n/100 + 2 // one that was under way, and those of 100 documents
	c := new(toll)
	db := counted(t, c)
	registry := gcpfirestore.NewRegistry(db, gcpfirestore.RegistryOptions{Timeout: patience})
	doc := tenant("acme")
	begun := time.Now()
	s := start(t, setup{tenants: []*realtime.Tenant{doc}, gateway: gateway.Options{Registry: registry, Instance: "i1"}})
	w := &crowd{t: t, begun: begun}
	defer w.leave()

	release := c.hold()
	token := token(t, doc, "reader")
	for range n {
		w.join(s.addr, dialing{token: token}, []string{"prices:fx"}, 1)
	}
	release()
	await(t, "all documents to be written", func() bool { sets, _, _, _ := c.counts(); return sets >= n })
	_, _, requests, _ := c.counts()
	if requests > bulk && c.failures() == 0 {
		t.Errorf("%d requests for %d documents, want at most %d", requests, n, bulk)
	}
	listed := 0
	await(t, "all documents to be listed", func() bool {
		listed = 0
		for q := (realtime.ConnectionQuery{Limit: 1000}); ; {
			page, err := registry.Connections(t.Context(), "acme", q)
			if err != nil {
				t.Fatal(err)
			}
			listed += len(page.Connections)
			if q.After = page.Next; q.After == "" {
				return listed == n
			}
		}
	})

	release = c.hold()
	w.leave()
	await(t, "all sockets to be gone", func() bool { return s.open() == 0 })
	release()
	await(t, "all documents to be removed", func() bool { _, deletes, _, _ := c.counts(); return deletes >= n })
	took := time.Since(begun)
	sets, deletes, again, leases := c.counts()
	failed := c.failures() // by an emulator that is too slow for the deadline: then what was written is written again
	if again > bulk && failed == 0 {
		t.Errorf("%d requests for the removal of %d documents, want at most %d", again, n, bulk)
	}
	if sets < n || deletes < n || (sets > n || deletes > n) && failed == 0 {
		t.Errorf("%d writes and %d removals of %d connections", sets, deletes, n)
	}
	if most := int(took/(5*time.Second)) + 2; leases > most {
		t.Errorf("%d renewals of a lease in %v, want at most %d", leases, took, most)
	}
	if other := c.others(); len(other) > 0 {
		t.Errorf("what else was written: %v", other)
	}
	t.Logf("%d sockets: %d + %d writes of documents in %d + %d requests, %d of the lease in %v; %d requests failed", n, sets, deletes, requests, again, leases, took.Round(time.Millisecond), failed)
}
