package pipeline

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/cloudbuild/apiv1/v2/cloudbuildpb"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"
)

// root is the top of the repository.
var root = filepath.Join("..", "..")

// builtin are the substitutions that Cloud Build itself has, of those that are used here.
var builtin = []string{"PROJECT_ID", "COMMIT_SHA"}

// build is cloudbuild.yaml, decoded as strictly as the API does: what it does not know is an error.
func build(t *testing.T) *cloudbuildpb.Build {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "cloudbuild.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(text []byte) (*cloudbuildpb.Build, error) {
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	b := &cloudbuildpb.Build{}
	if err := protojson.Unmarshal(asJSON, b); err != nil {
		return nil, err
	}
	return b, nil
}

func TestDecodingIsStrict(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"steps: [{name: a, argz: [b]}]", "options: {logging: CLOUD_LOGGING}", "timeout: 90m", "substitutions: {_A: true}", "steps: []\nsteps: []",
		"options: {machineType: E3_HIGHCPU_8}",
	} {
		if b, err := decode([]byte(text)); err == nil {
			t.Errorf("%s is taken for %v", text, b)
		}
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	b := build(t)
	if b.GetOptions().GetLogging() != cloudbuildpb.BuildOptions_CLOUD_LOGGING_ONLY {
		t.Error("an account of one's own needs CLOUD_LOGGING_ONLY")
	}
	if !b.GetOptions().GetAutomapSubstitutions() {
		t.Error("the scripts have no substitutions")
	}
	if b.GetSubstitutions()["_ACCOUNT"] != "${_NAME}-check" || b.GetTimeout().GetSeconds() == 0 {
		t.Errorf("account %q, timeout %v", b.GetSubstitutions()["_ACCOUNT"], b.GetTimeout())
	}
	if len(b.GetOptions().GetVolumes()) != 1 || b.GetOptions().GetVolumes()[0].GetPath() != "/handover" {
		t.Errorf("volumes are %v", b.GetOptions().GetVolumes())
	}
	pinned := regexp.MustCompile(`:[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)?$`)
	var ids []string
	for _, step := range b.GetSteps() {
		if !pinned.MatchString(step.GetName()) && !strings.Contains(step.GetName(), "@sha256:") {
			t.Errorf("step %s: image %s is not pinned", step.GetId(), step.GetName())
		}
		if step.GetId() == "" || slices.Contains(ids, step.GetId()) {
			t.Errorf("the id %q is missing or there twice", step.GetId())
		}
		for _, before := range step.GetWaitFor() {
			if before != "-" && !slices.Contains(ids, before) {
				t.Errorf("step %s waits for %s, which is no step before it", step.GetId(), before)
			}
		}
		ids = append(ids, step.GetId())
	}
	if want := []string{"terraform", "check", "test", "images", "functions", "plan", "apply"}; !slices.Equal(ids, want) {
		t.Errorf("steps are %v, want %v", ids, want)
	}
	if go1, mod := goOf(t, b), goMod(t); !strings.HasPrefix(go1, mod) {
		t.Errorf("the builder is Go %s, go.mod wants %s", go1, mod)
	}
}

// goOf is the version of Go that tests run with.
func goOf(t *testing.T, b *cloudbuildpb.Build) string {
	t.Helper()
	for _, step := range b.GetSteps() {
		if step.GetId() == "test" {
			_, version, _ := strings.Cut(step.GetName(), "golang:")
			return version
		}
	}
	return ""
}

// goMod is the version of Go that go.mod asks for, without its patch.
func goMod(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	return string(regexp.MustCompile(`(?m)^go ([0-9]+\.[0-9]+)`).FindSubmatch(text)[1])
}

// Every substitution that is used is declared or Cloud Build's own, and every one that is declared is used.
func TestSubstitutions(t *testing.T) {
	t.Parallel()
	b := build(t)
	var used []string
	note := func(text string, pattern *regexp.Regexp) {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			used = append(used, m[1])
		}
	}
	inFile, inScript := regexp.MustCompile(`\$\{?([A-Z_][A-Z0-9_]*)`), regexp.MustCompile(`\$\{?(_[A-Z0-9_]+|PROJECT_ID|COMMIT_SHA)`)
	note(b.GetServiceAccount(), inFile)
	for _, value := range b.GetSubstitutions() {
		note(value, inFile)
	}
	for _, step := range b.GetSteps() {
		note(strings.Join(append(step.GetArgs(), step.GetName(), step.GetDir()), " "), inFile)
	}
	script, err := os.ReadFile(filepath.Join(root, ".ci", "cloudbuild"))
	if err != nil {
		t.Fatal(err)
	}
	note(string(script), inScript)
	for _, name := range used {
		if _, declared := b.GetSubstitutions()[name]; !declared && !slices.Contains(builtin, name) {
			t.Errorf("%s is used and not declared", name)
		}
	}
	for name := range b.GetSubstitutions() {
		if !slices.Contains(used, name) {
			t.Errorf("%s is declared and not used", name)
		}
	}
	if b.GetSubstitutions()["_APPLY"] != "false" {
		t.Error("a build applies without being told to")
	}
}
