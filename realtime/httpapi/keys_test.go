package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

type keyList struct {
	Keys []struct {
		KID, Alg, Secret, PEM string
		Until                 time.Time
	}
	KID, Secret string
}

func (s *service) keys(status int, call, body string) (k keyList) {
	s.t.Helper()
	a := s.call(call, s.operator(), body)
	if a.Status != status || status < 300 && json.Unmarshal([]byte(a.Raw), &k) != nil {
		s.t.Fatalf("%s %s: %d %s", call, body, a.Status, a.Raw)
	}
	for _, key := range k.Keys {
		if key.Secret != "" || strings.Contains(key.PEM, "PRIVATE") {
			s.t.Fatalf("%s shows what is secret", call)
		}
	}
	return k
}

// dialBy opens a socket with a token that a key signs, and returns what it is closed with, later.
func (s *service) dialBy(kid, secret string) (*websocket.Conn, error) {
	doc := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: kid, Alg: "HS256", Secret: secret}}}}
	token := sign(s.t, doc, auth.Claims{User: "by-" + kid, Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}})
	ws, _, err := websocket.DefaultDialer.DialContext(s.t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/v1/socket", map[string][]string{"Authorization": {"Bearer " + token}})
	if err == nil {
		s.t.Cleanup(func() { _ = ws.Close() })
	}
	return ws, err
}

// closedWith waits for the end of a socket and returns its code.
func closedWith(t *testing.T, ws *websocket.Conn) int {
	t.Helper()
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			if e := (*websocket.CloseError)(nil); asClose(err, &e) {
				return e.Code
			}
			t.Fatal(err)
		}
	}
}

func asClose(err error, e **websocket.CloseError) bool {
	c, is := err.(*websocket.CloseError) //nolint:errorlint // the library does not wrap it
	*e = c
	return is
}

// A key that is rotated is good for a while. When it ends, exactly the sockets are closed whose token it has signed; so it is when it is withdrawn.
func TestRotateKeys(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := strings.Repeat("acme", 32)
	old, err := s.dialBy("k1", first)
	if err != nil {
		t.Fatal(err)
	}
	k := s.keys(200, "POST /v1/tenants/acme/keys/k1/rotate", `{"kid":"k2","overlap":"2s"}`)
	if len(k.Keys) != 2 || k.Keys[0].KID != "k2" || k.KID != "k2" || len(k.Secret) < 32 || k.Keys[1].Until.IsZero() {
		t.Fatalf("%+v", k)
	}
	late, err := s.dialBy("k1", first) // it is good yet
	if err != nil {
		t.Fatal(err)
	}
	young, err := s.dialBy("k2", k.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if code := closedWith(t, old); code != 4401 {
		t.Errorf("a socket of before is closed with %d", code)
	}
	if code := closedWith(t, late); code != 4401 {
		t.Errorf("a socket of the overlap is closed with %d", code)
	}
	if time.Now().Before(k.Keys[1].Until) {
		t.Error("they were closed too early")
	}
	if ws, err := s.dialBy("k1", first); err == nil && closedWith(t, ws) != 4401 {
		t.Error("the old key is good still")
	}
	third := s.keys(200, "POST /v1/tenants/acme/keys", `{"alg":"HS256"}`)
	if len(third.Keys) != 2 || third.Keys[0].KID != third.KID || third.Keys[1].KID != "k2" || third.Secret == k.Secret {
		t.Errorf("after a third: %+v", third)
	}
	other, err := s.dialBy(third.KID, third.Secret)
	if err != nil {
		t.Fatal(err)
	}
	s.keys(200, "DELETE /v1/tenants/acme/keys/k2", "")
	if code := closedWith(t, young); code != 4401 {
		t.Errorf("a socket of a key that was withdrawn is closed with %d", code)
	}
	if err := other.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","id":1,"channel":"a:b"}`)); err != nil {
		t.Fatal(err)
	}
	for {
		_ = other.SetReadDeadline(time.Now().Add(patience))
		_, text, err := other.ReadMessage()
		if err != nil {
			t.Fatal("the socket of another key was closed, too: ", err)
		}
		if strings.Contains(string(text), `"type":"ok"`) {
			break
		}
	}
}

func TestKeysAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, tt := range []struct {
		call, body string
		status     int
		detail     string
	}{
		{"POST /v1/tenants/acme/keys", `{"alg":"HS257"}`, 400, `alg: must be`},
		{"POST /v1/tenants/acme/keys", `{"alg":"HS256","secret":"short"}`, 400, "auth.keys[0].secret: a secret for HS256 must have at least 32 bytes, got 5"},
		{"POST /v1/tenants/acme/keys", `{"alg":"ES256"}`, 400, "pem"},
		{"POST /v1/tenants/acme/keys", `{"alg":"HS256","kid":"k1"}`, 409, `kid: the tenant already has a key with the kid "k1"`},
		{"POST /v1/tenants/acme/keys", `{"alg":"HS256","kid":"` + strings.Repeat("x", 201) + `"}`, 400, "kid: must be at most 200 bytes"},
		{"POST /v1/tenants/acme/keys/k9/rotate", `{}`, 404, `kid: the tenant has no key "k9"`},
		{"POST /v1/tenants/acme/keys/k1/rotate", `{"overlap":"-1s"}`, 400, "overlap: must be 0s to"},
		{"POST /v1/tenants/acme/keys/k1/rotate", `{"overlap":"9000h"}`, 400, "overlap: must be 0s to"},
		{"DELETE /v1/tenants/acme/keys/k9", "", 404, `kid: the tenant has no key "k9"`},
		{"GET /v1/tenants/nobody/keys", "", 404, "tenant: is unknown"},
		{"POST /v1/tenants/nobody/keys", `{"alg":"HS256"}`, 404, "tenant: is unknown"},
	} {
		if a := s.call(tt.call, s.operator(), tt.body); a.Status != tt.status || !strings.Contains(a.Detail, tt.detail) {
			t.Errorf("%s %.60s: %d %s", tt.call, tt.body, a.Status, a.Raw)
		}
	}
	own := s.token("acme", "bob", realtime.ManageTenant)
	s.want(200, "GET /v1/tenants/acme/keys", own, "")
	for _, call := range []string{"POST /v1/tenants/acme/keys", "POST /v1/tenants/acme/keys/k1/rotate", "DELETE /v1/tenants/acme/keys/k1"} {
		s.want(403, call, own, `{}`)
	}
	for i := range 40 { // keys that have ended make room
		k := s.keys(200, "POST /v1/tenants/acme/keys", fmt.Sprintf(`{"alg":"HS256","kid":"r%d"}`, i))
		if k = s.keys(200, "POST /v1/tenants/acme/keys/"+k.KID+"/rotate", `{"overlap":"0s"}`); len(k.Keys) != 2 || slices.ContainsFunc(k.Keys, func(e struct {
			KID, Alg, Secret, PEM string
			Until                 time.Time
		}) bool {
			return e.KID == fmt.Sprint("r", i)
		}) {
			t.Fatalf("%+v", k)
		}
		s.keys(200, "DELETE /v1/tenants/acme/keys/"+k.KID, "")
	}
}
