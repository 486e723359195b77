package pipeline

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// essential is what every image has that is used here: bash, coreutils, findutils, grep, sed.
const essential = "bash sh cat chmod cp cut date dirname basename env find grep head ln ls mkdir mktemp mv printf readlink rm sed sort tail tee touch tr true uname uniq wc xargs"

// images are the commands that the images of cloudbuild.yaml have besides, by repository, as their Dockerfiles say: golang is
// buildpack-deps:trixie-scm with a compiler, which has neither Node nor a browser nor Java.
var images = map[string]string{
	"docker.io/hashicorp/terraform":                   "terraform",
	"docker.io/library/golang":                        "go gofmt git make gcc g++ pkg-config curl wget gpg apt-get apt-cache dpkg",
	"gcr.io/cloud-builders/docker":                    "docker",
	"gcr.io/google.com/cloudsdktool/google-cloud-cli": "gcloud gsutil git curl python3",
}

// packages are the commands that Debian's packages bring, of those that .ci/tools asks for and their neighbours: nodejs only suggests npm.
var packages = map[string]string{
	"chromium": "chromium", "nodejs": "node nodejs", "npm": "npm npx", "python3": "python3", "default-jre-headless": "java", "terraform": "terraform",
	"google-cloud-cli-pubsub-emulator": "", "google-cloud-cli-firestore-emulator": "",
}

// real commands are this machine's own; all others write down how they were called.
var realCommands = append(strings.Fields(essential), "make", "gofmt")

// machine fills the workspace's folder of commands with exactly those of an image. apt-get installs further ones from packages.
func (w *workspace) machine(image string) {
	w.t.Helper()
	commands := filepath.Join(w.folder, "commands")
	if err := os.RemoveAll(commands); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Mkdir(commands, 0o700); err != nil {
		w.t.Fatal(err)
	}
	repository, _, _ := strings.Cut(image, ":")
	own, known := images[repository]
	if !known {
		w.t.Fatalf("nobody has said which commands the image %s has", image)
	}
	for _, command := range strings.Fields(essential + " id " + own) {
		w.command(command)
	}
	// The step terraform leaves it for the others.
	w.write(filepath.Join("shelf", "terraform"), standIn+w.special("terraform"))
	if err := os.Symlink(filepath.Join(w.folder, "shelf", "terraform"), filepath.Join(w.handover, "terraform")); err != nil && !os.IsExist(err) {
		w.t.Fatal(err)
	}
}

// command puts one into the folder of commands: this machine's own, or one that writes down how it was called.
func (w *workspace) command(name string) {
	w.t.Helper()
	target := filepath.Join(w.folder, "commands", name)
	if slices.Contains(realCommands, name) {
		binary, err := exec.LookPath(name)
		if err != nil {
			w.t.Fatalf("this machine has no %s: %v", name, err)
		}
		if err := os.Symlink(binary, target); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.write(filepath.Join("commands", name), standIn+w.special(name))
}

// special is what a command does besides.
func (w *workspace) special(name string) string {
	switch name {
	case "apt-get":
		var install strings.Builder
		install.WriteString("[[ \" $* \" == *' install '* ]] || exit 0\nfor p; do case $p in\n")
		for _, p := range slices.Sorted(maps.Keys(packages)) {
			fmt.Fprintf(&install, "%s) for c in %s; do cp \"$SHELF/$c\" \"$COMMANDS/$c\"; done ;;\n", p, packages[p])
		}
		install.WriteString("install | -*) ;;\n*) echo \"there is no package $p\" >&2; exit 100 ;;\nesac; done\n")
		return install.String()
	case "git":
		return `[[ $* != "ls-files"* ]] || echo a.go` + "\n"
	case "go":
		return `case "$*" in
list*) echo example.com/a ;;
"run ./internal/archive -o bin/functions.zip") mkdir -p bin; echo archive >bin/functions.zip; printf 'bin/functions.zip  1 files, 1 KiB, sha256:%064d\n' 5 ;;
esac
`
	case "terraform":
		return `[[ $* != "version -json" ]] || echo '{"terraform_version": "1.11.4"}'` + "\n"
	case "node", "nodejs":
		binary, err := exec.LookPath("node")
		if err != nil {
			if os.Getenv("CI") == "true" {
				w.t.Fatal(err)
			}
			w.t.Skipf("NOT TESTED: %v", err)
		}
		return fmt.Sprintf("[[ ${1:-} != -p ]] || exec %q \"$@\"\n", binary)
	}
	return ""
}

// within runs a script on the workspace's machine: PATH has nothing but its commands.
func (w *workspace) within(script string, env []string, args ...string) ([]string, string, error) {
	w.t.Helper()
	for _, command := range strings.Fields(strings.Join(slices.Collect(maps.Values(packages)), " ")) {
		w.write(filepath.Join("shelf", command), standIn+w.special(command))
	}
	commands := filepath.Join(w.folder, "commands")
	return w.run(script, append(env, "PATH="+commands, "COMMANDS="+commands, "SHELF="+filepath.Join(w.folder, "shelf")), args...)
}

// The steps of a build find every command that they call in their image, or install it: what is installed is what Debian's packages bring.
func TestStepsHaveTheirCommands(t *testing.T) {
	t.Parallel()
	for _, apply := range []string{"false", "true"} {
		w := newWorkspace(t)
		w.checkout()
		for _, step := range build(t).GetSteps() {
			w.machine(step.GetName())
			if step.GetEntrypoint() != "bash" {
				continue
			}
			calls, said, err := w.within("cloudbuild", substitutions(t, apply), step.GetArgs()[1])
			if err != nil || strings.Contains(said, "not found") {
				t.Fatalf("step %s in %s: %v\n%s", step.GetId(), step.GetName(), err, said)
			}
			if step.GetId() == "test" && apply == "false" {
				inOrder(t, calls, "apt-get install -y -qq chromium", "apt-get install -y -qq nodejs", "go vet", "node --experimental-websocket ")
			}
		}
	}
}

// CI's own command needs no npm either, on a machine that has all other tools.
func TestRunNeedsNoNPM(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.checkout()
	w.machine("docker.io/library/golang:1")
	for _, tool := range []string{"chromium", "node", "java", "terraform"} {
		w.write(filepath.Join("commands", tool), standIn+w.special(tool))
	}
	calls, said, err := w.within("run", nil)
	if err != nil || strings.Contains(said, "not found") {
		t.Fatalf("%v\n%s", err, said)
	}
	inOrder(t, calls, "go vet", "node --experimental-websocket ")
}

// checkout copies what make and the scripts read.
func (w *workspace) checkout() {
	w.t.Helper()
	for _, dir := range []string{"clients/js", "shelf", "verify/terraform/promql"} {
		if err := os.MkdirAll(filepath.Join(w.folder, dir), 0o700); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", ".ci/tools", ".ci/run", ".ci/meanwhile", ".ci/jstests", "clients/js/package.json"} {
		w.write(name, source(w.t, name))
	}
}
