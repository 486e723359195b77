package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// hookSecret makes a secret of a byte.
func hookSecret(b string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(b, 32)))
}

// The secrets of hooks are written and never shown; a hook that is written without them keeps those it had.
func TestSecretsOfHooks(t *testing.T) {
	t.Parallel()
	s := start(t)
	op := s.operator()
	hook := func(rest string) string {
		return `{"hooks":[{"name":"crm","url":"https://example.com/a","on":["connect"]` + rest + `}]}`
	}
	a, b := hookSecret("a"), hookSecret("b")
	s.want(400, "PUT /v1/tenants/hooked", op, hook(``))
	stored := func() []string {
		doc, err := s.tenants.Stored(t.Context(), "hooked")
		if err != nil {
			t.Fatal(err)
		}
		return doc.Hooks[0].Secrets
	}
	for _, c := range []struct {
		what, body string
		status     int
		want       []string
		changes    []string // of the plan
	}{
		{"PUT", hook(`,"secrets":["` + a + `"]`), 201, []string{a}, nil},
		{"PUT", hook(`,"timeout":"1s"`), 200, []string{a}, []string{"hooks"}},
		{"PATCH", `{"origins":["*"]}`, 200, []string{a}, []string{"origins"}},
		{"PATCH", hook(`,"secrets":["` + b + `","` + a + `"]`), 200, []string{b, a}, []string{"hooks", "hooks.crm.secrets secret"}},
		{"PATCH", hook(`,"secrets":["` + b + `"]`), 200, []string{b}, []string{"hooks.crm.secrets secret"}},
		{"PATCH", hook(``), 200, []string{b}, nil},
		{"PATCH", hook(`,"auth":"oidc"`), 200, nil, []string{"hooks", "hooks.crm.secrets secret"}},
	} {
		if c.what == "PATCH" {
			dry := s.want(200, "PATCH /v1/tenants/hooked?dryRun=true", op, c.body)
			var plan httpapi.Plan
			if err := json.Unmarshal([]byte(dry.Raw), &plan); err != nil {
				t.Fatal(err)
			}
			var changes []string
			for _, change := range plan.Changes {
				if change.Secret {
					change.Field += " secret"
				}
				changes = append(changes, change.Field)
			}
			if diff := cmp.Diff(c.changes, changes); diff != "" || strings.Contains(dry.Raw, "whsec_") {
				t.Errorf("%s (-want +got):\n%s\n%s", c.body, diff, dry.Raw)
			}
		}
		did := s.want(c.status, c.what+" /v1/tenants/hooked", op, c.body)
		if diff := cmp.Diff(c.want, stored()); diff != "" || strings.Contains(did.Raw, "whsec_") {
			t.Errorf("%s %s (-want +got):\n%s\n%s", c.what, c.body, diff, did.Raw)
		}
	}
	if got := s.want(200, "GET /v1/tenants/hooked", op, ""); strings.Contains(got.Raw, "whsec_") || !strings.Contains(got.Raw, "example.com") {
		t.Errorf("shown: %s", got.Raw)
	}
}

// What grants alone allow is refused where hooks decide, because nobody here can ask them; what a part of the API allows is not.
func TestHooksDecide(t *testing.T) {
	t.Parallel()
	s := start(t)
	for id, h := range map[string]realtime.Hook{
		"undecided":  {On: []string{"publish"}},
		"connects":   {On: []string{"connect"}},
		"subscribes": {On: []string{"subscribe"}, Channels: []realtime.Pattern{"board:*"}},
	} {
		h.Name, h.URL, h.Secrets = "h", "https://example.com", []string{hookSecret("a")}
		doc := tenant(id)
		doc.Hooks = []realtime.Hook{h}
		if _, err := s.tenants.Put(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
		all := []realtime.Pattern{"**"}
		token := func(parts ...realtime.Manage) string {
			return sign(t, doc, auth.Claims{User: "ann", Grants: realtime.Grants{Subscribe: all, Presence: all, Demand: all}, Manage: parts, Expires: time.Now().Add(time.Hour)})
		}
		for _, path := range []string{"position", "history", "presence"} {
			url := "GET /v1/tenants/" + id + "/channels/board:1/" + path
			got := s.call(url, token(), "")
			if decided := strings.Contains(got.Raw, "hooks decide"); decided != (id != "undecided") || decided && got.Status != 403 {
				t.Errorf("%s: %s: %d %s", id, url, got.Status, got.Raw)
			}
			if got := s.call(url, token(realtime.ManageHistory, realtime.ManagePresence), ""); strings.Contains(got.Raw, "hooks decide") {
				t.Errorf("%s: %s with a part: %d %s", id, url, got.Status, got.Raw)
			}
		}
		if got := s.call("GET /v1/tenants/"+id+"/channels/other:1/position", token(), ""); (got.Status == 403) != (id == "connects") {
			t.Errorf("%s: another channel: %d %s", id, got.Status, got.Raw)
		}
	}
}
