package tidewire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// office is an application with a database of its own. What changes there is published afterwards; and it reads what it has published, so that it
// knows which position a copy of what it has read is valid at.
type office struct {
	mu   sync.Mutex // guards what follows
	rows map[string]int
	read []int  // of the channel, in order
	at   string // where it stands
}

func (o *office) write(key string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows[key] = n
}

// Whoever follows a channel from what an application says has what the application has: exactly each change once, if the application knows the position of what it
// gives; and the newest of each row, if a position was asked for before it was read, while it changes. Connections are cut meanwhile, for longer than the channel
// remembers, and readers are too slow.
func TestFollow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) { follow(t, d, rand.New(rand.NewPCG(seed, 4))) })
		})
	}
}

func follow(t *testing.T, d *deployment, r *rand.Rand) {
	const channel = "news:eu" // which remembers 150
	o := &office{rows: map[string]int{}}
	own, producer := d.client("office"), d.client("producer")
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	sub, err := own.Subscribe(channel, SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	running.Go(func() {
		for u, err := range sub.Updates(ctx) {
			o.mu.Lock()
			if err == nil && u.Kind == KindMessage {
				o.read = append(o.read, number(t, u.Message))
			}
			if u.Position != "" {
				o.at = u.Position
			}
			o.mu.Unlock()
		}
	})
	synctest.Wait()

	// exact has what the office has read, and loose the rows.
	var mu sync.Mutex
	var exact []int
	loose, loads := map[string]int{}, 0
	lag := rand.New(rand.NewPCG(r.Uint64(), 5)) // guarded by mu
	slow := func() time.Duration { return time.Duration(lag.Int64N(int64(20 * time.Millisecond))) }
	exactly := Loader{
		Load: func(context.Context) (string, error) {
			time.Sleep(3 * time.Second) // longer than it takes to publish more than the channel remembers
			o.mu.Lock()
			defer o.mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			exact, loads = slices.Clone(o.read), loads+1
			at := o.at
			return at, nil
		},
		Apply: func(m *Message) error {
			mu.Lock()
			exact = append(exact, number(t, m))
			wait := slow()
			mu.Unlock()
			time.Sleep(wait)
			return nil
		},
	}
	loosely := Loader{
		Load: func(context.Context) (string, error) {
			at := realtime.Moment(time.Now().Add(-2 * time.Second)).String()
			time.Sleep(time.Second)
			o.mu.Lock()
			defer o.mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			loose, loads = maps.Clone(o.rows), loads+1
			return at, nil
		},
		Apply: func(m *Message) error {
			mu.Lock()
			defer mu.Unlock()
			loose[m.Key] = max(loose[m.Key], number(t, m))
			return nil
		},
	}
	for _, l := range []Loader{exactly, loosely} {
		c := d.client("ann")
		running.Go(func() {
			defer c.Close()
			if err := c.Follow(ctx, channel, SubscribeOptions{Buffer: 50, Overflow: OverflowDropOldest}, l); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	published := 0
	for range 60 {
		for range r.IntN(40) {
			published++
			key := "k" + strconv.Itoa(r.IntN(5))
			o.write(key, published)
			if _, err := producer.Publish(ctx, Event{Channel: channel, Key: key, Data: json.RawMessage(strconv.Itoa(published))}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
		if r.IntN(6) == 0 {
			d.cut()
		}
	}
	time.Sleep(2 * time.Minute)
	o.mu.Lock()
	mu.Lock()
	if len(o.read) != published || !slices.Equal(exact, o.read) {
		t.Errorf("%d were published; who follows exactly has %d, want %d: %v", published, len(exact), len(o.read), exact)
	}
	if !maps.Equal(loose, o.rows) {
		t.Errorf("who follows the rows has %v, want %v", loose, o.rows)
	}
	if loads < 3 {
		t.Errorf("loaded %d times: nothing was ever missing", loads)
	}
	mu.Unlock()
	o.mu.Unlock()
	stop()
	running.Wait()
	own.Close()
	producer.Close()
}

// What cannot be followed is refused, and what Load and Apply fail with ends it.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		own := errors.New("mine")
		good := Loader{Load: func(context.Context) (string, error) { return "1-a", own }, Apply: func(*Message) error { return nil }}
		for name, tt := range map[string]struct {
			channel string
			o       SubscribeOptions
			l       Loader
			code    realtime.Code
			want    error
		}{
			"a pattern":     {channel: "news:*", l: good, code: realtime.CodeBadRequest},
			"no load":       {channel: "news:eu", l: Loader{Apply: good.Apply}, code: realtime.CodeBadRequest},
			"with state":    {channel: "news:eu", o: SubscribeOptions{State: true}, l: good, code: realtime.CodeBadRequest},
			"with a rate":   {channel: "news:eu", o: SubscribeOptions{MaxRate: 5}, l: good, code: realtime.CodeBadRequest},
			"no position":   {channel: "news:eu", l: Loader{Load: func(context.Context) (string, error) { return "", nil }, Apply: good.Apply}, code: realtime.CodeBadRequest},
			"a failed load": {channel: "news:eu", l: good, want: own},
		} {
			err := c.Follow(t.Context(), tt.channel, tt.o, tt.l)
			if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && realtime.CodeOf(err) != tt.code {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
