package auth

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The reasons for which a vector's expected result is not ours. All but the
// last refuse what the vector calls valid.
const (
	notServed = "the algorithm is not one of HS256, RS256, PS256, ES256, EdDSA"
	keyAlg    = "RFC 7520 prints a key whose alg is not the token's; here the key's alg binds"
	badBase64 = "the vector has a '?' inside a segment; RFC 7515 section 2 allows no character outside the alphabet"
	// The test asserts that they are; TestRefused has padding for real.
	twin = "the vector lost its padding and is byte for byte the valid jws 357 (C2SP/wycheproof issue 236)"
)

// explained lists every vector on which we differ, by file and tcId.
var explained = map[string]string{
	"jws 264": notServed, "jws 265": notServed, "jws 266": notServed, "jws 267": notServed, // RS384
	"jws 268": notServed, "jws 269": notServed, "jws 270": notServed, "jws 271": notServed, // RS512
	"jws 320": notServed, "jws 321": notServed, "jws 322": notServed, "jws 323": notServed, // PS384
	"jws 325": notServed, "jws 326": notServed, "jws 327": notServed, "jws 328": notServed, // PS512
	"jws 347": notServed, "jws 351": notServed, // ES512
	"jws 346": keyAlg, "jws 350": keyAlg, // a PS256 key, a PS384 token
	"jws 372": badBase64, "jws 373": badBase64,
	"jws 367": twin, "jws 370": twin,
	"jwk 14": notServed, "jwk 15": notServed, // HS384, HS512
}

type vectorFile struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment         string
		Private, Public json.RawMessage
		Tests           []struct {
			TCID    int `json:"tcId"`
			Comment string
			JWS     string
			Result  string
		}
	}
}

// TestWycheproof runs every JWS and JWK vector through what the Verifier itself
// uses: parseSet for the keys, parse and verifySignature for the token.
func TestWycheproof(t *testing.T) {
	t.Parallel()
	differ, valid := map[string]string{}, map[string]bool{}
	for name, file := range map[string]string{"jws": "json_web_signature_test.json", "jwk": "json_web_key_test.json"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "wycheproof", file))
		if err != nil {
			t.Fatal(err)
		}
		var vectors vectorFile
		if err := json.Unmarshal(raw, &vectors); err != nil {
			t.Fatal(err)
		}
		accepted, refused := 0, 0
		for _, group := range vectors.TestGroups {
			set := asSet(t, group.Public, group.Private)
			for _, v := range group.Tests {
				err := verifyVector(set, v.JWS)
				if err == nil {
					accepted++
				} else {
					refused++
				}
				if v.Result == "valid" {
					valid[v.JWS] = true
				}
				if (err == nil) == (v.Result == "valid") {
					continue
				}
				id := fmt.Sprintf("%s %d", name, v.TCID)
				differ[id] = explained[id]
				if err == nil && !valid[v.JWS] {
					t.Errorf("%s (%s, %s) is invalid and was accepted", id, group.Comment, v.Comment)
				} else if explained[id] == "" {
					t.Errorf("%s (%s, %s) is %s, got error: %v", id, group.Comment, v.Comment, v.Result, err)
				}
			}
		}
		t.Logf("%s: %d vectors, %d accepted, %d refused", file, accepted+refused, accepted, refused)
		if accepted+refused != vectors.NumberOfTests {
			t.Errorf("%s: ran %d of %d vectors", file, accepted+refused, vectors.NumberOfTests)
		}
	}
	if diff := cmp.Diff(explained, differ); diff != "" {
		t.Errorf("differences (-explained +found):\n%s", diff)
	}
	counts := map[string]int{}
	for _, why := range differ {
		counts[why]++
	}
	for why, n := range counts {
		t.Logf("%d differ: %s", n, why)
	}
}

func verifyVector(set []byte, jws string) error {
	keys, _, err := parseSet(set)
	if err != nil {
		return err
	}
	token, err := parse(jws)
	if err != nil {
		return err
	}
	_, err = verifySignature(keys, proofOf(token))
	return err
}

// asSet returns a group's verification keys, the public ones where there are
// any, as the JWK Set that parseSet reads.
func asSet(t *testing.T, public, private json.RawMessage) []byte {
	t.Helper()
	keys := public
	if keys == nil {
		keys = private
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(keys, &set); err != nil {
		t.Fatal(err)
	}
	if set.Keys != nil {
		return keys
	}
	return fmt.Appendf(nil, `{"keys":[%s]}`, keys)
}
