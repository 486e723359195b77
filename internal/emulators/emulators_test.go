package emulators_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/emulators"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLifeOfAProcess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		start func(context.Context) (*emulators.Process, error)
		again func(context.Context, string) (*emulators.Process, error)
	}{
		{"pubsub", emulators.StartPubSub, emulators.StartPubSubAt},
		{"firestore", emulators.StartFirestore, emulators.StartFirestoreAt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := tt.start(t.Context())
			emulators.Check(t, err)
			t.Cleanup(p.Kill)
			wantAnswer(t, p, time.Minute)

			// Where one is, a second one says why it does not start.
			if second, err := tt.again(t.Context(), p.Addr()); err == nil {
				second.Kill()
				t.Error("two emulators on one address")
			} else if !strings.Contains(err.Error(), p.Addr()) {
				t.Errorf("it does not name the address: %v", err)
			}

			p.Pause()
			if err := get(t, p, 200*time.Millisecond); err == nil {
				t.Error("it answers while it is paused")
			}
			p.Resume()
			wantAnswer(t, p, time.Minute)

			p.Kill()
			if err := get(t, p, time.Minute); err == nil {
				t.Error("it answers after it was ended")
			}
			if err := p.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantAnswer(t, p, time.Minute)
			p.Pause() // it can be stopped nevertheless
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			if err := p.Stop(); err != nil {
				t.Errorf("the second time: %v", err)
			}
		})
	}
}

func wantAnswer(t *testing.T, p *emulators.Process, patience time.Duration) {
	t.Helper()
	if err := get(t, p, patience); err != nil {
		t.Errorf("%v\n%s", err, p.Output())
	}
}

func get(t *testing.T, p *emulators.Process, patience time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
