package memory

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

const everything = `{"tenants": {"acme": {
  "auth": {"issuer": "https://issuer", "audience": ["a", "b"], "keys": [{"kid":"k1","alg":"HS256","secret":"s"}, {"kid":"k2","alg":"RS256","pem":"p"}], "jwksUrl": "https://keys", "allowQuery": true},
  "origins": ["*"],
  "namespaces": {"prices": {"window": 1000, "windowFor": "2m", "overflow": "conflate", "tick": "20ms"}, "*": {}},
  "limits": {"connections": 1000, "messageBytes": 65536},
  "placement": "pooled", "suspended": true},
 "globex": {}, "initech": null}}`

func TestLoadTenants(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(name, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	tenants, err := LoadTenantsFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"acme", "globex", "initech"}, tenants.IDs()); diff != "" {
		t.Errorf("tenants (-want +got):\n%s", diff)
	}
	want := &realtime.Tenant{
		ID: "acme", Version: 1,
		Auth: realtime.Auth{
			Issuer: "https://issuer", Audience: []string{"a", "b"}, JWKSURL: "https://keys", AllowQuery: true,
			Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: "s"}, {KID: "k2", Alg: "RS256", PEM: "p"}},
		},
		Origins: []string{"*"},
		Namespaces: map[string]realtime.Namespace{
			"prices": {Window: 1000, WindowFor: realtime.Duration(2 * time.Minute), Overflow: realtime.OverflowConflate, Tick: realtime.Duration(20 * time.Millisecond)},
			"*":      {},
		},
		Limits:    realtime.Limits{Connections: 1000, MessageBytes: 65536},
		Placement: "pooled", Suspended: true,
	}
	got, err := tenants.Tenant(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("acme (-want +got):\n%s", diff)
	}
	if _, err := tenants.Tenant(t.Context(), "hooli"); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Errorf("an unknown tenant: %v", err)
	}
	if _, err := LoadTenantsFile(name + ".missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestLoadTenantsFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string // each a part of one line, in order
	}{
		{"nothing", ``, []string{"line 1: EOF"}},
		{"no object", `[]`, []string{"the file: must be an object"}},
		{"no tenants", `{}`, []string{"tenants: is missing"}},
		{"cut short", "{\n\"tenants\": {\n", []string{"line 3: unexpected EOF"}},
		{"a slip of syntax", "{\"tenants\":\n{\"acme\": {,}}}", []string{"line 2: invalid character ','"}},
		{"two documents", `{"tenants": {}} {}`, []string{"line 1: there is data after the document"}},
		{"unknown at the top", `{"tenants": {}, "tenant": {}}`, []string{"tenant: unknown field"}},
		{"unknown limit", `{"tenants": {"acme": {"limits": {"conections": 1}}}}`, []string{"tenants.acme.limits.conections: unknown field"}},
		{"a field in another case", `{"tenants": {"acme": {"Limits": {}}}}`, []string{"tenants.acme.Limits: unknown field"}},
		{"the ID as a field", `{"tenants": {"acme": {"ID": "globex"}}}`, []string{"tenants.acme.ID: unknown field"}},
		{"unknown in an array", `{"tenants": {"acme": {"auth": {"keys": [{"alg": "HS256"}, {"algo": "x"}]}}}}`, []string{"tenants.acme.auth.keys[1].algo: unknown field"}},
		{"twice", `{"tenants": {"acme": {}, "acme": {}}}`, []string{"tenants.acme: appears twice"}},
		{"wrong type", `{"tenants": {"acme": {"limits": {"connections": "many"}}}}`, []string{"tenants.acme.limits.connections: must be a whole number, got a string"}},
		{"wrong duration", `{"tenants": {"acme": {"namespaces": {"p": {"tick": 20}}}}}`, []string{"tenants.acme.namespaces.p.tick: must be a duration such as"}},
		{"no array", `{"tenants": {"acme": {"origins": "*"}}}`, []string{"tenants.acme.origins: must be an array"}},
		{"no document", `{"tenants": {"acme": 1}}`, []string{"tenants.acme: must be an object"}},
		{"bad ID", `{"tenants": {"Acme": {}}}`, []string{`tenants.Acme: tenant: must contain only`}},
		{"refused by Check", `{"tenants": {"acme": {"limits": {"connections": -1}}}}`, []string{"tenants.acme.limits.connections: must not be negative"}},
		{
			"all at once",
			`{"tenants": {"acme": {"limit": {}, "origins": 1}, "b": {"suspended": 1}, "c": {"placement": "x"}, "d": {"limits": {"userShare": -1}}}}`,
			[]string{
				"tenants.acme.limit: unknown field", "tenants.acme.origins: must be an array", "tenants.b.suspended: must be true or false",
				"tenants.c.placement:", "tenants.d.limits.userShare:",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadTenants(strings.NewReader(tt.text))
			if realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Fatalf("%v, want %s", err, realtime.CodeBadRequest)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("fault %d is %q, want %q", i, lines[i], want)
				}
			}
		})
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	tenants, err := NewTenants(&realtime.Tenant{ID: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := tenants.Tenant(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	newer := &realtime.Tenant{ID: "acme", Version: first.Version, Suspended: true}
	written, err := tenants.Put(t.Context(), newer)
	if err != nil || newer.Version != first.Version {
		t.Fatalf("%+v, %v; what was handed in is %+v", written, err, newer)
	}
	if _, err := tenants.Put(t.Context(), &realtime.Tenant{ID: "acme", Placement: "moon"}); realtime.CodeOf(err) != realtime.CodeBadRequest {
		t.Errorf("a bad document: %v", err)
	}
	if got, err := tenants.Tenant(t.Context(), "acme"); got != written {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := NewTenants(newer, newer); err == nil {
		t.Error("the same tenant twice was taken")
	}
}

// FuzzLoadTenants looks for text that panics, or that is taken although
// it is not what it says: what is loaded and refused must not depend on being read again.
func FuzzLoadTenants(f *testing.F) {
	f.Add(everything)
	f.Add(`{"tenants": {"acme": {"limits": {"conections": 1}}}}`)
	f.Add(`{"tenants": {"a": null, "a": {"auth": {"keys": [null, {}]}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		tenants, err := LoadTenants(strings.NewReader(text))
		if err != nil {
			if tenants != nil || err.Error() == "" {
				t.Errorf("tenants %v with error %q", tenants, err)
			}
			return
		}
		for _, id := range tenants.IDs() {
			doc, err := tenants.Tenant(t.Context(), id)
			if err != nil || doc.ID != id || doc.Check() != nil {
				t.Errorf("%q: %+v, %v", id, doc, err)
			}
		}
	})
}
