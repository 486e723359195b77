package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

type refusedCase struct {
	name   string
	token  string
	tenant string // as it is counted; empty as long as none is known
	reason reason
}

// TestRefused shows that whatever is wrong with a token, outside there is one
// and the same answer, and inside one line and one count that say which it was.
func TestRefused(t *testing.T) {
	t.Parallel()
	tenants := twoTenants()
	tenants["acme"].Auth.Issuer, tenants["acme"].Auth.Audience = "https://login", []string{"dash"}
	tenants["closed"] = &realtime.Tenant{ID: "closed", Suspended: true, Auth: tenants["globex"].Auth}
	cases := refusedForms()
	cases = append(cases, refusedHeaders()...)
	cases = append(cases, refusedKeys()...)
	cases = append(cases, refusedTenants()...)
	cases = append(cases, refusedClaims()...)
	reasons := map[reason]bool{}
	for _, c := range cases {
		reasons[c.reason] = true
		t.Run(string(c.reason)+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			verifier, seen := newVerifier(t, tenants, Options{})
			p, err := verifier.Verify(t.Context(), c.token)
			if p != nil {
				t.Fatalf("accepted as %v", p)
			}
			want := &realtime.Error{Code: realtime.CodeUnauthorized, Message: "the token is not valid"}
			switch c.reason {
			case reasonExpired:
				want = &realtime.Error{Code: realtime.CodeExpired, Message: "the token has expired"}
			case reasonSuspended:
				want = &realtime.Error{Code: realtime.CodeSuspended, Message: "the tenant is suspended"}
			}
			if diff := cmp.Diff(error(want), err); diff != "" {
				t.Errorf("outside (-want +got):\n%s", diff)
			}
			counted := []string{fmt.Sprintf("refusals %s/%s", c.tenant, c.reason)}
			if diff := cmp.Diff(counted, seen.refused); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			lines := seen.lines(t)
			if len(lines) != 1 || lines[0][realtime.KeyReason] != string(c.reason) || lines[0][realtime.KeyTenant] != c.tenant {
				t.Errorf("logged %v", lines)
			}
			for segment := range strings.SplitSeq(c.token, ".") {
				if len(segment) > 10 && strings.Contains(seen.log.String(), segment) {
					t.Errorf("the log shows a segment of the token: %s", seen.log.String())
				}
			}
		})
	}
	for _, r := range []reason{
		reasonOversized, reasonMalformed, reasonEncoding, reasonDuplicate, reasonNone, reasonCritical, reasonType, reasonAlgorithm,
		reasonUnknownKey, reasonSignature, reasonTenant, reasonIssuer, reasonAudience, reasonNotYet, reasonIssued, reasonUser,
		reasonGroups, reasonGrants, reasonNoExpiry, reasonExpired, reasonSuspended,
	} { // query and two-tokens: TestVerifyRequest
		if !reasons[r] {
			t.Errorf("no case for %s", r)
		}
	}
}

// acmeSays returns claims that acme accepts but for what more says.
func acmeSays(more string) string {
	usual := `"iss":"https://login","aud":"dash"`
	if more != "" {
		usual += "," + more
	}
	return saying(usual)
}

func refusedForms() []refusedCase {
	good := byAcme(plain, acmeSays(""))
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	hs := func(header, payload string) string {
		return forgeSegments(jwt.SigningMethodHS256, []byte(acmeSecret), header, payload)
	}
	return []refusedCase{
		{"8 KiB and one", strings.Repeat("a", MaxTokenBytes+1), "", reasonOversized},
		{"a megabyte of brackets", b64(strings.Repeat("[", 1<<20)) + "..", "", reasonOversized},
		{"empty", "", "", reasonMalformed},
		{"one segment", header, "", reasonMalformed},
		{"two segments", header + "." + payload, "", reasonMalformed},
		{"four segments", good + ".", "", reasonMalformed},
		{"dots", strings.Repeat(".", MaxTokenBytes), "", reasonMalformed},
		{"JSON serialization", `{"protected":"` + header + `","payload":"` + payload + `","signature":"` + signature + `"}`, "", reasonMalformed},
		{"empty segments", "..", "", reasonMalformed},
		{"deep header", b64(strings.Repeat("[", 5000)) + "..", "", reasonMalformed},
		{"deep payload", byAcme(plain, `{"a":`+strings.Repeat("[", 5000)+"}"), "", reasonMalformed},
		{"header no object", byAcme(`["alg"]`, acmeSays("")), "", reasonMalformed},
		{"header and more", byAcme(plain+"{}", acmeSays("")), "", reasonMalformed},
		{"header not UTF-8", byAcme(`{"alg":"HS256","kid":"k1","x":"`+"\xff"+`"}`, acmeSays("")), "", reasonMalformed},
		{"payload no object", byAcme(plain, `"acme"`), "", reasonMalformed},
		{"payload empty", byAcme(plain, ""), "", reasonMalformed},
		{"payload not UTF-8", byAcme(plain, strings.TrimSuffix(acmeSays(""), "}")+`,"name":"`+"\xff"+`"}`), "", reasonMalformed},
		{"too many members", byAcme(plain, manyMembers(maxMembers+1)), "", reasonMalformed},
		{"header padded", hs(b64(plain)+"=", b64(acmeSays(""))), "", reasonEncoding},
		{"payload padded", hs(b64(plain), b64(acmeSays(""))+"=="), "", reasonEncoding},
		{"signature padded", good + "=", "", reasonEncoding},
		{"header broken across lines", hs(header[:4]+"\n"+header[4:], payload), "", reasonEncoding},
		{"payload ends in a line", hs(header, payload+"\r\n"), "", reasonEncoding},
		{"signature ends in a line", good + "\n", "", reasonEncoding},
		{"space", " " + good, "", reasonEncoding},
		{"the other alphabet", hs(base64.RawStdEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"k1","a":"???>>>"}`)), payload), "", reasonEncoding},
		{"stray bits in the header", hs(oneBitMore(header), payload), "", reasonEncoding},
		{"stray bits in the payload", hs(header, oneBitMore(b64(acmeSays("")+strings.Repeat(" ", 2-len(acmeSays(""))%3)))), "", reasonEncoding},
		{"stray bits in the signature", header + "." + payload + "." + oneBitMore(signature), "", reasonEncoding},
		{"NUL", good[:20] + "\x00" + good[20:], "", reasonEncoding},
	}
}

// oneBitMore sets the lowest bit of a segment's last character, which is unused
// unless the segment holds a multiple of three bytes.
func oneBitMore(segment string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(segment) - 1
	return segment[:last] + string(alphabet[strings.IndexByte(alphabet, segment[last])+1])
}

func manyMembers(n int) string {
	m := map[string]int{}
	for i := range n {
		m[fmt.Sprint("m", i)] = i
	}
	return string(must(json.Marshal(m)))
}

func refusedHeaders() []refusedCase {
	claims := acmeSays("")
	unsigned := func(alg string) string { return b64(`{"alg":"`+alg+`"}`) + "." + b64(claims) + "." }
	return []refusedCase{
		{"unsigned", unsigned("none"), "", reasonNone},
		{"unsigned, spelt oddly", unsigned("nOnE"), "", reasonNone},
		{"signed all the same", byAcme(`{"alg":"none","kid":"k1"}`, claims), "", reasonNone},
		{"alg missing", byAcme(`{"kid":"k1"}`, claims), "", reasonMalformed},
		{"alg null", byAcme(`{"alg":null,"kid":"k1"}`, claims), "", reasonMalformed},
		{"alg a list", byAcme(`{"alg":["HS256"],"kid":"k1"}`, claims), "", reasonMalformed},
		{"alg in another case is none", byAcme(`{"ALG":"HS256","kid":"k1"}`, claims), "", reasonMalformed},
		{"kid a number", byAcme(`{"alg":"HS256","kid":1}`, claims), "", reasonMalformed},
		{"alg twice", byAcme(`{"alg":"HS256","kid":"k1","alg":"HS256"}`, claims), "", reasonDuplicate},
		{"alg twice, once escaped", byAcme(`{"alg":"none","kid":"k1","\u0061lg":"HS256"}`, claims), "", reasonDuplicate},
		{"crit", byAcme(`{"alg":"HS256","kid":"k1","crit":["exp"],"exp":1}`, claims), "", reasonCritical},
		{"crit empty", byAcme(`{"alg":"HS256","kid":"k1","crit":[]}`, claims), "", reasonCritical},
		{"b64 false", byAcme(`{"alg":"HS256","kid":"k1","b64":false}`, claims), "", reasonCritical},
		{"logout token", byAcme(`{"alg":"HS256","kid":"k1","typ":"logout+jwt"}`, claims), "", reasonType},
	}
}

func refusedKeys() []refusedCase {
	claims := acmeSays("")
	public := publicPEM(&rsaKey().PublicKey)
	pkcs1 := x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)
	confused := func(kid string, secret []byte) string {
		return forge(jwt.SigningMethodHS256, secret, `{"alg":"HS256","kid":"`+kid+`"}`, claims)
	}
	rs := func(m jwt.SigningMethod, alg, kid string) string {
		return forge(m, rsaKey(), `{"alg":"`+alg+`","kid":"`+kid+`"}`, claims)
	}
	es := forge(jwt.SigningMethodES256, ecKey(), `{"alg":"ES256","kid":"es"}`, claims)
	return []refusedCase{
		{"HS256 with the public key as the secret", confused("rs", []byte(public)), "acme", reasonAlgorithm},
		{"the same without the last line break", confused("rs", []byte(strings.TrimSpace(public))), "acme", reasonAlgorithm},
		{"the same with PKCS #1", confused("ps", pkcs1), "acme", reasonAlgorithm},
		{"the same with the EC key", confused("es", []byte(publicPEM(&ecKey().PublicKey))), "acme", reasonAlgorithm},
		{"the same with the Ed25519 key", confused("ed", []byte(edKey().Public().(ed25519.PublicKey))), "acme", reasonAlgorithm},
		{"the same without kid", forge(jwt.SigningMethodHS256, []byte(public), `{"alg":"HS256"}`, claims), "acme", reasonSignature},
		{"RS256 by the PS256 key", rs(jwt.SigningMethodRS256, "RS256", "ps"), "acme", reasonAlgorithm},
		{"PS256 by the RS256 key", rs(jwt.SigningMethodPS256, "PS256", "rs"), "acme", reasonAlgorithm},
		{"a PS256 signature called RS256", rs(jwt.SigningMethodPS256, "RS256", "rs"), "acme", reasonSignature},
		{"RS512 by the RS256 key", rs(jwt.SigningMethodRS512, "RS512", "rs"), "acme", reasonAlgorithm},
		{"an RS512 signature called RS256", rs(jwt.SigningMethodRS512, "RS256", "rs"), "acme", reasonSignature},
		{"alg in another case", byAcme(`{"alg":"hs256","kid":"k1"}`, claims), "acme", reasonAlgorithm},
		{"ES384", forge(jwt.SigningMethodES384, p384Key(), `{"alg":"ES384","kid":"es"}`, claims), "acme", reasonAlgorithm},
		{"ES384 without kid", forge(jwt.SigningMethodES384, p384Key(), `{"alg":"ES384"}`, claims), "acme", reasonAlgorithm},
		{"unknown kid", byAcme(`{"alg":"HS256","kid":"k2"}`, claims), "acme", reasonUnknownKey},
		{"kid in another case", byAcme(`{"alg":"HS256","kid":"K1"}`, claims), "acme", reasonUnknownKey},
		{"kid a path", byAcme(`{"alg":"HS256","kid":"../../dev/null"}`, claims), "acme", reasonUnknownKey},
		{"salt of no bytes", withSalt(0, claims), "acme", reasonSignature},
		{"salt of 20 bytes", withSalt(20, claims), "acme", reasonSignature},
		{"salt as long as fits", withSalt(rsa.PSSSaltLengthAuto, claims), "acme", reasonSignature},
		{"ES256 in ASN.1", es[:strings.LastIndexByte(es, '.')+1] + b64(asn1Signature(es)), "acme", reasonSignature},
		{"ES256 all zero", es[:strings.LastIndexByte(es, '.')+1] + b64(string(make([]byte, 64))), "acme", reasonSignature},
		{"ES256 with a zero more", es[:strings.LastIndexByte(es, '.')+1] + b64(string(must(base64.RawURLEncoding.DecodeString(es[strings.LastIndexByte(es, '.')+1:])))+"\x00"), "acme", reasonSignature},
		{"no signature", es[:strings.LastIndexByte(es, '.')+1], "acme", reasonSignature},
		{"another payload", strings.Join([]string{strings.Split(es, ".")[0], b64(acmeSays(`"groups":["admin"]`)), strings.Split(es, ".")[2]}, "."), "acme", reasonSignature},
		{"another key of the kind", forge(jwt.SigningMethodHS256, []byte(strings.ToUpper(acmeSecret)), plain, claims), "acme", reasonSignature},
	}
}

// withSalt signs with the PS256 key and a salt that RFC 7518 does not allow.
func withSalt(length int, claims string) string {
	method := &jwt.SigningMethodRSAPSS{SigningMethodRSA: jwt.SigningMethodPS256.SigningMethodRSA, Options: &rsa.PSSOptions{SaltLength: length}}
	return forge(method, rsaKey(), `{"alg":"PS256","kid":"ps"}`, claims)
}

// asn1Signature signs what a token signs, in the form that is not JWS's.
func asn1Signature(token string) string {
	hash := crypto.SHA256.New()
	hash.Write([]byte(token[:strings.LastIndexByte(token, '.')]))
	return string(must(ecdsa.SignASN1(rand.Reader, ecKey(), hash.Sum(nil))))
}

func refusedTenants() []refusedCase {
	byGlobex := func(header string) string {
		return forge(jwt.SigningMethodHS256, []byte(globexSecret), header, acmeSays(""))
	}
	return []refusedCase{
		{"another tenant's key", byGlobex(`{"alg":"HS256","kid":"g1"}`), "acme", reasonUnknownKey},
		{"another tenant's key, without kid", byGlobex(`{"alg":"HS256"}`), "acme", reasonSignature},
		{"another tenant's key, by our kid", byGlobex(plain), "acme", reasonSignature},
		{"our key, another tenant's name", byAcme(plain, acmeSays(`"tenant":"globex"`)), "globex", reasonUnknownKey},
		{"missing", byAcme(plain, `{"sub":"ann","exp":4102444800}`), "", reasonTenant},
		{"in another case", byAcme(plain, `{"Tenant":"acme","sub":"ann","exp":4102444800}`), "", reasonTenant},
		{"null", byAcme(plain, acmeSays(`"tenant":null`)), "", reasonTenant},
		{"a list", byAcme(plain, acmeSays(`"tenant":["acme"]`)), "", reasonTenant},
		{"a path", byAcme(plain, acmeSays(`"tenant":"../acme"`)), "", reasonTenant},
		{"unknown", byAcme(plain, acmeSays(`"tenant":"initech"`)), "", reasonTenant},
		{"suspended", forge(jwt.SigningMethodHS256, []byte(globexSecret), `{"alg":"HS256","kid":"g1"}`, saying(`"tenant":"closed"`)), "closed", reasonSuspended},
		{"suspended, by another key", byAcme(plain, saying(`"tenant":"closed"`)), "closed", reasonUnknownKey},
	}
}

func refusedClaims() []refusedCase {
	says := func(more string) string { return byAcme(plain, acmeSays(more)) }
	list := func(n int, s string) string { return "[" + strings.TrimSuffix(strings.Repeat(s+",", n), ",") + "]" }
	past := fmt.Sprint(time.Now().Add(-time.Second).Unix())
	ahead := fmt.Sprint(time.Now().Add(30 * time.Minute).Unix()) // also when a busy machine comes to it minutes later
	c := func(reason reason, name, more string) refusedCase {
		return refusedCase{name, says(more), "acme", reason}
	}
	return []refusedCase{
		{"sub twice", byAcme(plain, strings.TrimSuffix(acmeSays(""), "}")+`,"sub":"bob"}`), "", reasonDuplicate},
		{"tenant twice", byAcme(plain, strings.TrimSuffix(acmeSays(""), "}")+`,"tenan\u0074":"globex"}`), "", reasonDuplicate},
		c(reasonDuplicate, "an action twice", `"channels":{"publish":[],"publish":["**"]}`),
		c(reasonIssuer, "another", `"iss":"https://login.evil"`),
		c(reasonIssuer, "with a slash", `"iss":"https://login/"`),
		c(reasonIssuer, "missing", `"iss":null`),
		c(reasonIssuer, "a number", `"iss":1`),
		c(reasonAudience, "another", `"aud":["a","b"]`),
		c(reasonAudience, "missing", `"aud":null`),
		c(reasonAudience, "empty", `"aud":[]`),
		c(reasonAudience, "a number in it", `"aud":["dash",1]`),
		c(reasonAudience, "too many", `"aud":`+list(65, `"dash"`)),
		c(reasonNoExpiry, "missing", `"exp":null`),
		c(reasonNoExpiry, "text", `"exp":"4102444800"`),
		c(reasonNoExpiry, "zero", `"exp":0`),
		c(reasonNoExpiry, "negative", `"exp":-1`),
		c(reasonNoExpiry, "out of range", `"exp":1e300`),
		c(reasonNoExpiry, "out of any range", `"exp":1e999`),
		c(reasonExpired, "a second ago", `"exp":`+past),
		c(reasonSignature, "forged before expired", `"exp":`+past).forged(),
		c(reasonAudience, "wrong before expired", `"aud":"x","exp":`+past),
		c(reasonNotYet, "in half an hour", `"nbf":`+ahead),
		c(reasonNotYet, "true", `"nbf":true`),
		c(reasonIssued, "in half an hour", `"iat":`+ahead),
		c(reasonIssued, "text", `"iat":"now"`),
		c(reasonUser, "missing", `"sub":null`),
		c(reasonUser, "empty", `"sub":""`),
		c(reasonUser, "a number", `"sub":7`),
		c(reasonUser, "too long", `"sub":"`+strings.Repeat("x", realtime.MaxIDBytes+1)+`"`),
		c(reasonUser, "a line break", `"sub":"ann\nbob"`),
		c(reasonUser, "half a surrogate pair", `"sub":"ann\ud83c"`),
		c(reasonFilters, "text", `"filters":"true"`),
		c(reasonFilters, "no pattern", `"filters":{"a:**:b":"true"}`),
		c(reasonFilters, "a number", `"filters":{"a":1}`),
		c(reasonFilters, "null", `"filters":{"a":null}`),
		c(reasonFilters, "empty", `"filters":{"a":""}`),
		c(reasonFilters, "too long", `"filters":{"a":"`+strings.Repeat("x", realtime.MaxFilterBytes+1)+`"}`),
		c(reasonFilters, "a number in it", `"filters":{"a":["true",1]}`),
		c(reasonColumns, "text in it", `"columns":{"a":"lat"}`),
		c(reasonColumns, "an empty name", `"columns":{"a":[""]}`),
		c(reasonManage, "text", `"manage":"users"`),
		c(reasonManage, "too many", `"manage":`+list(MaxManage+1, `"users"`)),
		c(reasonGroups, "text", `"groups":"fx"`),
		c(reasonGroups, "an empty one", `"groups":["fx",""]`),
		c(reasonGroups, "null in it", `"groups":["fx",null]`),
		c(reasonGroups, "too many", `"groups":`+list(MaxGroups+1, `"fx"`)),
		c(reasonGrants, "a list", `"channels":["**"]`),
		c(reasonGrants, "text", `"channels":{"subscribe":"**"}`),
		c(reasonGrants, "no pattern", `"channels":{"publish":["a:**:b"]}`),
		c(reasonGrants, "null in it", `"channels":{"presence":[null]}`),
		c(reasonGrants, "too many", `"channels":{"subscribe":`+list(200, `"a"`)+`,"publish":`+list(57, `"a"`)+`}`),
	}
}

// forged returns the case with the first character of its signature changed.
func (c refusedCase) forged() refusedCase {
	at := strings.LastIndexByte(c.token, '.') + 1
	other := "A"
	if c.token[at] == 'A' {
		other = "B"
	}
	c.token = c.token[:at] + other + c.token[at+1:]
	return c
}

// TestBroughtKeysAreNotFetched sends tokens whose headers point at a key set that would verify them.
func TestBroughtKeysAreNotFetched(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	verifier, _ := newVerifier(t, twoTenants(), Options{JWKS: JWKSOptions{Client: server.Client()}})
	for _, name := range []string{"jku", "x5u"} {
		token := forge(jwt.SigningMethodRS256, rsaKey(), `{"alg":"RS256","kid":"theirs","`+name+`":"`+server.URL+`"}`, saying(""))
		if got := codeOf(verifier.Verify(t.Context(), token)); got != realtime.CodeUnauthorized {
			t.Errorf("%s: %q", name, got)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests", asked.Load())
	}
}
