package gateway_test

import (
	"crypto/ed25519"
	cryptorand "crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// bearing is the header of a handshake that shows a token.
func bearing(token string) http.Header {
	return http.Header{"Sec-Websocket-Protocol": {wire.Subprotocol + ", bearer." + token}}
}

// secretKey is an HS256 key whose secret a number makes.
func secretKey(kid string, secret int) realtime.Key {
	return realtime.Key{KID: kid, Alg: "HS256", Secret: strings.Repeat(fmt.Sprintf("%04d", secret), 10)}
}

// longLived signs a token that is good in a bubble, whose clock begins in the year 2000.
func longLived(t *testing.T, doc *realtime.Tenant, user string) string {
	t.Helper()
	signer, err := auth.NewSigner(doc)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: user, Grants: everything(), Issued: time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), Expires: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestKeysThatChange changes a tenant's keys, their order and its issuer at random under sockets by many keys, and
// renews tokens meanwhile: those sockets are closed whose token the newest document refuses, and no others.
func TestKeysThatChange(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			docs := newDocuments(&realtime.Tenant{ID: "acme"})
			inBubble(t, gateway.Options{Tenants: docs}, func(b *bubbleGateway) { changeKeys(b, docs, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func changeKeys(b *bubbleGateway, docs *documents, r *rand.Rand) {
	type client struct {
		*bubbleClient
		token string
		may   bool // leave: a document has refused its token
	}
	var clients []*client
	verifier := auth.New(docs, auth.Options{})
	defer func() { _ = verifier.Close() }()
	verdict := func(token string) error {
		_, err := verifier.Verify(b.t.Context(), token)
		return err
	}
	come := func() {
		doc, err := docs.Tenant(b.t.Context(), "acme")
		if err != nil || len(doc.Auth.Keys) == 0 {
			return
		}
		signing := *doc
		signing.Auth.Keys = []realtime.Key{doc.Auth.Keys[r.IntN(len(doc.Auth.Keys))]}
		token := longLived(b.t, &signing, "ann")
		if len(clients) > 0 && r.IntN(3) == 0 {
			if c := clients[r.IntN(len(clients))]; c.connected() {
				c.send(`{"id":1,"type":"refresh","token":"` + token + `"}`)
				synctest.Wait()
				if c.connected() && c.last().Type == wire.TypeOK {
					c.token, c.may = token, false
				}
				return
			}
		}
		if len(clients) < 15 {
			clients = append(clients, &client{b.socket(bearing(token), ""), token, false})
		}
	}
	for range 150 {
		docs.change("acme", func(t *realtime.Tenant) {
			keys := append([]realtime.Key(nil), t.Auth.Keys...)
			switch n := len(keys); {
			case r.IntN(4) == 0:
				t.Auth.Issuer = []string{"", "", "", "x"}[r.IntN(4)]
			case n < 3 || n < 6 && r.IntN(2) == 0:
				keys = append(keys, secretKey(fmt.Sprint("k", r.Uint64()), r.IntN(10_000)))
			case r.IntN(3) == 0:
				r.Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			case r.IntN(2) == 0:
				i := r.IntN(n)
				keys[i] = secretKey(keys[i].KID, r.IntN(10_000))
			default:
				i := r.IntN(n)
				keys = append(keys[:i], keys[i+1:]...)
			}
			t.Auth.Keys = keys
		})
		for _, c := range clients {
			c.may = c.may || verdict(c.token) != nil
		}
		for range r.IntN(4) {
			come()
		}
		time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
		if r.IntN(6) > 0 {
			continue
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		var still []*client
		for i, c := range clients {
			err := verdict(c.token)
			if c.connected() && err != nil || !c.connected() && !c.may {
				b.t.Fatalf("client %d of %d is connected: %t, its token: %v; last told %+v", i, len(clients), c.connected(), err, c.last())
			}
			if c.connected() {
				still = append(still, c)
			}
		}
		clients = still
	}
}

// A tenant whose document is missing for a while loses no client; one that was deleted, or stays away, does.
func TestTenantIsMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		lasts time.Duration
		gone  bool // deleted
		stays bool
	}{
		{"a second", time.Second, false, true},
		{"half a minute", 30 * time.Second, false, true},
		{"minutes", 9 * time.Minute, false, true},
		{"longer", 11 * time.Minute, false, false},
		{"deleted", 5 * time.Second, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			acme := tenant("acme")
			docs := newDocuments(acme, tenant("globex"))
			token, other := longLived(t, acme, "ann"), longLived(t, tenant("globex"), "bob")
			inBubble(t, gateway.Options{Tenants: docs}, func(b *bubbleGateway) {
				v, bob := b.socket(bearing(token), ""), b.socket(bearing(other), "")
				time.Sleep(2 * time.Second)
				docs.lose("acme", tt.gone)
				for began := time.Now(); time.Since(began) < tt.lasts; time.Sleep(tt.lasts / 10) {
					late := b.socket(bearing(token), "")
					time.Sleep(time.Millisecond)
					f := late.last()
					if final := tt.gone || time.Since(began) > 10*time.Minute; !final && (f.Code != realtime.CodeUnavailable || f.RetryAfterMs <= 0) {
						t.Fatalf("after %v one who comes is told %+v", time.Since(began), f)
					}
				}
				time.Sleep(5 * time.Second)
				if v.connected() != tt.stays || !bob.connected() {
					t.Errorf("connected: %t, of another tenant: %t; last told %+v", v.connected(), bob.connected(), v.last())
				}
				if !tt.stays && v.last().Code != realtime.CodeForbidden {
					t.Errorf("told %+v", v.last())
				}
				docs.find("acme", acme)
				time.Sleep(2 * time.Second)
				again := b.socket(bearing(token), "")
				time.Sleep(time.Millisecond)
				if f := again.last(); f.Type != wire.TypeWelcome {
					t.Errorf("when it is back: %+v", f)
				}
			})
		})
	}
}

// An instance that has never seen a tenant, on a store that is behind but not empty, refuses its clients for a while only,
// and those of a tenant that nobody has for good after a while.
func TestTenantWasNeverSeen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		after   time.Duration // its document comes
		deleted bool
		until   time.Duration // clients are told to come back
	}{
		{"it comes after some seconds", 8 * time.Second, false, 8 * time.Second},
		{"it comes after a minute", time.Minute, false, time.Minute},
		{"it never comes", time.Hour, false, 2 * time.Minute},
		{"it was deleted", time.Hour, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			acme := tenant("acme")
			docs := newDocuments(tenant("globex"))
			docs.lose("acme", tt.deleted)
			token, other := longLived(t, acme, "ann"), longLived(t, tenant("globex"), "bob")
			inBubble(t, gateway.Options{Tenants: docs}, func(b *bubbleGateway) {
				bob := b.socket(bearing(other), "")
				ways := map[string]func() *bubbleClient{
					"handshake":   func() *bubbleClient { return b.socket(bearing(token), "") },
					"first frame": func() *bubbleClient { return b.socket(nil, "", `{"type":"connect","token":"`+token+`"}`) },
					"events": func() *bubbleClient {
						return b.events(http.Header{"Authorization": {"Bearer " + token}}, "?channel=a:1")
					},
				}
				began := time.Now()
				for time.Since(began) < 150*time.Second {
					if time.Since(began) >= tt.after {
						docs.find("acme", acme)
					}
					for way, come := range ways {
						v := come()
						time.Sleep(time.Millisecond)
						synctest.Wait()
						f, since := v.last(), time.Since(began)
						switch {
						case since < tt.until && way != "events" && (f.Code != realtime.CodeUnavailable || f.RetryAfterMs <= 0 || !strings.Contains(f.Message, `"acme"`)):
							t.Fatalf("by %s after %v: %+v", way, since, f)
						case since >= tt.after+time.Second && (f.Type == "" || f.Code != ""):
							t.Fatalf("by %s after %v, and it is there: %+v", way, since, f)
						case since >= tt.until+5*time.Second && tt.after > time.Minute && way != "events" && f.Code != realtime.CodeUnauthorized,
							since >= tt.until+5*time.Second && tt.until > time.Minute && way != "events" && !strings.Contains(f.Message, `unknown tenant "acme"`):
							t.Fatalf("by %s after %v: %+v", way, since, f)
						}
						v.stop()
					}
					time.Sleep(5 * time.Second)
				}
				if !bob.connected() {
					t.Errorf("a client of another tenant was told %+v", bob.last())
				}
			})
		})
	}
}

// A store that is behind for a moment takes no change back.
func TestStoreIsBehind(t *testing.T) {
	t.Parallel()
	first := tenant("acme")
	first.Version = 1
	docs := newDocuments(first)
	mine, next := longLived(t, first, "ann"), realtime.Key{KID: "k2", Alg: "HS256", Secret: strings.Repeat("next", 16)}
	inBubble(t, gateway.Options{Tenants: docs}, func(b *bubbleGateway) {
		v := b.socket(bearing(mine), "")
		time.Sleep(2 * time.Second)
		docs.change("acme", func(t *realtime.Tenant) {
			t.Version, t.Auth.Keys, t.Limits.SubscriptionsPerConnection = 2, []realtime.Key{next}, 1
		})
		time.Sleep(3 * time.Second)
		second, err := docs.Tenant(t.Context(), "acme")
		if err != nil || v.connected() {
			t.Fatalf("its key was withdrawn: %v", err)
		}
		fresh := b.socket(bearing(longLived(t, second, "ann")), "")
		docs.find("acme", first)
		time.Sleep(30 * time.Second)
		if !fresh.connected() {
			t.Errorf("a client of the newer key was told %+v", fresh.last())
		}
		old := b.socket(bearing(mine), "")
		time.Sleep(time.Second)
		if old.connected() || old.last().Code != realtime.CodeUnauthorized {
			t.Errorf("a client of the key that was withdrawn is told %+v", old.last())
		}
		fresh.send(`{"id":1,"type":"subscribe","channel":"a:1"}`, `{"id":2,"type":"subscribe","channel":"a:2"}`)
		time.Sleep(time.Second)
		if _, _, code := fresh.state(); code != realtime.CodeLimited {
			t.Errorf("the newer limits are not in force: last told %q", code)
		}
	})
}

// A tenant's issuer changes to one that does not answer. Its clients stay for a while, and then are told to come back,
// not that their tokens are bad; where the new one answers in time, those stay whose key it publishes.
func TestIssuerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	signing := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "i", Alg: "EdDSA", PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))}}}}
	token, own := longLived(t, signing, "ann"), secretKey("own", 1)
	mine := longLived(t, &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{own}}}, "bob")
	set := fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"i","x":%q}]}`, base64.RawURLEncoding.EncodeToString(private.Public().(ed25519.PublicKey)))
	for name, tt := range map[string]struct {
		down  time.Duration // of the new issuer
		set   string
		stays bool
		code  realtime.Code
	}{
		"for a moment":                  {20 * time.Second, set, true, ""},
		"for long":                      {time.Hour, set, false, realtime.CodeUnavailable},
		"and does not publish the key":  {0, strings.Replace(set, `"i"`, `"j"`, 1), false, realtime.CodeUnauthorized},
		"and then does not publish it":  {20 * time.Second, strings.Replace(set, `"i"`, `"j"`, 1), false, realtime.CodeUnauthorized},
		"and publishes it all the time": {0, set, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs := newDocuments(&realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{own}, JWKSURL: "https://old.example"}})
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				issuer := roundTrip(func(r *http.Request) (*http.Response, error) {
					answer := set
					if r.URL.Host == "new.example" {
						if answer = tt.set; time.Since(began) < 10*time.Second+tt.down {
							return nil, errors.New("it is down")
						}
					}
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
				})
				verifier := auth.New(docs, auth.Options{JWKS: auth.JWKSOptions{Client: &http.Client{Transport: issuer}}})
				defer func() { _ = verifier.Close() }()
				within(t, gateway.Options{Tenants: docs, Verifier: verifier}, func(b *bubbleGateway) {
					v, bob := b.socket(bearing(token), ""), b.socket(bearing(mine), "")
					time.Sleep(10 * time.Second)
					docs.change("acme", func(t *realtime.Tenant) { t.Auth.JWKSURL = "https://new.example" })
					time.Sleep(10 * time.Second)
					if tt.down > 0 && !v.connected() {
						t.Errorf("closed before anybody could tell: %+v", v.last())
					}
					time.Sleep(50 * time.Second)
					if _, welcomed, _ := v.state(); !welcomed || v.connected() != tt.stays || v.last().Code != tt.code {
						t.Errorf("connected: %t, last told %+v", v.connected(), v.last())
					}
					if !bob.connected() {
						t.Errorf("a client of the tenant's own key was told %+v", bob.last())
					}
				})
			})
		})
	}
}

// roundTrip is an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
