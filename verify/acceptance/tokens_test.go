package acceptance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// forge makes a token by hand.
func forge(header, payload, key string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + b64(mac.Sum(nil))
}

// Whoever holds acme's key is nobody in globex, whatever its tokens say: each is refused
// at every door with the same flat words.
func TestForgedTokensOpenNoDoor(t *testing.T) {
	t.Parallel()
	acme, globex := tenant("acme"), tenant("globex")
	s := start(t, setup{tenants: []*realtime.Tenant{acme, globex}})
	theirs := s.connect(t, "globex", "reader")
	theirs.subscribe(t, "prices:fx")

	key := acme.Auth.Keys[0].Secret
	header := func(members string) string { return `{"alg":"HS256","typ":"JWT"` + members + `}` }
	payload := func(members string) string {
		return fmt.Sprintf(`{"sub":"eve","exp":%d,"channels":{"subscribe":["**"],"publish":["**"],"presence":["**"]}%s}`, time.Now().Add(time.Hour).Unix(), members)
	}
	ofGlobex := payload(`,"tenant":"globex"`)
	good := s.token("acme", "eve")
	parts, theirParts := strings.Split(good, "."), strings.Split(s.token("globex", "ann"), ".")
	for what, forged := range map[string]string{
		"our key":                   forge(header(``), ofGlobex, key),
		"our key and kid":           forge(header(`,"kid":"acme-1"`), ofGlobex, key),
		"our key, their kid":        forge(header(`,"kid":"globex-1"`), ofGlobex, key),
		"their kid, our claim":      forge(header(`,"kid":"globex-1"`), payload(`,"tenant":"acme"`), key),
		"a kid that is a path":      forge(header(`,"kid":"../globex/globex-1"`), ofGlobex, key),
		"no key":                    forge(header(`,"kid":"globex-1"`), ofGlobex, ""),
		"the tenant for a key":      forge(header(`,"kid":"globex-1"`), ofGlobex, "globex"),
		"none":                      forge(`{"alg":"none","kid":"globex-1"}`, ofGlobex, key),
		"none, unsigned":            strings.Join(strings.Split(forge(`{"alg":"none"}`, ofGlobex, key), ".")[:2], ".") + ".",
		"a key in the token":        forge(header(`,"jwk":{"kty":"oct","k":"`+base64.RawURLEncoding.EncodeToString([]byte(key))+`"}`), ofGlobex, key),
		"our signature":             theirParts[0] + "." + theirParts[1] + "." + parts[2],
		"our payload":               theirParts[0] + "." + parts[1] + "." + theirParts[2],
		"two tenants, theirs last":  forge(header(``), payload(`,"tenant":"acme","tenant":"globex"`), key),
		"two tenants, theirs first": forge(header(``), payload(`,"tenant":"globex","tenant":"acme"`), key),
		"a list":                    forge(header(``), payload(`,"tenant":["acme","globex"]`), key),
		"an object":                 forge(header(``), payload(`,"tenant":{"acme":"globex"}`), key),
		"upper case":                forge(header(``), payload(`,"tenant":"GLOBEX"`), key),
		"upper case of ours":        forge(header(``), payload(`,"tenant":"ACME"`), key),
		"Cyrillic letter":           forge(header(``), payload(`,"tenant":"gl\u043ebex"`), key),
		"NUL":                       forge(header(``), payload(`,"tenant":"acme\u0000globex"`), key),
		"path":                      forge(header(``), payload(`,"tenant":"acme/../globex"`), key),
		"star":                      forge(header(``), payload(`,"tenant":"*"`), key),
		"empty":                     forge(header(``), payload(`,"tenant":""`), key),
		"no tenant":                 forge(header(``), payload(``), key),
		"tenant nobody has":         forge(header(``), payload(`,"tenant":"initech"`), key),
		"tenant in the header":      forge(header(`,"tenant":"globex"`), payload(``), key),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for door, answer := range s.knock(t, forged) {
				if answer != "unauthorized: the token is not valid" {
					t.Errorf("by %s: %s", door, answer)
				}
			}
		})
	}
	t.Run("a good one of ours", func(t *testing.T) {
		t.Parallel()
		for door, answer := range s.knock(t, good) {
			want := ""
			if door == "ingest of the other tenant" {
				want = "forbidden: the token belongs to another tenant"
			}
			if answer != want {
				t.Errorf("by %s: %q, want %q", door, answer, want)
			}
		}
	})
	t.Cleanup(func() { // when all have knocked
		if err := theirs.say(`{"type":"publish","id":"p","channel":"prices:fx","data":"ours"}`); err != nil {
			t.Fatal(err)
		}
		theirs.until(t, "globex's own message", func(f wire.ServerFrame) bool {
			if f.Type == "message" && string(f.Data) != `"ours"` {
				t.Errorf("globex was given %s", f.Data)
			}
			return f.Type == "message"
		})
	})
}

// knock tries a token at every door. It returns what each says, "" if it opens.
func (s *service) knock(t *testing.T, token string) map[string]string {
	t.Helper()
	answers := map[string]string{}
	for door, d := range map[string]dialing{
		"subprotocol": {token: token},
		"header":      {header: "Authorization: Bearer " + token + "\r\n"},
		"first frame": {},
	} {
		c, err := dial(t.Context(), s.addr, d)
		if err != nil {
			t.Fatal(err)
		}
		defer c.conn.Close()
		if door == "first frame" {
			if err := c.say(`{"type":"connect","id":1,"token":` + quote(token) + `}`); err != nil {
				t.Fatal(err)
			}
		}
		f, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == "error" {
			answers[door] = string(f.Code) + ": " + f.Message
			if code, _ := c.end(t); code != 4401 {
				t.Errorf("by %s: closed with %d", door, code)
			}
			continue
		}
		answers[door] = ""
	}
	c := s.connect(t, "acme", "eve")
	if err := c.say(`{"type":"refresh","id":1,"token":` + quote(token) + `}`); err != nil {
		t.Fatal(err)
	}
	if f := c.answer(t, "1"); f.Type == "error" {
		answers["refresh"] = string(f.Code) + ": " + f.Message
	}
	for door, path := range map[string]string{
		"events":                     "/v1/events?channel=prices:fx",
		"ingest":                     "/v1/tenants/acme/events",
		"ingest of the other tenant": "/v1/tenants/globex/events",
	} {
		answers[door] = s.request(t, path, token)
	}
	return answers
}

// request says what an HTTP door answers, "" if it opens.
func (s *service) request(t *testing.T, path, token string) string {
	t.Helper()
	if strings.HasPrefix(path, "/v1/events") {
		e, err := s.stream(t.Context(), strings.TrimPrefix(path, "/v1/events?"), token, "")
		if err != nil {
			t.Fatal(err)
		}
		if e.status == 200 {
			return ""
		}
		<-e.ended
		var a answered
		if err := json.Unmarshal([]byte(e.text()), &a); err != nil {
			t.Fatal(err)
		}
		return string(a.Code) + ": " + a.Detail
	}
	a, err := s.do("POST", path, token, "application/json", strings.NewReader(`{"channel":"prices:fx","data":"forged"}`))
	if err != nil {
		t.Fatal(err)
	}
	if a.Status == 200 {
		return ""
	}
	return string(a.Code) + ": " + a.Detail
}

// No way to write a path gets acme's producer into globex.
func TestForgedPaths(t *testing.T) {
	t.Parallel()
	s := start(t, setup{tenants: []*realtime.Tenant{tenant("acme"), tenant("globex")}})
	theirs := s.connect(t, "globex", "reader")
	theirs.subscribe(t, "prices:fx")
	good := s.token("acme", "eve")
	for path, statuses := range map[string]string{
		"/v1/tenants/globex/events":                               "403",
		"/v1/tenants/nobody/events":                               "403", // it does not tell who exists
		"/v1/tenants/%67lobex/events":                             "403",
		"/v1/tenants/GLOBEX/events":                               "404",
		"/v1/tenants/acme/../globex/events":                       "307 403",
		"/v1/tenants/acme/..%2fglobex/events":                     "404",
		"/v1/tenants/acme%2f..%2fglobex/events":                   "404",
		"/v1/tenants/acme%252f..%252fglobex/events":               "404",
		"/v1/tenants/acme%00globex/events":                        "404",
		"/v1/tenants/globex%20/events":                            "404",
		"/v1/tenants/gl%D0%BEbex/events":                          "404",
		"/v1/tenants/*/events":                                    "404",
		"/v1/tenants//events":                                     "307 404",
		"/v1/tenants/acme/events/../../globex/events":             "307 403",
		"/v1/tenants/acme;globex/events":                          "404",
		"/v1/tenants/globex/events?tenant=acme":                   "403",
		"/v1/tenants/acme/globex/events":                          "404",
		"/v1/tenants/" + strings.Repeat("globex", 50) + "/events": "404",
	} {
		a, err := s.do("POST", path, good, "application/json", strings.NewReader(`{"channel":"prices:fx","data":"forged"}`))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !strings.Contains(statuses, fmt.Sprint(a.Status)) {
			t.Errorf("%s: %d %s, want %s", path, a.Status, a.Body, statuses)
		}
	}
	if a, err := s.post("globex", s.token("globex", "writer"), event("prices:fx", 1)); err != nil || a.Status != 200 {
		t.Fatalf("%v %+v", err, a)
	}
	if f := theirs.until(t, "a message", func(f wire.ServerFrame) bool { return f.Type == "message" }); string(f.Data) != "1" {
		t.Errorf("globex was given %s", f.Data)
	}
}
