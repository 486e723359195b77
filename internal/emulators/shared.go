package emulators

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
)

// Shared keeps the emulators of a test binary, each of which is started by the first test
// that asks for it. The zero value is ready.
type Shared struct {
	pubsub, firestore one
}

// one is an emulator that is started at most once.
type one struct {
	once    sync.Once
	process *Process
	err     error
}

func (o *one) start(begin func(context.Context) (*Process, error)) (*Process, error) {
	// It serves all tests, so it does not end with the context of the first.
	o.once.Do(func() { o.process, o.err = begin(context.Background()) })
	return o.process, o.err
}

// end ends it at once: what a test leaves behind need not be put away in order.
func (o *one) end() {
	if o.process != nil {
		o.process.Kill()
	}
}

// PubSub returns the address of the emulator of Pub/Sub.
func (s *Shared) PubSub(t testing.TB) string {
	t.Helper()
	return s.PubSubProcess(t).Addr()
}

// PubSubProcess returns the emulator of Pub/Sub, for a test that pauses it and runs beside no other.
func (s *Shared) PubSubProcess(t testing.TB) *Process {
	t.Helper()
	p, err := s.pubsub.start(StartPubSub)
	Check(t, err)
	return p
}

// Firestore returns the address of the emulator of Firestore.
func (s *Shared) Firestore(t testing.TB) string {
	t.Helper()
	return s.FirestoreProcess(t).Addr()
}

// FirestoreProcess returns the emulator of Firestore, for a test that pauses it and runs beside no other.
func (s *Shared) FirestoreProcess(t testing.TB) *Process {
	t.Helper()
	p, err := s.firestore.start(StartFirestore)
	Check(t, err)
	return p
}

// Tests is what runs the tests of a binary: a *testing.M.
type Tests interface{ Run() int }

// Main returns what runs the tests and then ends the emulators. It suits goleak.VerifyTestMain.
func (s *Shared) Main(m Tests) Tests { return main{m, s} }

type main struct {
	tests  Tests
	shared *Shared
}

func (m main) Run() int {
	defer m.shared.firestore.end()
	defer m.shared.pubsub.end()
	return m.tests.Run()
}

// Check fails the test if an emulator could not be started. Only who sets TIDEWIRE_NO_EMULATORS=1
// skips it where there is none, and never in CI.
func Check(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrMissing) && os.Getenv("TIDEWIRE_NO_EMULATORS") == "1" && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED, as TIDEWIRE_NO_EMULATORS=1 asks: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Project returns the identifier of a project that nobody has used.
func Project(testing.TB) string { return "tw-test-" + strings.ToLower(rand.Text()[:16]) }
