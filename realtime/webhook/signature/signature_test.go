package signature

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"testing"
	"time"
)

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ secret, id, body, want string }{
		// The example of the specification.
		{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	} {
		key, err := base64.StdEncoding.DecodeString(v.secret)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		Sign(h, v.id, time.Unix(1614265330, 0), []byte(v.body), key)
		if got := h.Get(HeaderSignature); got != v.want {
			t.Errorf("%s is signed as %s, want %s", v.id, got, v.want)
		}
		if h.Get(HeaderTimestamp) != "1614265330" || h.Get(HeaderID) != v.id {
			t.Errorf("headers %v", h)
		}
	}
}

// Whatever is changed of a signed request, it is refused.
func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	key, other := bytes.Repeat([]byte("k"), 32), bytes.Repeat([]byte("o"), 32)
	body := []byte(`{"a":1}`)
	for name, c := range map[string]struct {
		change func(h http.Header)
		body   string
		keys   [][]byte
		at     time.Duration
		good   bool
	}{
		"as it was signed":     {good: true},
		"five minutes later":   {at: Tolerance, good: true},
		"later than that":      {at: Tolerance + time.Second},
		"before it was signed": {at: -Tolerance - time.Second},
		"another body":         {body: `{"a":2}`},
		"no body":              {body: " "},
		"another key":          {keys: [][]byte{other}},
		"no key":               {keys: [][]byte{}},
		"one of two keys":      {keys: [][]byte{other, key}, good: true},
		"another id":           {change: func(h http.Header) { h.Set(HeaderID, "x") }},
		"no id":                {change: func(h http.Header) { h.Del(HeaderID) }},
		"another time":         {change: func(h http.Header) { h.Set(HeaderTimestamp, "1800000001") }},
		"no time":              {change: func(h http.Header) { h.Set(HeaderTimestamp, "now") }},
		"a time beyond all":    {change: func(h http.Header) { h.Set(HeaderTimestamp, "9223372036854775807") }},
		"a time before all":    {change: func(h http.Header) { h.Set(HeaderTimestamp, "-9223372036854775808") }},
		"no signature":         {change: func(h http.Header) { h.Del(HeaderSignature) }},
		"an empty signature":   {change: func(h http.Header) { h.Set(HeaderSignature, "v1,") }},
		"another version":      {change: func(h http.Header) { h.Set(HeaderSignature, "v2"+h.Get(HeaderSignature)[2:]) }},
		"among others":         {change: func(h http.Header) { h.Set(HeaderSignature, "v1a,x v1,eHh4 v1,? "+h.Get(HeaderSignature)) }, good: true},
		"a part of it":         {change: func(h http.Header) { h.Set(HeaderSignature, h.Get(HeaderSignature)[:20]) }},
		"the parts moved":      {change: func(h http.Header) { h.Set(HeaderID, "id.1800000000"); h.Set(HeaderTimestamp, "1800000000") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			Sign(h, "id", now, body, key)
			if c.change != nil {
				c.change(h)
			}
			b, keys := body, [][]byte{key}
			if c.body != "" {
				b = []byte(c.body)
			}
			if c.keys != nil {
				keys = c.keys
			}
			if err := Verify(h, b, now.Add(c.at), keys...); (err == nil) != c.good {
				t.Errorf("got %v", err)
			}
		})
	}
	two := http.Header{}
	Sign(two, "id", now, body, other, key)
	if err := Verify(two, body, now, key); err != nil {
		t.Errorf("signed by two: %v", err)
	}
}
