package docs

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the top of the repository.
var root = filepath.Join("..", "..")

// pages are those that have their reader type something, or send him elsewhere.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "terraform/*.md", "terraform/bootstrap/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			all[name] = read(t, name)
		}
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name) //nolint:gosec // of the repository
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shell returns the lines of a page that are for a terminal.
func shell(page string) []string {
	var lines []string
	inside := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = strings.HasPrefix(line, "```sh")
		case inside && line != "":
			lines = append(lines, line)
		}
	}
	return lines
}

// A link into the repository leads to a file, and to a heading of it if it names one.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	found := 0
	for name, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.Scheme != "" {
				continue
			}
			found++
			target := name
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(name), filepath.FromSlash(u.Path))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
				continue
			}
			if u.Fragment != "" && !slices.Contains(headings(read(t, target)), u.Fragment) {
				t.Errorf("%s links to %s, and there is no such heading", name, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d links were found", found)
	}
}

// headings are the anchors of a page, as GitHub makes them.
func headings(page string) []string {
	var all []string
	drop := regexp.MustCompile("[^a-z0-9 _-]")
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

// What a page has its reader make is a target, what it has him ask Terraform for is an output, and what it sets a variable.
func TestCommands(t *testing.T) {
	t.Parallel()
	makefile := read(t, filepath.Join(root, "Makefile"))
	outputs, variables := read(t, filepath.Join(root, "terraform", "outputs.tf")), read(t, filepath.Join(root, "terraform", "bootstrap", "variables.tf"))
	made, asked := 0, 0
	for name, page := range pages(t) {
		for _, m := range regexp.MustCompile("`make ([a-z-]+)|(?m)^ *make ([a-z-]+)").FindAllStringSubmatch(page, -1) {
			made++
			if target := m[1] + m[2]; !strings.Contains(makefile, "\n"+target+":") {
				t.Errorf("%s: the Makefile has no %s", name, target)
			}
		}
		for _, m := range regexp.MustCompile(`terraform output -raw ([a-z_]+)|-chdir=terraform output -raw ([a-z_]+)`).FindAllStringSubmatch(page, -1) {
			asked++
			if output := m[1] + m[2]; !strings.Contains(outputs, `output "`+output+`" {`) {
				t.Errorf("%s: the root has no output %s", name, output)
			}
		}
		for _, m := range regexp.MustCompile(`-var=([a-z_]+)=`).FindAllStringSubmatch(page, -1) {
			if !strings.Contains(variables, `variable "`+m[1]+`" {`) {
				t.Errorf("%s: bootstrap has no variable %s", name, m[1])
			}
		}
	}
	if made < 10 || asked < 3 {
		t.Errorf("only %d targets and %d outputs were found", made, asked)
	}
}

// A deployment takes at most five commands.
func TestDeploymentIsShort(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(read(t, filepath.Join(root, "README.md")), "\n## Deploy\n")
	section, _, _ = strings.Cut(section, "\n## ")
	commands := shell(section)
	if !found || len(commands) == 0 || len(commands) > 5 || strings.ContainsAny(strings.Join(commands, ""), "&;|") {
		t.Errorf("README.md deploys with %d commands: %q", len(commands), commands)
	}
}
