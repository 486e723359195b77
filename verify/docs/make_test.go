package docs

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func makeOutput(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=0", "PORT=", "ADDR=", "ARGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// make alone, and make help, list every target with what it does.
func TestMakeHelps(t *testing.T) {
	t.Parallel()
	help := makeOutput(t, "help")
	if alone := makeOutput(t); alone != help {
		t.Errorf("make alone says\n%s", alone)
	}
	makefile := read(t, filepath.Join(root, "Makefile"))
	targets := regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(makefile, -1)
	if len(targets) < 15 {
		t.Fatalf("only %d targets were found", len(targets))
	}
	phony := strings.Fields(regexp.MustCompile(`(?m)^\.PHONY:(.*)$`).FindStringSubmatch(makefile)[1])
	for _, target := range targets {
		if !regexp.MustCompile(`(?m)^  ` + target[1] + ` +\S+ \S+`).MatchString(help) {
			t.Errorf("make help does not say what make %s does:\n%s", target[1], help)
		}
		if !slices.Contains(phony, target[1]) {
			t.Errorf("%s is not in .PHONY, so that a file of that name stops it", target[1])
		}
	}
}

// Another port or address is a variable of make.
func TestMakeDevElsewhere(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"./.ci/dev":                             {"dev"},
		"./.ci/dev --addr '127.0.0.1:9000'":     {"dev", "PORT=9000"},
		"./.ci/dev --addr '0.0.0.0:9000'":       {"dev", "ADDR=0.0.0.0:9000", "PORT=1"},
		"./.ci/dev --demo=false --verbose":      {"dev", "ARGS=--demo=false --verbose"},
		"./.ci/dev --addr '127.0.0.1:1' --json": {"dev", "PORT=1", "ARGS=--json"},
	} {
		if got := strings.Join(strings.Fields(makeOutput(t, append([]string{"-n"}, args...)...)), " "); got != want {
			t.Errorf("make %v runs %s, want %s", args, got, want)
		}
	}
}

// make dev says at once what happens, however long the compiler takes, then how far it is; it shows what the compiler has
// to say, and passes its arguments on.
func TestMakeDevSaysWhatHappens(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	script := []byte(read(t, filepath.Join(root, ".ci", "dev")))
	compiler := `#!/bin/sh
case $1 in
list) for i in 1 2 3; do echo pkg; done ;;
build)
	read _ <go-on
	i=0
	while [ $i -lt 100 ]; do i=$((i + 1)); echo "example.com/package$i" >&2; done
	echo './main.go:1:2: a warning' >&2
	exit $(cat status) ;;
esac
`
	for name, content := range map[string][]byte{
		".ci/dev": script, "path/go": []byte(compiler), "bin/tidewire": []byte("#!/bin/sh\necho ran \"$@\"\n"), "status": []byte("0"),
	} {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	goOn := filepath.Join(folder, "go-on")
	if out, err := exec.CommandContext(t.Context(), "mkfifo", goOn).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for status, want := range map[string][]string{
		"0": {"50 of at most 3 packages are built", "a warning", "ran dev --addr x"},
		"1": {"a warning"},
	} {
		if err := os.WriteFile(filepath.Join(folder, "status"), []byte(status), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(folder, ".ci", "dev"), "--addr", "x")
		cmd.Dir, cmd.Env = folder, []string{"PATH=" + filepath.Join(folder, "path") + ":" + os.Getenv("PATH")}
		cmd.WaitDelay = time.Second
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout, cmd.Stderr = w, w
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		lines := bufio.NewScanner(r)
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), "Building tidewire.") { // while the compiler waits
			t.Fatalf("first it says %q", lines.Text())
		}
		if err := os.WriteFile(goOn, []byte("\n"), 0); err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for lines.Scan() {
			text.WriteString(lines.Text() + "\n")
		}
		_ = r.Close()
		if err := cmd.Wait(); (err == nil) != (status == "0") {
			t.Errorf("the compiler ended with %s, and it with %v", status, err)
		}
		for _, part := range want {
			if !strings.Contains(text.String(), part) {
				t.Errorf("with %s, %q is not in\n%s", status, part, &text)
			}
		}
		if status == "1" && strings.Contains(text.String(), "ran") {
			t.Error("what could not be built was run")
		}
	}
}
