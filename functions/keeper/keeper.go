// Package keeper is the function that keeps the checkpoints of keyed state: an HTTP function that a schedule calls by POST, once a minute. A call
// makes one round of package realtime/keeper. It may be called twice, also at the same time. What fails is counted and left for the next round.
package keeper

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Function is the function as an http.Handler. It starts nothing that outlives a call.
type Function struct {
	keeper *keeper.Keeper
	log    *slog.Logger
}

// New returns the function of a Keeper. It logs a line for each round.
func New(k *keeper.Keeper, log *slog.Logger) *Function { return &Function{k, log} }

// ServeHTTP makes a round and answers what it did. 503 says that it could not tell what to keep. Who may call it is for the platform to say.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "method %.16q is not supported at this path; use POST", r.Method)).Write(w)
		return
	}
	report, err := f.round(r.Context())
	problem.WriteReport(w, report, err)
}

// round makes a round and logs it.
func (f *Function) round(ctx context.Context) (keeper.Report, error) {
	start := time.Now()
	r, err := f.keeper.Run(ctx)
	if err != nil {
		f.log.ErrorContext(ctx, "the keeper could not tell what to keep", realtime.KeyError, err, realtime.KeyDuration, time.Since(start))
		return r, err
	}
	level := slog.LevelInfo
	if r.Errors > 0 {
		level = slog.LevelWarn
	}
	f.log.Log(ctx, level, "the keeper ran",
		keyTopics, r.Topics, keyKept, r.Kept, keyBusy, r.Busy, keyMessages, r.Messages, keyChanges, r.Changes, keyLeft, r.Left, keyErrors, r.Errors,
		keyLag, r.Lag, keyMore, r.More, realtime.KeyDuration, time.Since(start))
	return r, nil
}

// The keys of the line that each round logs, the names of a Report's fields.
const (
	keyTopics   = "topics"
	keyKept     = "kept"
	keyBusy     = "busy"
	keyMessages = "messages"
	keyChanges  = "changes"
	keyLeft     = "left"
	keyErrors   = "errors"
	keyLag      = "lag"
	keyMore     = "more"
)
