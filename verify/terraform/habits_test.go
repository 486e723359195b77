package terraform

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// What is written for people and for builds applies a plan whole, and one that somebody could read.
func TestHabits(t *testing.T) {
	t.Parallel()
	habit := regexp.MustCompile(`terraform[^\n]*(-target|-refresh=false|-lock=false|-replace|state (rm|push))`)
	looked := 0
	for _, pattern := range []string{"Makefile", "cloudbuild.yaml", "README.md", "docs/*.md", ".ci/*", "terraform/*.md", "terraform/*/*.md", "terraform/modules/*/*.md"} {
		files, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.IsDir() {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			looked++
			for _, found := range habit.FindAllString(string(text), -1) {
				t.Errorf("%s: %s", file, found)
			}
		}
	}
	if looked < 20 {
		t.Errorf("only %d files were looked at", looked)
	}
}
