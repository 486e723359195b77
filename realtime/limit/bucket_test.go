package limit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/time/rate"

	"github.com/tidewire/tidewire/realtime"
)

// A bucket has to decide as the token bucket of x/time/rate does, wherever that
// is not a matter of rounding.
func TestBucketDecidesAsTokenBucket(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{1, 7, 50, 1000, 262_144} {
		t.Run(strconv.Itoa(perSecond), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, uint64(perSecond)))
			var b bucket
			start := time.Unix(1_000_000, 0)
			oracle := rate.NewLimiter(rate.Limit(perSecond), 2*perSecond)
			now, refused := time.Duration(0), 0
			for range 20_000 {
				now += time.Duration(random.ExpFloat64() * float64(time.Second) / 4)
				n := 1 + random.IntN(perSecond)
				tokens := oracle.TokensAt(start.Add(now))
				if math.Abs(tokens-float64(n)) < 0.001*float64(perSecond) {
					continue
				}
				want := oracle.AllowN(start.Add(now), n)
				wait := b.take(int64(now), price(n, perSecond), int64(burst))
				if got := wait == 0; got != want {
					t.Fatalf("at %s, with %f tokens, %d are let through: %t, want %t", now, tokens, n, got, want)
				}
				if !want {
					refused++
				}
			}
			if refused == 0 {
				t.Error("nothing was refused: the test shows little")
			}
		})
	}
}

func TestFiguresNeverOverflow(t *testing.T) {
	t.Parallel()
	for _, huge := range []int{1, most, math.MaxInt} {
		f := newFigures(realtime.Limits{
			ConnectsPerSecond: huge, FramesPerSecond: huge, BytesPerSecond: huge,
			SubscribesPerSecond: huge, PublishesPerSecond: huge, UserShare: huge, TenantShare: huge,
		})
		for k, rates := range f.rates {
			for l, r := range rates {
				own := level(l) == ofConnection && kind(k) >= ownKinds
				if !own && (r < 1 || price(most, r) < 0) {
					t.Errorf("limits of %d: %s of the %s is %d", huge, kind(k).name(), level(l), r)
				}
			}
		}
	}
}

func TestIdleAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		doc := &realtime.Tenant{ID: "acme"}
		open, err := l.Connect(doc, "stays")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20_000 {
			if err := l.Publish(doc, "user"+strconv.Itoa(i), 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // a bucket is full again after 10 of them
		}
		if n := len(l.tenants["acme"].users); n > 200 {
			t.Errorf("%d users are remembered, want about 20", n)
		}
		if l.tenants["acme"].users["stays"] == nil {
			t.Error("a user with a connection was forgotten")
		}
		for i := range 10_000 {
			if err := l.Publish(&realtime.Tenant{ID: "tenant" + strconv.Itoa(i)}, "ann", 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := len(l.tenants); n > 200 {
			t.Errorf("%d tenants are remembered, want about 20", n)
		}
		if l.tenants["acme"] == nil {
			t.Error("a tenant with a connection was forgotten")
		}
		open.Close()
	})
}

func TestConnectionIsSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(Connection{}); size > 48 {
		t.Errorf("a connection's meter is %d bytes, want at most 48", size)
	}
}

func BenchmarkFrame(b *testing.B) {
	l := New(Options{})
	doc := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{FramesPerSecond: most, BytesPerSecond: most}}
	c, err := l.Connect(doc, "ann")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Frame(200)
	}
}

func BenchmarkPublish(b *testing.B) {
	l := New(Options{})
	doc := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{PublishesPerSecond: most}}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Publish(doc, "ann", 1); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkIdleConnection reports what an idle connection holds: its own meter, and its user
// if each has one of its own.
func BenchmarkIdleConnection(b *testing.B) {
	for _, perUser := range []int{1, 20} {
		b.Run(fmt.Sprintf("perUser=%d", perUser), func(b *testing.B) {
			const connections = 20_000
			doc := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: most, ConnectsPerSecond: most, UserShare: 1, TenantShare: 1}}
			for b.Loop() {
				l := New(Options{})
				open := make([]*Connection, connections)
				before := heap()
				for i := range open {
					c, err := l.Connect(doc, "user"+strconv.Itoa(i/perUser))
					if err != nil {
						b.Fatal(err)
					}
					open[i] = c
				}
				b.ReportMetric(float64(heap()-before)/connections, "B/connection")
				runtime.KeepAlive(open)
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
