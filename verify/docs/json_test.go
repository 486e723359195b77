package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Readers of JSON do not agree which of two members of a name counts, and generators refuse both: no document that is shipped has a member twice.
func TestNoMemberAppearsTwice(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files", "*.json").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(out))
	if len(names) < 20 {
		t.Fatalf("only %d documents were found", len(names))
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, twice := range membersTwice(text) {
			t.Errorf("%s: %s appears twice", name, twice)
		}
	}
	if got := membersTwice([]byte(`{"a":{"b":1,"c":[{"b":1,"b":2}],"b":2}} {"a":1}`)); len(got) != 2 {
		t.Errorf("of a document with two: %q", got)
	}
}

// membersTwice returns the paths of members that some values have twice. What is no JSON is left to others.
func membersTwice(text []byte) (found []string) {
	d := json.NewDecoder(bytes.NewReader(text))
	var value func(path string) error
	value = func(path string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for i := 0; (token == json.Delim('{') || token == json.Delim('[')) && d.More(); i++ {
			at := fmt.Sprint(path, "/", i)
			if token == json.Delim('{') {
				name, err := d.Token()
				if err != nil {
					return err
				}
				at = fmt.Sprint(path, "/", name)
				if seen[at] {
					found = append(found, at)
				}
				seen[at] = true
			}
			if err := value(at); err != nil {
				return err
			}
		}
		if token == json.Delim('{') || token == json.Delim('[') {
			_, err = d.Token()
		}
		return err
	}
	for value("") == nil {
	}
	return found
}
