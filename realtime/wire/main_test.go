package wire_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// update rewrites the golden files with what the package encodes now.
var update = flag.Bool("update", false, "rewrite testdata/client and testdata/server")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
