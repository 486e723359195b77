package demo_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/services/dashboard/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func feeds(t *testing.T, tenant string) []demo.Feed {
	t.Helper()
	all, err := demo.Feeds(tenant)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// For five minutes, everything that the feeds make is what a reader of some role may see and the writer may publish, fits into the limits of
// its tenant, and comes often enough not to fall out of a state that is kept for four minutes.
func TestFeeds(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"acme", "globex"} {
		t.Run(tenant, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				doc, writer := demo.Tenants(strings.Repeat("s", 32))[tenant], demo.Writer(tenant)
				limits := doc.Limits.WithDefaults()
				last, counts := map[string]time.Time{}, map[string]int{}
				for _, f := range feeds(t, tenant) {
					for end := time.Now().Add(250 * time.Second); time.Now().Before(end); time.Sleep(f.Every) {
						batch := f.Next(time.Now())
						if len(batch) > 2*limits.PublishesPerSecond || len(batch) > limits.BatchEvents {
							t.Fatalf("%s: %d events at once", f.Name, len(batch))
						}
						for _, e := range batch {
							check(t, doc, writer, e)
							if before, ok := last[e.Channel+e.Key]; ok && time.Since(before) > realtime.MaxUnstoredTTL && !strings.HasPrefix(e.Channel, "alerts:") {
								t.Fatalf("%s %s: nothing for %v", e.Channel, e.Key, time.Since(before))
							}
							last[e.Channel+e.Key] = time.Now()
							counts[e.Channel]++
						}
					}
				}
				for _, channel := range []string{"prices:equities", "prices:currencies", "charts:equities", "sensors:plant", "services:estate", "alerts:estate", "vehicles:fleet"} {
					if counts[channel] == 0 {
						t.Errorf("%s: no event", channel)
					}
				}
				if rate := counts["prices:equities"] / 250; tenant == "acme" && (rate < 60 || rate > 120) {
					t.Errorf("%d quotes a second, want about 90", rate)
				}
			})
		})
	}
}

func check(t *testing.T, doc *realtime.Tenant, writer *realtime.Principal, e demo.Event) {
	t.Helper()
	c, err := realtime.NewChannel(doc.ID, e.Channel)
	if err != nil || !writer.May(realtime.ActionPublish, c) {
		t.Fatalf("%s: the writer may not publish to it, %v", e.Channel, err)
	}
	data, err := json.Marshal(e.Data)
	if err != nil || len(data) > doc.Limits.WithDefaults().MessageBytes || e.Key == "" {
		t.Fatalf("%s %q: %d bytes, %v", e.Channel, e.Key, len(data), err)
	}
	switch d := e.Data.(type) {
	case demo.Quote:
		if !(d.Bid > 0 && d.Bid < d.Ask && d.Price >= d.Low && d.Price <= d.High && (d.Price == d.Bid || d.Price == d.Ask)) {
			t.Fatalf("%s: %+v is no quote", e.Key, d)
		}
		if math.Abs(math.Log(d.Price/d.Close)) > 0.4 {
			t.Fatalf("%s: %g is far from %g", e.Key, d.Price, d.Close)
		}
	case demo.Chart:
		for _, b := range d.Bars {
			if !(b[1] >= b[0] && b[1] >= b[3] && b[2] <= b[0] && b[2] <= b[3] && b[4] >= 0) {
				t.Fatalf("%s: %v is no bar", e.Key, b)
			}
		}
	case demo.Vehicle:
		if region := e.Tags["region"]; region != "north" && region != "south" || d.Lat < 43 || d.Lat > 56 || d.Lon < 0 || d.Lon > 23 || d.Heading < 0 || d.Heading >= 361 {
			t.Fatalf("%s: %+v in %q", e.Key, d, region)
		}
	case demo.Reading:
		if d.Low >= d.High || len(d.Recent) == 0 {
			t.Fatalf("%s: %+v", e.Key, d)
		}
	case demo.Alert:
		if d.State != "firing" && d.State != "resolved" || d.Since <= 0 || d.Title == "" {
			t.Fatalf("%s: %+v", e.Key, d)
		}
	}
}
