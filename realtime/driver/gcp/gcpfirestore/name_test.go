package gcpfirestore

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for plain, want := range map[string]string{
		"": "%", "ann": "ann", "ann@example.com": "ann@example.com", "a|b": "a|b", "ü": "ü", "_a": "_a", "a__": "a__", "...": "...",
		"%": "%25", "a/b": "a%2Fb", ".": "%2E", "..": "%2E.", "__a__": "%5F_a__", "__": "%5F_", "\x00": "%00", "\xff": "%FF",
	} {
		if got := encodeName(plain); got != want {
			t.Errorf("%q is written %q, want %q", plain, got, want)
		}
		if got := decodeName(want); got != plain {
			t.Errorf("%q is read %q, want %q", want, got, plain)
		}
	}
}

// FuzzNames looks for two texts of one name, and for a name that Firestore refuses.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "%", "%2F", "a/b", "__x__", ".", "..", "\xff%", "%%25"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := encodeName(s)
		if got := decodeName(name); got != s {
			t.Errorf("%q is written %q and read %q", s, name, got)
		}
		if name == "" || name == "." || name == ".." || strings.HasPrefix(name, "__") || strings.Contains(name, "/") || !utf8.ValidString(name) {
			t.Errorf("%q is written %q, which is no name", s, name)
		}
	})
}
