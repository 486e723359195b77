package occupancytest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// oneHolder takes all instances for one.
type oneHolder struct{ realtime.Occupancies }

func (o oneHolder) Occupy(ctx context.Context, c realtime.Channel, _ string) ([]realtime.ChannelEvent, error) {
	return o.Occupancies.Occupy(ctx, c, "one")
}

func (o oneHolder) Vacate(ctx context.Context, c realtime.Channel, _ string, at time.Time) ([]realtime.ChannelEvent, error) {
	return o.Occupancies.Vacate(ctx, c, "one", at)
}

// hastyEnd ends at once what is to end later.
type hastyEnd struct{ realtime.Occupancies }

func (o hastyEnd) Vacate(ctx context.Context, c realtime.Channel, instance string, _ time.Time) ([]realtime.ChannelEvent, error) {
	return o.Occupancies.Vacate(ctx, c, instance, time.Now())
}

// toldAll takes all for told when one is.
type toldAll struct{ realtime.Occupancies }

func (o toldAll) Told(ctx context.Context, last *realtime.ChannelEvent) error {
	all := *last
	all.Generation += 1000
	return o.Occupancies.Told(ctx, &all)
}

// newestOnly leaves out all but the last event.
type newestOnly struct{ realtime.Occupancies }

func (o newestOnly) Vacate(ctx context.Context, c realtime.Channel, instance string, at time.Time) ([]realtime.ChannelEvent, error) {
	events, err := o.Occupancies.Vacate(ctx, c, instance, at)
	return events[max(0, len(events)-1):], err
}

// lateWrites makes a write that was given up after all, when a later one has come.
type lateWrites struct {
	realtime.Occupancies
	mu   sync.Mutex // guards late
	late map[[2]string]func()
}

func (o *lateWrites) Occupy(ctx context.Context, c realtime.Channel, instance string) ([]realtime.ChannelEvent, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return o.Occupancies.Occupy(ctx, c, instance)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.late[[2]string{c.Name(), instance}] = func() { _, _ = o.Occupancies.Occupy(context.WithoutCancel(ctx), c, instance) }
	return nil, context.DeadlineExceeded
}

func (o *lateWrites) Vacate(ctx context.Context, c realtime.Channel, instance string, at time.Time) ([]realtime.ChannelEvent, error) {
	events, err := o.Occupancies.Vacate(ctx, c, instance, at)
	o.mu.Lock()
	defer o.mu.Unlock()
	if late := o.late[[2]string{c.Name(), instance}]; late != nil && err == nil {
		late()
		delete(o.late, [2]string{c.Name(), instance})
	}
	return events, err
}

// flaws are drivers that break the contract in one way each, and the case that must see it.
func flaws() map[string]struct {
	caught string
	driver func(realtime.Occupancies) realtime.Occupancies
} {
	return map[string]struct {
		caught string
		driver func(realtime.Occupancies) realtime.Occupancies
	}{
		"takes instances for one": {"FirstInLastOut", func(o realtime.Occupancies) realtime.Occupancies { return oneHolder{o} }},
		"does not wait":           {"Ends", func(o realtime.Occupancies) realtime.Occupancies { return hastyEnd{o} }},
		"takes all for told":      {"Told", func(o realtime.Occupancies) realtime.Occupancies { return toldAll{o} }},
		"leaves events out":       {"FirstInLastOut", func(o realtime.Occupancies) realtime.Occupancies { return newestOnly{o} }},
		"writes too late": {"Model", func(o realtime.Occupancies) realtime.Occupancies {
			return &lateWrites{Occupancies: o, late: map[[2]string]func(){}}
		}},
	}
}

// flawEnv names the flaw that TestFlawed runs the suite with.
const flawEnv = "OCCUPANCYTEST_FLAW"

// TestFlawed runs the suite against a flawed driver, in a process of TestSuiteSeesFlaws alone.
func TestFlawed(t *testing.T) {
	f, ok := flaws()[os.Getenv(flawEnv)]
	if !ok {
		return
	}
	Test(t, func(*testing.T) [2]realtime.Occupancies {
		o := f.driver(memory.NewOccupancies())
		return [2]realtime.Occupancies{o, o}
	})
}

func TestSuiteSeesFlaws(t *testing.T) {
	t.Parallel()
	if os.Getenv(flawEnv) != "" {
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range flaws() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestFlawed$/^"+f.caught+"$", "-test.timeout=30s")
			cmd.Env = append(os.Environ(), flawEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawed/"+f.caught) {
				t.Errorf("the case %s did not see it: %v\n%s", f.caught, err, out)
			}
		})
	}
}
