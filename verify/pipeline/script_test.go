package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// workspace is a copy of what the scripts need, with stand-ins for commands that need a cloud. They write down how
// they were called.
type workspace struct {
	t                     *testing.T
	folder, handover, log string
}

// standIn is a command that says how it was called. What it does besides is for the command.
const standIn = `#!/usr/bin/env bash
echo "${0##*/} $*" >>"$CALLS"
case "${0##*/} $*" in
"docker inspect"*) image=${!#}; echo "elsewhere.example/other@sha256:$(printf 'f%.0s' {1..64})"; printf '%s@sha256:%064d\n' "${image%:*}" 7 ;;
"make functions") mkdir -p bin; echo archive >bin/functions.zip; printf 'bin/functions.zip  1 files, 1 KiB, sha256:%064d\n' 5 ;;
"terraform -chdir=terraform init"*) [ -f terraform/.terraform.lock.hcl ] || echo 'locked' >terraform/.terraform.lock.hcl ;;
"terraform -chdir=terraform plan"*) cp terraform/release.auto.tfvars.json "$HANDOVER/plan" ;;
"terraform -chdir=terraform show"*) echo "1 to add" ;;
"gcloud storage cp gs://"*"/plan "*)
  [ -z "${NO_PLAN:-}" ] || exit 1
  echo kept >"$HANDOVER/plan"; echo 'locked then' >"$HANDOVER/lock.hcl" ;;
"id -u") echo 0 ;;
"git rev-parse HEAD") echo "$COMMIT" ;;
"git diff"*) [ -z "${DIRTY:-}" ] ;;
"gcloud config get project") echo my-project ;;
esac
`

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := &workspace{t: t, folder: t.TempDir(), handover: t.TempDir()}
	w.log = filepath.Join(w.folder, "calls")
	for _, dir := range []string{".ci", "terraform", "commands"} {
		if err := os.Mkdir(filepath.Join(w.folder, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range []string{"cloudbuild", "release"} {
		text, err := os.ReadFile(filepath.Join(root, ".ci", script))
		if err != nil {
			t.Fatal(err)
		}
		w.write(filepath.Join(".ci", script), string(text))
	}
	w.write("a.go", "package a\n")
	for _, command := range []string{"docker", "make", "terraform", "gcloud", "git", "apt-get", "curl"} {
		w.write(filepath.Join("commands", command), standIn)
	}
	return w
}

func (w *workspace) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o700); err != nil { //nolint:gosec // a script
		w.t.Fatal(err)
	}
}

func (w *workspace) read(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// run runs a script and returns the commands that it called, what it said, and whether it went well.
func (w *workspace) run(script string, env []string, args ...string) (calls []string, said string, err error) {
	w.t.Helper()
	if err := os.WriteFile(w.log, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.t.Context(), "bash", append([]string{filepath.Join(w.folder, ".ci", script)}, args...)...)
	cmd.Env = append([]string{
		"PATH=" + filepath.Join(w.folder, "commands") + ":" + os.Getenv("PATH"), "HOME=" + w.folder,
		"CALLS=" + w.log, "HANDOVER=" + w.handover, "KEYRINGS=" + w.folder, "APT=" + w.folder, "COMMIT=" + commit,
	}, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return strings.Split(strings.TrimSpace(w.read(w.log)), "\n"), out.String(), err
}

// substitutions are those of a build, as Cloud Build hands them over.
func substitutions(t *testing.T, apply string, more ...string) []string {
	t.Helper()
	values := build(t).GetSubstitutions()
	values["_APPLY"] = apply
	env := []string{"PROJECT_ID=my-project", "COMMIT_SHA=" + commit}
	for name, value := range values {
		env = append(env, name+"="+strings.NewReplacer("${PROJECT_ID}", "my-project", "${_NAME}", values["_NAME"]).Replace(value))
	}
	return append(env, more...)
}

// The steps of a build without _APPLY, in the file's order, make a release and keep the plan of it.
func TestPlanning(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	var calls []string
	for _, step := range build(t).GetSteps() {
		if step.GetEntrypoint() != "bash" {
			continue
		}
		if step.GetArgs()[0] != ".ci/cloudbuild" || len(step.GetArgs()) != 2 {
			t.Fatalf("step %s runs %v", step.GetId(), step.GetArgs())
		}
		made, said, err := w.run("cloudbuild", substitutions(t, "false"), step.GetArgs()[1])
		if err != nil {
			t.Fatalf("step %s: %v\n%s", step.GetId(), err, said)
		}
		calls = append(calls, made...)
	}
	const registry = "europe-west1-docker.pkg.dev/my-project/tidewire"
	digest := fmt.Sprintf("sha256:%064d", 7)
	archive := fmt.Sprintf("functions-%064d.zip", 5)
	var release map[string]any
	if err := json.Unmarshal([]byte(w.read(filepath.Join(w.folder, "terraform", "release.auto.tfvars.json"))), &release); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{
		"project": "my-project", "region": "europe-west1", "name": "tidewire",
		"images": map[string]any{
			"gateway": registry + "/gateway@" + digest, "api": registry + "/api@" + digest, "dashboard": registry + "/dashboard@" + digest,
		},
		"functions": map[string]any{"bucket": "my-project-tidewire-functions", "object": archive},
	}, release); diff != "" {
		t.Errorf("the release (-want +got):\n%s", diff)
	}
	inOrder(t, calls,
		"make lint", "make test", "make whole", "docker build --build-arg SERVICE=gateway --build-arg REVISION="+commit, "docker build --build-arg SERVICE=dashboard",
		"docker push "+registry+"/gateway:"+commit, "make functions",
		"gcloud storage cp --no-clobber "+w.handover+"/functions.zip gs://my-project-tidewire-functions/"+archive,
		"terraform -chdir=terraform init -backend-config=bucket=my-project-tidewire-state -backend-config=prefix=tidewire", "terraform -chdir=terraform plan ",
		"gcloud storage cp "+w.handover+"/plan "+w.handover+"/plan.txt "+w.handover+"/lock.hcl terraform/release.auto.tfvars.json gs://my-project-tidewire-state/plans/"+commit+"/",
	)
	if i := slices.IndexFunc(calls, func(c string) bool { return strings.Contains(c, "terraform apply") }); i >= 0 {
		t.Errorf("it is applied: %s", calls[i])
	}
	// A lock file of the commit is what counts.
	if made, said, err := w.run("cloudbuild", substitutions(t, "false"), "plan"); err != nil || !slices.ContainsFunc(made, func(c string) bool { return strings.HasSuffix(c, "-lockfile=readonly") }) {
		t.Errorf("with a lock file: %v\n%s%v", made, said, err)
	}
	targetsExist(t, calls)
}

// A build with _APPLY does nothing but apply the plan that is kept of its commit.
func TestApplying(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	var calls []string
	for _, step := range build(t).GetSteps() {
		if step.GetEntrypoint() != "bash" {
			continue
		}
		made, said, err := w.run("cloudbuild", substitutions(t, "true"), step.GetArgs()[1])
		if err != nil {
			t.Fatalf("step %s: %v\n%s", step.GetId(), err, said)
		}
		calls = append(calls, made...)
	}
	calls = slices.DeleteFunc(calls, func(c string) bool { return c == "" })
	kept := "gs://my-project-tidewire-state/plans/" + commit
	want := []string{
		"gcloud storage cp " + kept + "/plan " + kept + "/lock.hcl " + w.handover + "/",
		"terraform -chdir=terraform init -backend-config=bucket=my-project-tidewire-state -backend-config=prefix=tidewire -lockfile=readonly",
		"terraform -chdir=terraform apply -lock-timeout=10m " + w.handover + "/plan",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if lock := w.read(filepath.Join(w.folder, "terraform", ".terraform.lock.hcl")); lock != "locked then\n" {
		t.Errorf("the lock file is %q, not that of the plan", lock)
	}
	if made, said, err := w.run("cloudbuild", substitutions(t, "true", "NO_PLAN=1"), "apply"); err == nil || !strings.Contains(said, "there is no plan of "+commit) || len(made) != 1 {
		t.Errorf("without a plan: %v %s %v", made, said, err)
	}
}

func TestScriptRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, saying string
		env          []string
		step         string
	}{
		{"no commit", "COMMIT_SHA is no commit", []string{"COMMIT_SHA="}, "plan"},
		{"another word", "_APPLY is yes", []string{"_APPLY=yes"}, "plan"},
		{"no region", "_REGION is not set", []string{"_REGION="}, "plan"},
		{"no such step", "there is no step deploy", nil, "deploy"},
		{"badly formatted", "run make fmt", nil, "check"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			w.write("b.go", "package  a\n")
			if calls, said, err := w.run("cloudbuild", substitutions(t, "false", tt.env...), tt.step); err == nil || !strings.Contains(said, tt.saying) {
				t.Errorf("%v, %q, %v; want %q", calls, said, err, tt.saying)
			}
		})
	}
}

// By hand, Cloud Build makes a release of what is checked out.
func TestRelease(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	calls, said, err := w.run("release", []string{"REGION=europe-west4"})
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	inOrder(t, calls, "gcloud builds submit --project=my-project --region=europe-west4 --config=cloudbuild.yaml --gcs-source-staging-dir=gs://my-project-tidewire-state/source "+
		"--substitutions=COMMIT_SHA="+commit+",_REGION=europe-west4,_NAME=tidewire,_ACCOUNT=tidewire-check,_APPLY=false .",
		"gcloud storage cp gs://my-project-tidewire-state/plans/"+commit+"/release.auto.tfvars.json terraform/",
		"gcloud storage cat gs://my-project-tidewire-state/plans/"+commit+"/plan.txt")
	for _, m := range regexp.MustCompile(`(_[A-Z_]+)=`).FindAllStringSubmatch(strings.Join(calls, "\n"), -1) {
		if _, declared := build(t).GetSubstitutions()[m[1]]; !declared && m[1] != "_SHA" {
			t.Errorf("it gives %s, which cloudbuild.yaml does not have", m[1])
		}
	}
	if calls, said, err = w.run("release", []string{"PROJECT=other", "NAME=live"}, "apply"); err != nil || !strings.Contains(strings.Join(calls, "\n"), "gs://other-live-state/source") ||
		!strings.HasSuffix(calls[len(calls)-1], "_NAME=live,_ACCOUNT=live-build,_APPLY=true .") {
		t.Errorf("%v %s %v", calls, said, err)
	}
	if _, said, err = w.run("release", []string{"DIRTY=1"}); err == nil || !strings.Contains(said, "commit first") {
		t.Errorf("a tree with changes: %s %v", said, err)
	}
	if _, said, err = w.run("release", nil, "deploy"); err == nil || !strings.Contains(said, "plan or apply") {
		t.Errorf("another verb: %s %v", said, err)
	}
}

// What has to be there before the first build is made by one target.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	run := func(args ...string) (string, error) {
		if err := os.WriteFile(w.log, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		binary, err := exec.LookPath("make")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"-C", root, "bootstrap"}, args...)...)
		cmd.Env = []string{"PATH=" + filepath.Join(w.folder, "commands") + ":" + os.Getenv("PATH"), "CALLS=" + w.log}
		out, err := cmd.CombinedOutput()
		return string(out) + w.read(w.log), err
	}
	out, err := run("PROJECT=my-project", "NAME=live")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	inOrder(t, strings.Split(out, "\n"), "gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com --project=my-project",
		"terraform -chdir=terraform/bootstrap init", "terraform -chdir=terraform/bootstrap apply -var=project=my-project -var=region=europe-west1 -var=name=live")
	if out, err := run(); err == nil || !strings.Contains(out, "PROJECT is missing") {
		t.Errorf("without a project: %v\n%s", err, out)
	}
}

// inOrder fails unless each text begins one of the calls, one after the other.
func inOrder(t *testing.T, calls []string, want ...string) {
	t.Helper()
	for _, w := range want {
		i := slices.IndexFunc(calls, func(c string) bool { return strings.HasPrefix(c, w) })
		if i < 0 {
			t.Errorf("there is no call %q, or not in its place", w)
			continue
		}
		calls = calls[i+1:]
	}
}

// targetsExist fails for every call of make whose target the Makefile does not have.
func targetsExist(t *testing.T, calls []string) {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, call := range calls {
		if target, ok := strings.CutPrefix(call, "make "); ok {
			found++
			if !regexp.MustCompile(`(?m)^` + target + `:`).Match(makefile) {
				t.Errorf("the Makefile has no %s", target)
			}
		}
	}
	if found == 0 {
		t.Error("nothing is made")
	}
}
