package gateway

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	other := debug.Module{Path: "example.com/app", Version: "v9.9.9"}
	for name, c := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"own program":            {debug.BuildInfo{Main: debug.Module{Path: module, Version: "v1.4.2"}}, "v1.4.2"},
		"another's program":      {debug.BuildInfo{Main: other, Deps: []*debug.Module{&other, {Path: module, Version: "v1.4.2"}}}, "v1.4.2"},
		"a copy of it":           {debug.BuildInfo{Main: other, Deps: []*debug.Module{{Path: module, Version: "v1.4.2", Replace: &debug.Module{Path: "../tidewire"}}}}, ""},
		"nothing is known of it": {debug.BuildInfo{Main: other}, ""},
	} {
		if got := versionIn(&c.info); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
