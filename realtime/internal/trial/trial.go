// Package trial says, for tests of random worlds, how long they last and from which seeds they are made.
//
// A test that guards each change has the same worlds each time, so that it fails only for what the change did. More of them, and others, are
// tried by whoever asks for them:
//
//	TIDEWIRE_SCALE   how many times as much as by itself is tried
//	TIDEWIRE_SEED    the first seed; "random" is one that nobody has tried yet, which the test's log says
//	other variables  what one kind of test is asked for, such as TIDEWIRE_STEPS; they go before it
package trial

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Number returns what an environment variable says, which must be a number; standard if it is not set.
func Number(t testing.TB, name string, standard int) int {
	t.Helper()
	if n, set := read(t, name); set {
		return n
	}
	return standard
}

// Scale is how many times as much as by itself is to be tried.
func Scale(t testing.TB) int {
	t.Helper()
	return Number(t, "TIDEWIRE_SCALE", 1)
}

// newSeeds is how many seeds "random" is one of: few enough to be typed.
const newSeeds = 1_000_000_000

// Seed returns the first seed: 1, or what TIDEWIRE_SEED says. The test's log says how to try it again.
func Seed(t testing.TB) int {
	t.Helper()
	if os.Getenv("TIDEWIRE_SEED") == "random" {
		seed := rand.IntN(newSeeds) //nolint:gosec // it makes a test and keeps no secret
		t.Logf("to try it again: TIDEWIRE_SEED=%d", seed)
		return seed
	}
	return Number(t, "TIDEWIRE_SEED", 1)
}

func read(t testing.TB, name string) (n int, set bool) {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s: must be a number that is not negative, got %q", name, text)
	}
	return n, true
}
