package canary

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
	d, other := dictionary{}, newWord(rng)
	w := &word{text: newWord(rng)}
	d.add(w)
	raw, err := hex.DecodeString(w.text)
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
	quoted, err := json.Marshal(`{"data":"` + escape(w.text) + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{
		"plain":             `{"data":{"secret":"` + w.text + `"}}`,
		"upper":             strings.ToUpper(w.text),
		"first half":        "x" + w.text[:16] + "y",
		"last half":         w.text[16:],
		"inside more":       other + w.text + other,
		"bytes":             "\x81\x7f" + string(raw),
		"escaped":           `{"data":"` + escape(w.text) + `"}`,
		"a text in a text":  string(quoted),
		"in a URL":          url.QueryEscape("?" + w.text),
		"every byte of one": strings.ReplaceAll(escape(w.text), `\u00`, "%"),
		"hex in base64 url": base64.RawURLEncoding.EncodeToString([]byte("??>" + w.text)),
	}
	for i := range 4 {
		forms[fmt.Sprint("bytes in base64 ", i)] = `"` + base64.StdEncoding.EncodeToString(append(bytes.Repeat([]byte("~"), i), raw...)) + `"`
		forms[fmt.Sprint("JSON in base64 ", i)] = strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i)+`{"data":"`+w.text+`"}`)), "/", `\/`)
	}
	for name, form := range forms {
		hits := d.find([]byte(form))
		if len(hits) == 0 {
			t.Errorf("%s: nothing is found in %s", name, form)
		}
		for _, h := range hits {
			if h.word != w || h.near == "" {
				t.Errorf("%s: %+v", name, h)
			}
		}
		if hits := d.find([]byte(strings.ReplaceAll(strings.ReplaceAll(form, w.text[:16], other[:16]), w.text[16:], other[16:]))); name == "plain" && len(hits) != 0 {
			t.Errorf("%s: another word is found: %v", name, hits)
		}
	}
}
