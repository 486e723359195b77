// Package capacity computes what a deployment on Google Cloud carries, and which walls it would meet: vCPU and memory of the region,
// subscriptions of the project, the most instances of a service. terraform/modules/plan/capacity.tf has the same arithmetic, so
// that plans warn of them; a test compares the two.
package capacity

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// aim is the share of the maximum concurrency that Cloud Run's autoscaler aims at, over a minute ("About instance autoscaling").
const aim = 0.6

// Gateway is the program that holds sockets.
const Gateway = "gateway"

// Size is one of a service or a function.
type Size struct {
	CPU    float64 `json:"cpu"`    // vCPU of an instance
	Memory string  `json:"memory"` // of an instance, in Mi or Gi: 512Mi
	Max    int     `json:"max"`    // instances that there may be
}

// Quota is what a project may have.
type Quota struct {
	CPU           float64 `json:"cpu"`           // vCPU of all Cloud Run instances in the region
	MemoryGiB     float64 `json:"memory_gib"`    // the same of memory
	Subscriptions int     `json:"subscriptions"` // of Pub/Sub
}

// Inputs are what a deployment is made of, as the output capacity of Terraform has them.
type Inputs struct {
	Sizes         map[string]Size `json:"sizes"`         // by program
	Concurrency   int             `json:"concurrency"`   // requests, and so sockets, that a gateway takes at once
	Tenants       int             `json:"tenants"`       // with a topic of their own
	Shards        int             `json:"shards"`        // topics that pooled tenants share
	Sockets       int             `json:"sockets"`       // expected at once; 0 compares nothing
	Subscriptions int             `json:"subscriptions"` // the budget, TIDEWIRE_SUBSCRIPTIONS
	Quota         Quota           `json:"quota"`
}

// Defaults are those of the Terraform root, on the quota of a new project.
func Defaults() Inputs {
	return Inputs{
		Sizes: map[string]Size{
			Gateway: {1, "1Gi", 4}, "api": {1, "512Mi", 3}, "dashboard": {1, "512Mi", 1}, "ingest": {1, "512Mi", 4}, "janitor": {1, "512Mi", 2}, "keeper": {1, "512Mi", 1},
		},
		Concurrency: 1000, Subscriptions: 9000, Quota: Quota{CPU: 20, MemoryGiB: 40, Subscriptions: 10000},
	}
}

// Figures are what a deployment carries and may use at most. Those with Release count gateways twice: a revision that was replaced keeps its
// gateways until their sockets have ended, an hour at most.
type Figures struct {
	SocketsPerInstance   int     `json:"sockets_per_instance"` // when the autoscaler starts another one
	Sockets              int     `json:"sockets"`              // of all gateways, so
	SocketsMost          int     `json:"sockets_most"`         // before Cloud Run answers 429
	CPU                  float64 `json:"cpu"`
	MemoryGiB            float64 `json:"memory_gib"`
	Subscriptions        int     `json:"subscriptions"`
	CPURelease           float64 `json:"cpu_release"`
	MemoryReleaseGiB     float64 `json:"memory_release_gib"`
	SubscriptionsRelease int     `json:"subscriptions_release"`
}

// Report is what Assess finds.
type Report struct {
	Figures Figures `json:"figures"`
	// Refused are revisions that Cloud Run would refuse at once, and Walls what would be met under load or during a release: a text by name.
	Refused map[string]string `json:"refused"`
	Walls   map[string]string `json:"walls"`
}

// Assess computes the figures of a deployment and compares them with its quota. The error names the input that is wrong.
func Assess(in Inputs) (Report, error) {
	r := Report{Refused: map[string]string{}, Walls: map[string]string{}}
	if in.Concurrency < 1 || in.Concurrency > 1000 {
		return r, fmt.Errorf("concurrency: must be 1 to 1000, got %d", in.Concurrency)
	}
	gateway, ok := in.Sizes[Gateway]
	if !ok {
		return r, fmt.Errorf("sizes.%s: is missing", Gateway)
	}
	f := &r.Figures
	for _, program := range slices.Sorted(maps.Keys(in.Sizes)) {
		size := in.Sizes[program]
		memory, err := gib(size.Memory)
		if err != nil || size.CPU <= 0 || size.Max < 1 {
			return r, fmt.Errorf("sizes.%s: must have a cpu, a memory such as 512Mi and a max, got %+v", program, size)
		}
		cpu, memory := float64(size.Max)*size.CPU, float64(size.Max)*memory
		f.CPU += cpu
		f.MemoryGiB += memory
		r.refuse(program, size, in.Quota, cpu, memory)
		if program == Gateway {
			f.CPURelease, f.MemoryReleaseGiB = cpu, memory
		}
	}
	f.CPURelease += f.CPU
	f.MemoryReleaseGiB += f.MemoryGiB
	f.SocketsPerInstance = int(math.Floor(float64(in.Concurrency) * aim))
	f.Sockets, f.SocketsMost = gateway.Max*f.SocketsPerInstance, gateway.Max*in.Concurrency
	followed := min(in.Tenants+in.Shards, in.Concurrency)
	f.Subscriptions, f.SubscriptionsRelease = gateway.Max*followed, 2*gateway.Max*followed
	r.compare(in, gateway, followed)
	return r, nil
}

// refuse notes a program whose instances could be more than the quota.
func (r *Report) refuse(program string, size Size, quota Quota, cpu, memory float64) {
	const text = "%s: %d instances of %s are more than the region's quota of %s, and Cloud Run refuses the revision: lower sizes.%s.max, or have the quota raised and say so in quota.%s."
	if cpu > quota.CPU {
		r.Refused["cpu-"+program] = fmt.Sprintf(text, program, size.Max, number(size.CPU)+" vCPU", number(quota.CPU)+" vCPU", program, "cpu")
	}
	if memory > quota.MemoryGiB {
		r.Refused["memory-"+program] = fmt.Sprintf(text, program, size.Max, size.Memory, number(quota.MemoryGiB)+" GiB", program, "memory_gib")
	}
}

// compare notes the walls that would be met.
func (r *Report) compare(in Inputs, gateway Size, followed int) {
	f := r.Figures
	if in.Sockets > f.Sockets {
		r.Walls["sockets"] = fmt.Sprintf("%d sockets are expected, and %d gateways carry %d (%d each, 60 %% of %d). Beyond %d Cloud Run answers 429: raise sizes.gateway.max.",
			in.Sockets, gateway.Max, f.Sockets, f.SocketsPerInstance, in.Concurrency, f.SocketsMost)
	}
	if f.CPURelease > in.Quota.CPU {
		r.Walls["cpu"] = fmt.Sprintf("During a release up to %s vCPU may run (gateways count twice for an hour), and the region's quota is %s: instances beyond it do not start. Lower sizes, or have the quota raised and say so in quota.cpu.",
			number(f.CPURelease), number(in.Quota.CPU))
	}
	if f.MemoryReleaseGiB > in.Quota.MemoryGiB {
		r.Walls["memory"] = fmt.Sprintf("During a release up to %s GiB may be in use (gateways count twice for an hour), and the region's quota is %s: instances beyond it do not start. Lower sizes, or have the quota raised and say so in quota.memory_gib.",
			number(f.MemoryReleaseGiB), number(in.Quota.MemoryGiB))
	}
	if f.SubscriptionsRelease > in.Subscriptions {
		r.Walls["subscriptions"] = fmt.Sprintf("During a release up to %d subscriptions may exist (%d topics times %d gateways, twice for an hour), and the budget is %d: beyond it no further topic is followed. Pool small tenants (shards), or use fewer, larger gateways.",
			f.SubscriptionsRelease, followed, gateway.Max, in.Subscriptions)
	}
	if in.Subscriptions > in.Quota.Subscriptions {
		r.Walls["budget"] = fmt.Sprintf("The budget of %d subscriptions is more than the project's quota of %d: lower subscriptions.", in.Subscriptions, in.Quota.Subscriptions)
	}
}

// gib is a size of memory as Cloud Run has it, in GiB.
func gib(memory string) (float64, error) {
	for unit, of := range map[string]float64{"Gi": 1, "Mi": 1024} {
		if digits, ok := strings.CutSuffix(memory, unit); ok {
			n, err := strconv.ParseFloat(digits, 64)
			return n / of, err
		}
	}
	return 0, fmt.Errorf("%q: must be a number of Mi or Gi", memory)
}

// number is one as Terraform writes it: without an exponent, and without a point where none is needed.
func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
