package terraform

import (
	"errors"
	"os"
	"testing"
)

// need fails the test where Terraform is missing in CI, and skips it loudly elsewhere.
func need(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
