package hub_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// inWorlds runs what it is given in as many bubbles, each with a seed of its own, and returns when all have ended.
func inWorlds(t *testing.T, seed, worlds int, live func(t *testing.T, seed uint64)) {
	t.Helper()
	t.Run("worlds", func(t *testing.T) {
		for i := range worlds {
			t.Run(strconv.Itoa(seed+i), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { live(t, uint64(seed+i)) })
			})
		}
	})
}

// closeAll closes hubs and then brokers.
func closeAll(t *testing.T, hubs []*hub.Hub, brokers ...realtime.Broker) {
	t.Helper()
	for _, h := range hubs {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	for _, b := range brokers {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// story keeps what happened, for whoever has to find out why a claim failed. It is
// printed when TIDEWIRE_STORY is set.
type story struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (s *story) tell(format string, args ...any) {
	if os.Getenv("TIDEWIRE_STORY") == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// Write takes the hubs' log lines.
func (s *story) Write(line []byte) (int, error) {
	s.tell("%s", bytes.TrimSpace(line))
	return len(line), nil
}
