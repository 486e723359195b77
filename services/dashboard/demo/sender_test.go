package demo

import (
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, seed := range []string{"", "0", "7", "-7", "2147483647", "1e3", "Fri, 02 Jan 2026 03:04:15 GMT", "Fri, 02 Jan 1970 03:04:15 GMT", "Fri, 01 Jan 7000 00:00:00 GMT"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, header string, try int) {
		after := retryAfter(header, now)
		if after < 0 {
			t.Fatalf("%q asks to wait %v", header, after)
		}
		wait := backoff(max(try, 0), &refusal{after: after})
		if wait <= 0 || wait < min(after, mostObeyed) || wait > mostObeyed+2*mostWait {
			t.Errorf("%q, try %d: waits %v", header, try, wait)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"", 0}, {"7", 7 * time.Second}, {"-7", 0}, {"soon", 0},
		{"Fri, 02 Jan 2026 03:04:15 GMT", 10 * time.Second},
		{"Fri, 02 Jan 2026 03:04:00 GMT", 0}, // it has passed
	}
	for _, test := range tests {
		if got := retryAfter(test.header, now); got != test.want {
			t.Errorf("%q: %v, want %v", test.header, got, test.want)
		}
	}
}
