package telemetry

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/trace"
)

// The members of a log line that Cloud Logging understands.
const (
	keySeverity = "severity"
	keyMessage  = "message"
	keyTime     = "time"
	keySource   = "logging.googleapis.com/sourceLocation"
	keyTrace    = "logging.googleapis.com/trace"
	keySpan     = "logging.googleapis.com/spanId"
	keySampled  = "logging.googleapis.com/trace_sampled"
)

// CloudLogOptions configure a handler of NewCloudLog. The zero value works.
type CloudLogOptions struct {
	// Level is the least that is written; nil is Info.
	Level slog.Leveler
	// Project is the Google Cloud project that traces belong to; without one, lines name no trace.
	Project string
}

// NewCloudLog returns a slog.Handler that writes one line of JSON per record, in the shape that
// Cloud Logging reads from a container's output: severity, message and time, the place in the source
// for errors, and the trace of the request that ctx belongs to (Traced puts it there).
func NewCloudLog(w io.Writer, o CloudLogOptions) slog.Handler {
	return &cloudLog{
		project: o.Project,
		inner:   slog.NewJSONHandler(w, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: cloudNames}),
	}
}

// cloudLog keeps open groups to itself, because the members that Cloud Logging
// understands have to stand at the top.
type cloudLog struct {
	inner   slog.Handler
	project string
	groups  []group // opened by WithGroup; the innermost comes last
}

type group struct {
	name  string
	attrs []slog.Attr // added since it was opened
}

// Enabled reports whether a level is written.
func (h *cloudLog) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

// WithAttrs adds attributes to the innermost group.
func (h *cloudLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	next := *h
	if len(h.groups) == 0 {
		next.inner = h.inner.WithAttrs(attrs)
		return &next
	}
	next.groups = slices.Clone(h.groups)
	last := &next.groups[len(next.groups)-1]
	last.attrs = slices.Concat(last.attrs, attrs)
	return &next
}

// WithGroup opens a group; one without a name is none.
func (h *cloudLog) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.groups = append(slices.Clone(h.groups), group{name: name})
	return &next
}

// Handle writes a record.
func (h *cloudLog) Handle(ctx context.Context, r slog.Record) error {
	attrs := make([]slog.Attr, 0, r.NumAttrs()+4)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for i := len(h.groups) - 1; i >= 0; i-- {
		g := &h.groups[i]
		attrs = []slog.Attr{{Key: g.name, Value: slog.GroupValue(slices.Concat(g.attrs, attrs)...)}} //nolint:sloglint // the name a caller gave to its group
	}
	if r.Level >= slog.LevelError && r.PC != 0 {
		attrs = append(attrs, sourceLocation(r.PC))
	}
	if s := trace.SpanContextFromContext(ctx); s.IsValid() && h.project != "" {
		attrs = append(attrs, slog.String(keyTrace, "projects/"+h.project+"/traces/"+s.TraceID().String()),
			slog.String(keySpan, s.SpanID().String()), slog.Bool(keySampled, s.IsSampled()))
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, 0)
	out.AddAttrs(attrs...)
	return h.inner.Handle(ctx, out)
}

// sourceLocation is the place of a call as LogEntrySourceLocation has it, whose line is text.
func sourceLocation(pc uintptr) slog.Attr {
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return slog.Group(keySource, slog.String("file", f.File), slog.String("line", strconv.Itoa(f.Line)), slog.String("function", f.Function)) //nolint:sloglint // fields of LogEntrySourceLocation
}

// cloudNames renames what slog itself writes.
func cloudNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.MessageKey:
		a.Key = keyMessage
	case slog.TimeKey:
		a.Key = keyTime
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			return slog.String(keySeverity, severity(level))
		}
	}
	return a
}

// severity is the LogSeverity of a level. Levels between two of slog's belong to the lower.
func severity(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARNING"
	case l < slog.LevelError+4:
		return "ERROR"
	}
	return "CRITICAL"
}
