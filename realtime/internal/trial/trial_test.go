package trial

import (
	"runtime"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		steps, scale string
		want         int
	}{
		{"", "", 10},
		{"", "3", 30},
		{"7", "", 7},
		{"7", "3", 7},
	} {
		t.Setenv("TIDEWIRE_STEPS", tt.steps)
		t.Setenv("TIDEWIRE_SCALE", tt.scale)
		if got := Number(t, "TIDEWIRE_STEPS", 10*Scale(t)); got != tt.want {
			t.Errorf("steps %q, scale %q: %d, want %d", tt.steps, tt.scale, got, tt.want)
		}
	}
}

func TestSeed(t *testing.T) {
	t.Setenv("TIDEWIRE_SEED", "")
	if got := Seed(t); got != 1 {
		t.Errorf("by itself: %d, want 1", got)
	}
	t.Setenv("TIDEWIRE_SEED", "42")
	if got := Seed(t); got != 42 {
		t.Errorf("42: %d", got)
	}
	t.Setenv("TIDEWIRE_SEED", "random")
	l := &log{TB: t}
	if a, b := Seed(l), Seed(l); a == b {
		t.Errorf("random: %d twice", a)
	}
	if !strings.Contains(l.said, "TIDEWIRE_SEED=") {
		t.Errorf("random: nobody is told which, %q", l.said)
	}
}

func TestWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{"x", "-1", "1.5"} {
		t.Setenv("TIDEWIRE_SEED", text)
		l := &log{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Seed(l)
		}()
		<-done
		if !strings.Contains(l.said, "TIDEWIRE_SEED: must be a number") {
			t.Errorf("%q: %q", text, l.said)
		}
	}
}

// log is a test that only keeps what it is told.
type log struct {
	testing.TB
	said string
}

func (l *log) Helper() {}

func (l *log) Logf(format string, args ...any) { l.said += format }

func (l *log) Fatalf(format string, args ...any) {
	l.said += args[0].(string) + format[2:]
	runtime.Goexit()
}
