package contain_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// panics keeps the reasons of contained panics.
type panics struct {
	realtime.NoMetrics
	reasons []string
}

func (p *panics) Add(c realtime.Counter, _ string, reason realtime.Reason, _ int) {
	if c == realtime.CountPanics {
		p.reasons = append(p.reasons, string(reason))
	}
}

// wild panics whatever it is told.
type wild struct{ realtime.NoMetrics }

func (wild) Add(realtime.Counter, string, realtime.Reason, int) { panic("metrics") }
func (wild) Enabled(context.Context, slog.Level) bool           { return true }
func (wild) Handle(context.Context, slog.Record) error          { panic("log") }
func (w wild) WithAttrs([]slog.Attr) slog.Handler               { return w }
func (w wild) WithGroup(string) slog.Handler                    { return w }

func TestContain(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	count := &panics{}
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	if err := contain.Do(logger, count, contain.Hook, func() {}); err != nil || log.Len() > 0 {
		t.Fatalf("nothing happened, but %v %s", err, log.String())
	}
	for name, fault := range map[string]func(){
		"value":   func() { panic("out of luck") },
		"runtime": func() { var none []int; _ = none[0] },
		"nil":     func() { panic(nil) }, //nolint:govet // the point
	} {
		log.Reset()
		count.reasons = nil
		err := contain.Do(logger, count, contain.Hook, fault, realtime.KeyTenant, "acme")
		if err == nil || err.Code != realtime.CodeInternal || strings.Contains(err.Message, "luck") {
			t.Errorf("%s: returned %v", name, err)
		}
		for _, want := range []string{`"tenant":"acme"`, `"reason":"hook"`, `"stack":"goroutine`, "contain_test.go", `"level":"ERROR"`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: the log has no %s: %s", name, want, log.String())
			}
		}
		if len(count.reasons) != 1 || count.reasons[0] != string(contain.Hook) {
			t.Errorf("%s: counted %v", name, count.reasons)
		}
	}
	if err := contain.Do(slog.New(wild{}), wild{}, contain.Hook, func() { panic("x") }); err == nil {
		t.Error("a panic was not told")
	}
}
