package applied

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/verify/terraform"
)

// stub is that of the providers, or why there is none.
var stub struct {
	*terraform.Stub
	err error
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(built{m}) }

// built runs the tests with the stub.
type built struct{ m *testing.M }

func (b built) Run() int {
	stub.Stub, stub.err = terraform.BuildStub(context.Background(), filepath.Join("..", "stub"), filepath.Join("..", "schema", "google.json.gz"))
	if stub.err == nil {
		defer func() {
			if err := stub.Close(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
	return b.m.Run()
}
