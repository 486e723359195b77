package applied

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// database is a root that makes a database and its fields, and nothing else.
const database = `terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

module "plan" {
  source  = "../modules/plan"
  project = "my-project"
  number  = "123456789012"
  region  = "europe-west1"
}

module "firestore" {
  source              = "../modules/firestore"
  project             = "my-project"
  database            = "tidewire"
  location            = "europe-west1"
  fields              = module.plan.fields
  deletion_protection = false
}
`

// A new database refuses index changes at once, as the stub does: fields are made, and removed, one after the other. Without the chain of
// their calls they are not, which is what the stub has to notice.
func TestFieldsAreMadeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	for name, chained := range map[string]bool{"chained": true, "at once": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, ".", nil)
			tree := r.Dir
			r.Dir = filepath.Join(tree, "database")
			if err := os.Mkdir(r.Dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(r.Dir, "main.tf"), []byte(database), 0o600); err != nil {
				t.Fatal(err)
			}
			if !chained {
				fields := filepath.Join(tree, "modules", "firestore", "fields.tf")
				text, err := os.ReadFile(fields)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(fields, regexp.MustCompile(`(?m)^  depends_on .*\n`).ReplaceAll(text, nil), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r.must(t, "get")
			out, err := r.run(t, "apply", "-auto-approve")
			if chained {
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				r.must(t, "destroy", "-auto-approve")
				return
			}
			if err == nil || !strings.Contains(err.Error(), "409") {
				t.Errorf("18 fields at once were taken: %v\n%s", err, out)
			}
		})
	}
}
