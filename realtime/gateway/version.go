package gateway

import "runtime/debug"

// module is the one that this package is of.
const module = "github.com/tidewire/tidewire"

// version returns which version of this module the program was built with, as the Go toolchain has written it into the
// binary; empty if it has not.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return versionIn(info)
}

func versionIn(info *debug.BuildInfo) string {
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == module && d.Replace == nil {
			return d.Version
		}
	}
	return ""
}
