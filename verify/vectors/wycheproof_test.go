package vectors

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/c2sp/wycheproof"
)

// The test vectors of JSON Web Tokens that package auth is tested with are those of the version that go.mod requires. After an update of that,
// copy them anew.
func TestWycheproofIsCopied(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "realtime", "auth", "testdata", "wycheproof")
	for _, name := range []string{"json_web_signature_test.json", "json_web_key_test.json"} {
		want, err := fs.ReadFile(wycheproof.TestVectors, name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("%s is not what the module wycheproof has", filepath.Join(folder, name))
		}
	}
}
