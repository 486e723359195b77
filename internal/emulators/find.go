package emulators

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// ErrMissing says that an emulator or java is not installed, and how to install it.
var ErrMissing = errors.New("it needs the Cloud SDK with both emulators (gcloud components install pubsub-emulator cloud-firestore-emulator, " +
	"or the Debian packages google-cloud-cli-pubsub-emulator and google-cloud-cli-firestore-emulator) and java 17 or newer")

// roots are the places where the Cloud SDK may lie. The one of the gcloud that would be run comes first.
func roots() []string {
	var all []string
	if gcloud, err := exec.LookPath("gcloud"); err == nil {
		if real, err := filepath.EvalSymlinks(gcloud); err == nil {
			all = append(all, filepath.Dir(filepath.Dir(real)))
		}
	}
	all = append(all,
		"/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/usr/local/google-cloud-sdk", "/opt/google-cloud-sdk",
		"/opt/homebrew/share/google-cloud-sdk", "/usr/local/share/google-cloud-sdk", "/snap/google-cloud-sdk/current",
	)
	if home, err := os.UserHomeDir(); err == nil {
		all = append(all, filepath.Join(home, "google-cloud-sdk"))
	}
	return all
}

// find returns java and the newest jar that the pattern below a root of the SDK names.
func find(pattern string) (java, jar string, err error) {
	if java, err = exec.LookPath("java"); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrMissing, err)
	}
	for _, root := range roots() {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err == nil && len(found) > 0 {
			return java, slices.Max(found), nil
		}
	}
	return "", "", fmt.Errorf("%w: there is no %s", ErrMissing, pattern)
}
