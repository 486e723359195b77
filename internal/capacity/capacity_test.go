package capacity

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultsFitANewProject(t *testing.T) {
	t.Parallel()
	r, err := Assess(Defaults())
	if err != nil || len(r.Refused)+len(r.Walls) > 0 {
		t.Fatalf("%v %v %v", r.Refused, r.Walls, err)
	}
	want := Figures{SocketsPerInstance: 600, Sockets: 2400, SocketsMost: 4000, CPU: 15, MemoryGiB: 9.5, CPURelease: 19, MemoryReleaseGiB: 13.5}
	if diff := cmp.Diff(want, r.Figures); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

func TestWalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change         func(*Inputs)
		refused, walls []string
		says           string
	}{
		"more sockets than the autoscaler places": {change: func(in *Inputs) { in.Sockets = 2401 }, walls: []string{"sockets"}, says: "60 % of 1000"},
		"as many as it places":                    {change: func(in *Inputs) { in.Sockets = 2400 }},
		"a release of five gateways": {
			change: func(in *Inputs) { in.Sizes[Gateway] = Size{1, "1Gi", 5} }, walls: []string{"cpu"}, says: "up to 21 vCPU",
		},
		"a service beyond the quota": {
			change: func(in *Inputs) { in.Sizes["api"] = Size{1, "512Mi", 21} }, refused: []string{"cpu-api"}, walls: []string{"cpu"}, says: "lower sizes.api.max",
		},
		"memory": {
			change: func(in *Inputs) { in.Sizes[Gateway] = Size{2, "8Gi", 4}; in.Quota.CPU = 100 }, walls: []string{"memory"}, says: "69.5 GiB",
		},
		"memory of one service": {
			change: func(in *Inputs) { in.Sizes["ingest"] = Size{2, "8Gi", 6}; in.Quota.CPU = 100 }, refused: []string{"memory-ingest"}, walls: []string{"memory"}, says: "40 GiB",
		},
		"tenants that fit":           {change: func(in *Inputs) { in.Subscriptions, in.Tenants = 8000, 1000 }},
		"tenants beyond the release": {change: func(in *Inputs) { in.Subscriptions, in.Tenants = 7999, 1000 }, walls: []string{"subscriptions"}, says: "1000 topics times 4 gateways"},
		"no gateway follows more topics than it has sockets": {
			change: func(in *Inputs) { in.Subscriptions, in.Tenants, in.Shards = 8000, 5000, 16 },
		},
		"a budget beyond the quota": {change: func(in *Inputs) { in.Subscriptions = 10001 }, walls: []string{"budget"}, says: "10000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Defaults()
			c.change(&in)
			r, err := Assess(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(r.Refused)); !slices.Equal(got, c.refused) {
				t.Errorf("refused is %v, want %v", r.Refused, c.refused)
			}
			if got := slices.Sorted(maps.Keys(r.Walls)); !slices.Equal(got, c.walls) {
				t.Errorf("walls are %v, want %v", r.Walls, c.walls)
			}
			all := strings.Join(append(slices.Collect(maps.Values(r.Walls)), slices.Collect(maps.Values(r.Refused))...), "\n")
			if !strings.Contains(all, c.says) {
				t.Errorf("it says %q, want %q", all, c.says)
			}
		})
	}
}

func TestAssessRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Inputs)
		says   string
	}{
		"no gateway":           {func(in *Inputs) { delete(in.Sizes, Gateway) }, "sizes.gateway"},
		"memory without unit":  {func(in *Inputs) { in.Sizes["api"] = Size{1, "512", 1} }, "sizes.api"},
		"memory in words":      {func(in *Inputs) { in.Sizes["api"] = Size{1, "muchGi", 1} }, "sizes.api"},
		"no CPU":               {func(in *Inputs) { in.Sizes["api"] = Size{0, "512Mi", 1} }, "sizes.api"},
		"no instances":         {func(in *Inputs) { in.Sizes["api"] = Size{1, "512Mi", 0} }, "sizes.api"},
		"too much concurrency": {func(in *Inputs) { in.Concurrency = 1001 }, "concurrency"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Defaults()
			c.change(&in)
			if r, err := Assess(in); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v %v, want %s", r, err, c.says)
			}
		})
	}
}
