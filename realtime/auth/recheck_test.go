package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	mrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tidewire/tidewire/realtime"
)

// maker makes tokens: a key with the method it signs by.
type maker struct {
	method  jwt.SigningMethod
	private any
	doc     realtime.Key // without its kid
	jwk     func(kid string) jwkset.JWKMarshal
}

// makers are two keys of every kind.
func makers() []maker {
	var all []maker
	for i := range 2 {
		secret := strings.Repeat(fmt.Sprint("secret-", i), 8)
		all = append(all, maker{jwt.SigningMethodHS256, []byte(secret), realtime.Key{Alg: "HS256", Secret: secret}, nil})
		ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		all = append(all, maker{jwt.SigningMethodES256, ec, realtime.Key{Alg: "ES256", PEM: publicPEM(&ec.PublicKey)}, func(kid string) jwkset.JWKMarshal {
			return jwkOf(&ec.PublicKey, jwkset.JWKMetadataOptions{KID: kid, ALG: "ES256"})
		}})
		_, ed, err := ed25519.GenerateKey(rand.Reader)
		must(ed, err)
		all = append(all, maker{jwt.SigningMethodEdDSA, ed, realtime.Key{Alg: "EdDSA", PEM: privatePEM(ed)}, func(kid string) jwkset.JWKMarshal {
			return jwkOf(ed.Public(), jwkset.JWKMetadataOptions{KID: kid, ALG: "EdDSA"})
		}})
	}
	r := rsaKey()
	all = append(all,
		maker{jwt.SigningMethodRS256, r, realtime.Key{Alg: "RS256", PEM: publicPEM(&r.PublicKey)}, func(kid string) jwkset.JWKMarshal {
			return jwkOf(&r.PublicKey, jwkset.JWKMetadataOptions{KID: kid, ALG: "RS256"})
		}},
		maker{methodOf("PS256"), r, realtime.Key{Alg: "PS256", PEM: publicPEM(&r.PublicKey)}, nil})
	return all
}

// token is one by the key under a kid, "" being none.
func (m maker) token(kid, more string) string {
	header := fmt.Sprintf(`{"alg":%q,"kid":%q}`, m.doc.Alg, kid)
	if kid == "" {
		header = fmt.Sprintf(`{"alg":%q}`, m.doc.Alg)
	}
	return forge(m.method, m.private, header, saying(`"exp":4102444800`+more))
}

// anyOf returns one of some values.
func anyOf[T any](r *mrand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// TestRecheckIsVerify: for documents made at random, keys of every kind in any order among them, what is said of a token by
// its principal is what would be said of the token itself.
func TestRecheckIsVerify(t *testing.T) {
	t.Parallel()
	all := makers()
	kids := []string{"", "a", "b", "c"}
	document := func(r *mrand.Rand) (*realtime.Tenant, []byte) {
		doc := &realtime.Tenant{ID: "acme", Suspended: r.IntN(12) == 0}
		doc.Auth.Issuer = anyOf(r, "", "", "", "x", "y")
		doc.Auth.Audience = anyOf(r, nil, nil, nil, []string{"p"}, []string{"p", "q"}, []string{"r"})
		for range r.IntN(6) {
			k := anyOf(r, all...).doc
			k.KID = anyOf(r, kids...)
			if k.KID == "" || !slices.ContainsFunc(doc.Auth.Keys, func(o realtime.Key) bool { return o.KID == k.KID }) {
				doc.Auth.Keys = append(doc.Auth.Keys, k)
			}
		}
		set := jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{jwkOf(&ecKey().PublicKey, jwkset.JWKMetadataOptions{KID: "other", ALG: "ES256"})}}
		for _, kid := range kids[1:] {
			if m := anyOf(r, all...); m.jwk != nil {
				set.Keys = append(set.Keys, m.jwk(kid))
			}
		}
		if r.IntN(2) == 0 {
			doc.Auth.JWKSURL = fmt.Sprintf("%s/%d", issuerURL, r.Uint64())
		}
		return doc, must(json.Marshal(set))
	}
	var tokens []string
	for _, m := range all {
		for _, kid := range kids {
			for _, more := range []string{"", `,"iss":"x","aud":"p"`, `,"iss":"y","aud":["q","r"]`} {
				tokens = append(tokens, m.token(kid, more))
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r := mrand.New(mrand.NewPCG(1, 2))
		i := &issuer{}
		client := &http.Client{Transport: i}
		good, refused := 0, 0
		for range 60 {
			before, set := document(r)
			i.set(func() { i.raw = set })
			tenants := directory{"acme": before}
			verifier, _ := newVerifier(t, tenants, Options{JWKS: JWKSOptions{Client: client}})
			sockets := map[string]*realtime.Principal{}
			for _, token := range tokens {
				if p, err := verifier.Verify(t.Context(), token); err == nil {
					sockets[token] = p
				}
			}
			after, set := document(r)
			i.set(func() { i.raw = set })
			for part := range 4 { // the others stay as they were
				if r.IntN(2) == 0 {
					continue
				}
				switch part {
				case 0:
					after.Auth.Keys = before.Auth.Keys
				case 1:
					after.Auth.Issuer, after.Auth.Audience = before.Auth.Issuer, before.Auth.Audience
				case 2:
					after.Auth.JWKSURL = before.Auth.JWKSURL
				case 3:
					after.Auth.Keys = append(after.Auth.Keys[:0:0], before.Auth.Keys...)
					r.Shuffle(len(after.Auth.Keys), func(i, j int) {
						after.Auth.Keys[i], after.Auth.Keys[j] = after.Auth.Keys[j], after.Auth.Keys[i]
					})
				}
			}
			tenants["acme"] = after
			time.Sleep(time.Hour)
			for _, p := range sockets { // the set is read, and an hour later no key counts any more that it does not hold
				_ = verifier.Recheck(t.Context(), after, p)
			}
			time.Sleep(time.Hour)
			fresh, _ := newVerifier(t, tenants, Options{JWKS: JWKSOptions{Client: client}})
			for token, p := range sockets {
				_, want := fresh.Verify(t.Context(), token)
				got := verifier.Recheck(t.Context(), after, p)
				if codeOf(nil, want) != codeOf(nil, got) {
					t.Fatalf("%s\nfrom %+v\nto %+v\nof the token: %v, of its principal: %v", token, before.Auth, after.Auth, want, got)
				}
				if want == nil {
					good++
				} else {
					refused++
				}
			}
		}
		if good < 50 || refused < 50 {
			t.Errorf("%d stay and %d go: that shows little", good, refused)
		}
	})
}

// TestRecheck is the table of what may change in a document, and of whom it concerns.
func TestRecheck(t *testing.T) {
	t.Parallel()
	key := func(kid, secret string) realtime.Key {
		return realtime.Key{KID: kid, Alg: "HS256", Secret: strings.Repeat(secret, 16)}
	}
	signed := func(kid, secret, more string) string {
		return maker{method: jwt.SigningMethodHS256, private: []byte(strings.Repeat(secret, 16)), doc: realtime.Key{Alg: "HS256"}}.token(kid, more)
	}
	keys := []realtime.Key{key("a", "aa"), key("b", "bb"), key("", "cc")}
	tokens := map[string]string{
		"a": signed("a", "aa", `,"iss":"x","aud":["p","q"]`), "b": signed("b", "bb", `,"iss":"y","aud":"q"`), "c": signed("", "cc", ""), "a without kid": signed("", "aa", ""),
	}
	for name, tt := range map[string]struct {
		change func(*realtime.Tenant)
		goes   []string
	}{
		"nothing":                {func(*realtime.Tenant) {}, nil},
		"a key more":             {func(d *realtime.Tenant) { d.Auth.Keys = append([]realtime.Key{key("d", "dd")}, keys...) }, nil},
		"another order":          {func(d *realtime.Tenant) { d.Auth.Keys = []realtime.Key{keys[2], keys[1], keys[0]} }, nil},
		"a withdrawn":            {func(d *realtime.Tenant) { d.Auth.Keys = keys[1:] }, []string{"a", "a without kid"}},
		"b withdrawn":            {func(d *realtime.Tenant) { d.Auth.Keys = []realtime.Key{keys[0], keys[2]} }, []string{"b"}},
		"a, other material":      {func(d *realtime.Tenant) { d.Auth.Keys = append([]realtime.Key{key("a", "zz")}, keys[1:]...) }, []string{"a", "a without kid"}},
		"a and b exchanged":      {func(d *realtime.Tenant) { d.Auth.Keys = []realtime.Key{key("a", "bb"), key("b", "aa"), keys[2]} }, []string{"a", "b"}},
		"a by another name":      {func(d *realtime.Tenant) { d.Auth.Keys = append([]realtime.Key{key("e", "aa")}, keys[1:]...) }, []string{"a"}},
		"all withdrawn":          {func(d *realtime.Tenant) { d.Auth.Keys = nil }, []string{"a", "a without kid", "b", "c"}},
		"an issuer":              {func(d *realtime.Tenant) { d.Auth.Issuer = "x" }, []string{"a without kid", "b", "c"}},
		"an audience":            {func(d *realtime.Tenant) { d.Auth.Audience = []string{"p"} }, []string{"a without kid", "b", "c"}},
		"an audience of several": {func(d *realtime.Tenant) { d.Auth.Audience = []string{"z", "q"} }, []string{"a without kid", "c"}},
		"suspended":              {func(d *realtime.Tenant) { d.Suspended = true }, []string{"a", "a without kid", "b", "c"}},
		"limits":                 {func(d *realtime.Tenant) { d.Limits.Connections = 1 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: keys}}
			verifier, _ := newVerifier(t, directory{"acme": doc}, Options{})
			after := *doc
			tt.change(&after)
			var goes []string
			for who, token := range tokens {
				p, err := verifier.Verify(t.Context(), token)
				if err != nil {
					t.Fatal(err)
				}
				if err := verifier.Recheck(t.Context(), &after, p); err != nil {
					goes = append(goes, who)
				}
			}
			if slices.Sort(goes); !slices.Equal(goes, tt.goes) {
				t.Errorf("goes: %q, want %q", goes, tt.goes)
			}
		})
	}
}

// A key that is missing from one reading of its issuer's set closes nobody; one that stays away for Refresh does.
func TestRecheckOfWithdrawnIssuersKey(t *testing.T) {
	t.Parallel()
	ecKey()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{kids: []string{"a", "b"}}
		doc := outsider(issuerURL)
		verifier, _ := newVerifier(t, directory{"acme": doc}, Options{JWKS: JWKSOptions{Client: &http.Client{Transport: i}}})
		p, err := verifier.Verify(t.Context(), byIssuer("a"))
		if err != nil {
			t.Fatal(err)
		}
		for minute := range 60 {
			switch minute {
			case 3, 20:
				i.publish("b")
			case 10:
				i.publish("a", "b")
			}
			_, _ = verifier.Verify(t.Context(), byIssuer("made-up")) // the set is read again
			got := codeOf(nil, verifier.Recheck(t.Context(), doc, p))
			if want := anyCode(minute < 20+15); got != want {
				t.Fatalf("in minute %d: %q, want %q", minute, got, want)
			}
			time.Sleep(time.Minute)
		}
		if i.requests() > 61 {
			t.Errorf("%d requests", i.requests())
		}
	})
}

func anyCode(good bool) realtime.Code {
	if good {
		return ""
	}
	return realtime.CodeUnauthorized
}

// TestIssuerModel rotates keys at an issuer that fails, is slow, or answers garbage, while strangers make kids up. A
// token by a key that is published is never called bad, comes through as soon as the issuer answers, and goes on
// once it has; one that is made up never does; and the issuer is asked once per Floor.
func TestIssuerModel(t *testing.T) {
	t.Parallel()
	ecKey()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { issuerModel(t, mrand.New(mrand.NewPCG(seed, 3))) })
		})
	}
}

func issuerModel(t *testing.T, r *mrand.Rand) {
	i := &issuer{kids: []string{"k0"}}
	verifier, _ := newVerifier(t, directory{"acme": outsider(issuerURL)}, Options{JWKS: JWKSOptions{Client: &http.Client{Transport: i}}})
	var (
		began     = time.Now()
		turn      = 0                      // the newest key is k<turn>, the one before is published too
		published = time.Now()             // when it was
		healthy   = time.Now()             // since when the issuer answers; zero while it does not
		through   = map[string]bool{}      // kids that came through
		late      = 35 * time.Second       // a reading under way, Retry, a reading, and the client's own time
		back      = map[string]time.Time{} // when a token may come back
		each      = 1 + r.IntN(12)         // seconds between a stranger's visits
	)
	for second := range 400 {
		switch r.IntN(60) {
		case 0:
			turn++
			published = time.Now()
			i.publish(fmt.Sprint("k", turn-1), fmt.Sprint("k", turn))
		case 1:
			i.set(func() { i.down, i.delay, i.raw = true, 0, nil })
			healthy = time.Time{}
		case 2:
			i.set(func() {
				i.down, i.delay = false, time.Duration(r.IntN(4))*time.Second
				i.raw = anyOf(r, []byte("{"), []byte(`{"keys":[]}`), []byte("null"), []byte(strings.Repeat(" ", maxSetBytes+1)), []byte(`{"keys":[{"kty":"EC","kid":"k1","d":"x"}]}`))
			})
			healthy = time.Time{}
		case 3, 4, 5:
			i.set(func() { i.down, i.raw, i.delay = false, nil, time.Duration(r.IntN(4))*time.Second })
			if healthy.IsZero() {
				healthy = time.Now()
			}
		}
		if second%each == 0 {
			if got := codeOf(verifier.Verify(t.Context(), byIssuer(fmt.Sprint("made-up-", second)))); got != realtime.CodeUnauthorized && got != realtime.CodeUnavailable {
				t.Fatalf("second %d: a kid that was made up: %q", second, got)
			}
		}
		for _, kid := range []string{fmt.Sprint("k", max(turn-1, 0)), fmt.Sprint("k", turn)} {
			if time.Now().Before(back[kid]) {
				continue
			}
			asked := time.Now()
			_, err := verifier.Verify(t.Context(), byIssuer(kid))
			var e *realtime.Error
			switch {
			case err == nil:
				through[kid] = true
				continue
			case !errors.As(err, &e) || e.Code != realtime.CodeUnavailable || e.RetryAfter <= 0 || e.RetryAfter > 12*time.Second:
				t.Fatalf("second %d: a token by %s, which is published: %#v", second, kid, err)
			case through[kid]:
				t.Fatalf("second %d: %s came through before: %v", second, kid, err)
			}
			back[kid] = time.Now().Add(e.RetryAfter)
			since := time.Duration(math.MaxInt64)
			for _, at := range []time.Time{published, healthy} {
				if at.IsZero() {
					since = 0
				} else {
					since = min(since, asked.Sub(at))
				}
			}
			if since > late {
				t.Fatalf("second %d: %s is published, and the issuer well, for %v: %v", second, kid, since, err)
			}
		}
		time.Sleep(time.Second)
	}
	if most := int(time.Since(began)/(2*time.Second)) + 1; i.requests() > most {
		t.Errorf("%d requests, want at most %d", i.requests(), most)
	}
}
