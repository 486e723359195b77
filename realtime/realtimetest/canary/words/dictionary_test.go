package words

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// A word is found in each form that something on the way may give it, and nothing else is.
func TestFind(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	d, other := Dictionary[string]{}, New(rng)
	w := New(rng)
	d.Add(w, w)
	raw, err := hex.DecodeString(w)
	if err != nil {
		t.Fatal(err)
	}
	escape := func(s string) string {
		var b strings.Builder
		for _, c := range s {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		return b.String()
	}
	quoted, err := json.Marshal(`{"data":"` + escape(w) + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{
		"plain":             `{"data":{"secret":"` + w + `"}}`,
		"upper":             strings.ToUpper(w),
		"first half":        "x" + w[:16] + "y",
		"last half":         w[16:],
		"inside more":       other + w + other,
		"bytes":             "\x81\x7f" + string(raw),
		"escaped":           `{"data":"` + escape(w) + `"}`,
		"a text in a text":  string(quoted),
		"in a URL":          url.QueryEscape("?" + w),
		"every byte of one": strings.ReplaceAll(escape(w), `\u00`, "%"),
		"hex in base64 url": base64.RawURLEncoding.EncodeToString([]byte("??>" + w)),
	}
	for i := range 4 {
		forms[fmt.Sprint("bytes in base64 ", i)] = `"` + base64.StdEncoding.EncodeToString(append(bytes.Repeat([]byte("~"), i), raw...)) + `"`
		forms[fmt.Sprint("JSON in base64 ", i)] = strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i)+`{"data":"`+w+`"}`)), "/", `\/`)
	}
	for name, form := range forms {
		hits := d.Find([]byte(form))
		if len(hits) == 0 {
			t.Errorf("%s: nothing is found in %s", name, form)
		}
		for _, h := range hits {
			if h.Word != w || h.Near == "" {
				t.Errorf("%s: %+v", name, h)
			}
		}
		if hits := d.Find([]byte(strings.ReplaceAll(strings.ReplaceAll(form, w[:16], other[:16]), w[16:], other[16:]))); name == "plain" && len(hits) != 0 {
			t.Errorf("%s: another word is found: %v", name, hits)
		}
	}
}
