package auth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tidewire/tidewire/realtime"
)

// issuer is an http.RoundTripper that publishes a key set, so that a bubble of
// synctest can hold it.
type issuer struct {
	mu    sync.Mutex // guards what follows
	kids  []string   // all of ecKey
	raw   []byte     // not nil: what it answers instead
	tags  bool       // answers have an ETag
	down  bool       // hangs until the request is given up
	fault any        // not nil: it panics
	delay time.Duration
	asked int
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.asked++
	down, delay, set, tags, fault := i.down, i.delay, i.raw, i.tags, i.fault
	if set == nil {
		set = keySet(i.kids...)
	}
	i.mu.Unlock()
	if fault != nil {
		panic(fault)
	}
	if down {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	time.Sleep(delay)
	if tag := fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(set))); tags {
		if r.Header.Get("If-None-Match") == tag {
			return &http.Response{StatusCode: http.StatusNotModified, Body: http.NoBody, Request: r}, nil
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Etag": {tag}}, Body: io.NopCloser(bytes.NewReader(set)), Request: r}, nil
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(set)), Request: r}, nil
}

func (i *issuer) publish(kids ...string) { i.set(func() { i.kids = kids }) }

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func keySet(kids ...string) []byte {
	set := jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{}}
	for _, kid := range kids {
		set.Keys = append(set.Keys, jwkOf(&ecKey().PublicKey, jwkset.JWKMetadataOptions{KID: kid, ALG: "ES256", USE: "sig"}))
	}
	return must(json.Marshal(set))
}

func jwkOf(key crypto.PublicKey, about jwkset.JWKMetadataOptions) jwkset.JWKMarshal {
	return must(jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: about})).Marshal()
}

// outsider is a tenant whose keys are its issuer's alone.
func outsider(url string) *realtime.Tenant {
	return &realtime.Tenant{ID: "acme", Auth: realtime.Auth{JWKSURL: url}}
}

const issuerURL = "https://login.example.com/keys"

// inBubble runs test in a bubble with a Verifier of acme, whose issuer publishes the key "a".
func inBubble(t *testing.T, test func(t *testing.T, i *issuer, verify func(kid string) realtime.Code)) {
	t.Parallel()
	ecKey() // made outside
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{kids: []string{"a"}, delay: 100 * time.Millisecond}
		verifier, _ := newVerifier(t, directory{"acme": outsider(issuerURL)}, Options{JWKS: JWKSOptions{Client: &http.Client{Transport: i}}})
		test(t, i, func(kid string) realtime.Code {
			return codeOf(verifier.Verify(t.Context(), byIssuer(kid)))
		})
	})
}

func byIssuer(kid string) string {
	return forge(jwt.SigningMethodES256, ecKey(), fmt.Sprintf(`{"alg":"ES256","kid":%q}`, kid), saying(`"exp":4102444800`))
}

func TestIssuerRotates(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, verify func(string) realtime.Code) {
		step := func(what, kid string, want realtime.Code, requests int) {
			t.Helper()
			if got := verify(kid); got != want {
				t.Errorf("%s: kid %s: got %q, want %q", what, kid, got, want)
			}
			if got := i.requests(); got != requests {
				t.Errorf("%s: %d requests, want %d", what, got, requests)
			}
		}
		step("at first", "a", "", 1)
		step("at first", "", "", 1) // a token without kid needs no reading
		i.publish("a", "b")
		step("published within Floor of a reading, so that nobody can tell", "b", realtime.CodeUnavailable, 1)
		time.Sleep(2 * time.Second)
		step("after Floor", "b", "", 2)
		step("after Floor", "a", "", 2)
		i.publish("b")
		time.Sleep(14 * time.Minute)
		step("withdrawn, before Refresh", "a", "", 2)
		time.Sleep(time.Minute)
		step("withdrawn, after Refresh", "a", realtime.CodeUnauthorized, 3)
		step("withdrawn, after Refresh", "b", "", 3)
		time.Sleep(30 * 24 * time.Hour)
		step("after a month of silence", "b", "", 4)
	})
}

func TestIssuerOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, verify func(string) realtime.Code) {
		if got := verify("a"); got != "" {
			t.Fatal(got)
		}
		i.set(func() { i.down = true })
		time.Sleep(15 * time.Minute)
		began := time.Now()
		if got := verify("a"); got != "" || time.Since(began) != 5*time.Second {
			t.Errorf("first token of the outage: %q after %s, want a wait of Timeout", got, time.Since(began))
		}
		before := i.requests()
		for range 60 { // a minute
			began = time.Now()
			if got := verify("a"); got != "" || time.Since(began) != 0 {
				t.Fatalf("during the outage: %q after %s, want no wait", got, time.Since(began))
			}
			time.Sleep(time.Second)
		}
		if got := i.requests() - before; got != 6 {
			t.Errorf("%d requests in a minute, want one per Retry", got)
		}
		if got := verify("b"); got != realtime.CodeUnavailable {
			t.Errorf("an unknown kid: %q; it may be a new key", got)
		}
		time.Sleep(24 * time.Hour)
		if got := verify("a"); got != realtime.CodeUnavailable {
			t.Errorf("after Outage: %q", got)
		}
		i.set(func() { i.down = false })
		time.Sleep(10 * time.Second)
		if got := verify("a"); got != "" {
			t.Errorf("after the outage: %q", got)
		}
	})
}

func TestIssuerDownFromTheStart(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, _ func(string) realtime.Code) {
		i.set(func() { i.down = true })
		verifier, seen := newVerifier(t, directory{"acme": outsider(issuerURL)}, Options{JWKS: JWKSOptions{
			Client: &http.Client{Transport: i}, Timeout: time.Second, Retry: time.Minute,
		}})
		began := time.Now()
		_, err := verifier.Verify(t.Context(), byIssuer("a"))
		var e *realtime.Error
		if !errors.As(err, &e) || e.Code != realtime.CodeUnavailable || e.RetryAfter < 59*time.Second || e.RetryAfter > time.Minute+time.Second || time.Since(began) != time.Second {
			t.Errorf("got %#v", err)
		}
		if len(seen.refused) > 0 {
			t.Errorf("counted as %v; nobody knows whether the token is good", seen.refused)
		}
		if lines := seen.lines(t); len(lines) != 1 || lines[0]["level"] != "WARN" {
			t.Errorf("logged %v", lines)
		}
	})
}

// TestUnknownKidFlood sends made-up kids for a minute and counts what the issuer feels of it.
// An HTTP client of the program's own that panics is an outage of the issuer.
func TestIssuerPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, verify func(string) realtime.Code) {
		i.set(func() { i.fault = "a fault of the client" })
		if got := verify("a"); got != realtime.CodeUnavailable {
			t.Errorf("from the start: got %q", got)
		}
		i.set(func() { i.fault = nil })
		time.Sleep(time.Minute)
		if got := verify("a"); got != "" {
			t.Errorf("when it is mended: got %q", got)
		}
		i.set(func() { i.fault = "a fault of the client" })
		time.Sleep(time.Hour)
		if got := verify("a"); got != "" {
			t.Errorf("a known key: got %q", got)
		}
	})
}

func TestUnknownKidFlood(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, verify func(string) realtime.Code) {
		token := 0
		for range 60 {
			var wave sync.WaitGroup
			for range 20 {
				token++
				kid := fmt.Sprint("made-up-", token)
				wave.Go(func() {
					if got := verify(kid); got != realtime.CodeUnauthorized && got != realtime.CodeUnavailable {
						t.Errorf("got %q", got)
					}
				})
			}
			wave.Go(func() {
				if got := verify("a"); got != "" {
					t.Errorf("a good token during the flood: %q", got)
				}
			})
			wave.Wait()
			time.Sleep(900 * time.Millisecond)
		}
		if got := i.requests(); got > 31 {
			t.Errorf("%d requests in a minute, want one per Floor", got)
		}
	})
}

// TestStrangersDelayNoNewKey has strangers make kids up, faster than anybody could read, in the names of all tenants of one
// issuer, which publishes a new key now and then. Who has a token by it, and comes back when he is told to, is let in within
// Floor, the spread and two readings, and the issuer is read once per Floor by all tenants together.
func TestStrangersDelayNoNewKey(t *testing.T) {
	t.Parallel()
	ecKey()
	for _, tt := range []struct {
		name  string
		delay time.Duration // of the issuer
		tags  bool
	}{{"quick", 100 * time.Millisecond, false}, {"with tags", 100 * time.Millisecond, true}, {"slow", 1500 * time.Millisecond, true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { strangersModel(t, tt.delay, tt.tags) })
		})
	}
}

func strangersModel(t *testing.T, delay time.Duration, tags bool) {
	i := &issuer{kids: []string{"k0"}, delay: delay, tags: tags}
	names, tenants := []string{"acme", "globex", "initech"}, directory{}
	for _, id := range names {
		tenants[id] = outsider(issuerURL)
		tenants[id].ID = id
	}
	verifier, seen := newVerifier(t, tenants, Options{JWKS: JWKSOptions{Client: &http.Client{Transport: i}}})
	of := func(tenant, kid string) string {
		return forge(jwt.SigningMethodES256, ecKey(), fmt.Sprintf(`{"alg":"ES256","kid":%q}`, kid), fmt.Sprintf(`{"tenant":%q,"sub":"ann","exp":4102444800}`, tenant))
	}
	began, most := time.Now(), 2*time.Second+spreadOver+2*delay
	var strangers sync.WaitGroup
	over := make(chan struct{})
	for n := range 10 {
		strangers.Go(func() {
			for turn := 0; ; turn++ {
				select {
				case <-over:
					return
				case <-time.After(150 * time.Millisecond):
				}
				if got := codeOf(verifier.Verify(t.Context(), of(names[(n+turn)%3], fmt.Sprint("made-up-", n, "-", turn)))); got != realtime.CodeUnauthorized && got != realtime.CodeUnavailable {
					t.Errorf("a kid that was made up: %q", got)
				}
			}
		})
	}
	for turn := 1; turn <= 15; turn++ {
		time.Sleep(time.Duration(mrand.IntN(5000)) * time.Millisecond)
		i.publish(fmt.Sprint("k", turn-1), fmt.Sprint("k", turn))
		came := time.Now()
		for {
			_, err := verifier.Verify(t.Context(), of(names[turn%3], fmt.Sprint("k", turn)))
			if err == nil {
				break
			}
			var e *realtime.Error
			if !errors.As(err, &e) || e.Code != realtime.CodeUnavailable || e.RetryAfter <= 0 || e.RetryAfter > 2*time.Second+2*spreadOver {
				t.Fatalf("key %d, after %v: %v", turn, time.Since(came), err)
			}
			time.Sleep(e.RetryAfter)
		}
		if took := time.Since(came); took > most {
			t.Errorf("key %d was believed after %v, want %v at most", turn, took, most)
		}
	}
	close(over)
	strangers.Wait()
	if most := int(time.Since(began)/(2*time.Second)) + 1; i.requests() > most {
		t.Errorf("%d readings in %v, want at most %d", i.requests(), time.Since(began), most)
	}
	for _, line := range seen.lines(t) {
		if line["level"] != "INFO" {
			t.Fatalf("logged %v: kids that are made up would fill the log of faults", line)
		}
	}
	if len(verifier.rings.issuers) != 1 {
		t.Errorf("%d sources of one URL", len(verifier.rings.issuers))
	}
	for _, id := range names {
		tenants[id] = &realtime.Tenant{ID: id}
		_, _ = verifier.Verify(t.Context(), of(id, "k1"))
	}
	if len(verifier.rings.issuers) != 0 {
		t.Errorf("%d sources of a URL that nobody names any more", len(verifier.rings.issuers))
	}
}

func TestColdHerd(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, verify func(string) realtime.Code) {
		var herd sync.WaitGroup
		for range 200 {
			herd.Go(func() {
				if got := verify("a"); got != "" {
					t.Errorf("got %q", got)
				}
			})
		}
		herd.Wait()
		if got := i.requests(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

func TestIssuerEndsWithItsCallers(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, verify func(string) realtime.Code) {
		i.set(func() { i.down = true })
		verifier, _ := newVerifier(t, directory{"acme": outsider(issuerURL)}, Options{JWKS: JWKSOptions{Client: &http.Client{Transport: i}}})
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := codeOf(verifier.Verify(ctx, byIssuer("a"))); got != realtime.CodeUnavailable || time.Since(began) != time.Second {
			t.Errorf("caller gave up: %q after %s", got, time.Since(began))
		}
		done := make(chan realtime.Code)
		go func() { done <- codeOf(verifier.Verify(t.Context(), byIssuer("a"))) }()
		synctest.Wait()
		if err := verifier.Close(); err != nil {
			t.Error(err)
		}
		if got := <-done; got != realtime.CodeUnavailable || time.Since(began) != time.Second {
			t.Errorf("closed while reading: %q after %s, want at once", got, time.Since(began))
		}
		time.Sleep(time.Hour)
		before := i.requests()
		if got := codeOf(verifier.Verify(t.Context(), byIssuer("a"))); got != realtime.CodeUnavailable || i.requests() != before {
			t.Errorf("after Close: %q, %d requests", got, i.requests()-before)
		}
	})
}

// TestDocumentChanges shows what a new document takes over from the last: the
// issuer's keys as long as its URL stays, and nothing else that changed.
func TestDocumentChanges(t *testing.T) {
	t.Parallel()
	ecKey()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{kids: []string{"a"}}
		tenants := directory{"acme": outsider(issuerURL)}
		verifier, _ := newVerifier(t, tenants, Options{JWKS: JWKSOptions{Client: &http.Client{Transport: i}}})
		step := func(what, token string, want realtime.Code, requests int) {
			t.Helper()
			if got := codeOf(verifier.Verify(t.Context(), token)); got != want || i.requests() != requests {
				t.Errorf("%s: got %q after %d requests, want %q after %d", what, got, i.requests(), want, requests)
			}
		}
		own := byAcme(plain, saying(`"exp":4102444800`))
		step("first document", byIssuer("a"), "", 1)
		time.Sleep(time.Minute)
		step("first document, own key, for whose algorithm the issuer is not asked", own, realtime.CodeUnauthorized, 1)

		i.set(func() { i.down = true })
		tenants["acme"] = outsider(issuerURL)
		tenants["acme"].Auth.Keys = []realtime.Key{{KID: "k1", Alg: "HS256", Secret: acmeSecret}}
		step("a key more", byIssuer("a"), "", 1)
		step("a key more", own, "", 1)

		other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		tenants["acme"] = outsider(issuerURL)
		tenants["acme"].Auth.Keys = []realtime.Key{{KID: "own", Alg: "ES256", PEM: publicPEM(&other.PublicKey)}}
		step("without kid, not by the own key but the issuer's", byIssuer(""), "", 1)

		tenants["acme"] = outsider(issuerURL)
		step("a key less", own, realtime.CodeUnauthorized, 1)

		i.set(func() { i.down = false; i.kids = []string{"b"} })
		tenants["acme"] = outsider(issuerURL + "/new")
		step("another issuer", byIssuer("b"), "", 2)
		step("another issuer", byIssuer("a"), realtime.CodeUnauthorized, 2)

		tenants["acme"] = outsider(issuerURL + "/new")
		tenants["acme"].Auth.Keys = []realtime.Key{{KID: "b", Alg: "ES256", PEM: publicPEM(&other.PublicKey)}}
		step("the tenant's own key of a kid comes before the issuer's", byIssuer("b"), realtime.CodeUnauthorized, 2)

		tenants["acme"] = &realtime.Tenant{ID: "acme"}
		step("no issuer", byIssuer("b"), realtime.CodeUnauthorized, 2)
	})
}

func TestRingsAreBounded(t *testing.T) {
	t.Parallel()
	verifier, _ := newVerifier(t, directory{}, Options{})
	first := &realtime.Tenant{ID: "t-first"}
	kept := verifier.rings.of(first)
	for n := range maxRings + 10 {
		verifier.rings.of(&realtime.Tenant{ID: fmt.Sprint("t", n)})
		if verifier.rings.of(first) != kept {
			t.Fatal("the tenant in use was let go")
		}
	}
	if a, b := len(verifier.rings.byID), verifier.rings.recent.Len(); a != maxRings || b != maxRings {
		t.Errorf("%d and %d rings, the limit is %d", a, b, maxRings)
	}
}
