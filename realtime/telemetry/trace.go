package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// trace is what a request says of the trace it belongs to.
type trace struct {
	id      string // 32 hexadecimal digits
	span    string // 16 of them, or empty
	sampled bool
}

// traceKey is the key of a trace in a context.
type traceKey struct{}

// Traced returns a handler that notes the trace of a request in its context, for the log
// lines that are written there. It reads traceparent (W3C Trace Context), and else
// X-Cloud-Trace-Context, as Google's front end sends it; what is neither is ignored.
func Traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok := parseTraceparent(r.Header.Get("Traceparent"))
		if !ok {
			t, ok = parseCloudTrace(r.Header.Get("X-Cloud-Trace-Context"))
		}
		if ok {
			r = r.WithContext(context.WithValue(r.Context(), traceKey{}, t))
		}
		next.ServeHTTP(w, r)
	})
}

// parseTraceparent reads 00-<trace>-<span>-<flags>. A later version may have more behind it.
func parseTraceparent(header string) (trace, bool) {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 {
		return trace{}, false
	}
	flags, err := strconv.ParseUint(parts[3], 16, 8)
	if err != nil || len(parts[3]) != 2 || !isHex(parts[0], 2) || !isID(parts[1], 32) || !isID(parts[2], 16) {
		return trace{}, false
	}
	return trace{id: parts[1], span: parts[2], sampled: flags&1 == 1}, true
}

// parseCloudTrace reads <trace>[/<span, decimal>][;o=<options>].
func parseCloudTrace(header string) (trace, bool) {
	header, options, _ := strings.Cut(header, ";")
	id, span, _ := strings.Cut(header, "/")
	id = strings.ToLower(id)
	if !isID(id, 32) {
		return trace{}, false
	}
	t := trace{id: id, sampled: options == "o=1"}
	if n, err := strconv.ParseUint(span, 10, 64); err == nil && n != 0 {
		t.span = fmt.Sprintf("%016x", n)
	}
	return t, true
}

// isID reports whether s is n hexadecimal digits in lower case that are not all zero.
func isID(s string, n int) bool { return isHex(s, n) && strings.Trim(s, "0") != "" }

func isHex(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" }
