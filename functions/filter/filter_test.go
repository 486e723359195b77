package filter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type published struct {
	all []realtime.Publication
	err error
}

func (p *published) Publish(_ context.Context, _ *realtime.Tenant, pubs []realtime.Publication) error {
	p.all = append(p.all, pubs...)
	return p.err
}

const rules = `{"tenant":"acme","fields":["data.severity"],"rules":[
	{"when":"num(data.severity) >= 3 && tags.env == 'live'","channel":"alerts:{tags.region}","key":"{data.host}","tags":["region"]},
	{"channel":"raw:{key}"}]}`

func start(t *testing.T) (*Function, *published) {
	t.Helper()
	r, err := ParseRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	tenants, err := memory.NewTenants(&realtime.Tenant{ID: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	p := &published{}
	f, err := New(Options{Rules: r, Tenants: tenants, Publisher: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

func push(f *Function, id, key, data string, attributes map[string]string) (int, string) {
	body, err := json.Marshal(map[string]any{"message": map[string]any{"messageId": id, "orderingKey": key, "attributes": attributes, "data": base64.StdEncoding.EncodeToString([]byte(data))}})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body))))
	return w.Code, w.Body.String()
}

// Each rule whose condition holds publishes a message, under the names that the message gives; one that comes again has the same IDs.
func TestRules(t *testing.T) {
	t.Parallel()
	f, p := start(t)
	type event struct{ id, channel, key, data string }
	for _, tt := range []struct {
		name, key, data string
		attributes      map[string]string
		want            []event
		skipped         bool
	}{
		{"both", "k", `{ "severity": 4, "host": "db-7" }`, map[string]string{"env": "live", "region": "eu", "secret": "x"}, []event{{"1.0", "alerts:eu", "db-7", `{"severity":4,"host":"db-7"}`}, {"1.1", "raw:k", "", `{"severity":4,"host":"db-7"}`}}, false},
		{"below the condition", "k", `{"severity":2,"host":"db-7"}`, map[string]string{"env": "live", "region": "eu"}, []event{{"1.1", "raw:k", "", `{"severity":2,"host":"db-7"}`}}, false},
		{"another tag", "k", `{"severity":4,"host":"db-7"}`, map[string]string{"env": "test", "region": "eu"}, []event{{"1.1", "raw:k", "", `{"severity":4,"host":"db-7"}`}}, false},
		{"no host", "k", `{"severity":4}`, map[string]string{"env": "live", "region": "eu"}, []event{{"1.1", "raw:k", "", `{"severity":4}`}}, true},
		{"a bad name", "k", `{"severity":4,"host":"h"}`, map[string]string{"env": "live", "region": "a b*"}, []event{{"1.1", "raw:k", "", `{"severity":4,"host":"h"}`}}, true},
		{"no key", "", `[1]`, nil, nil, true},
		{"a number as key", "k", `{"severity":4,"host":7}`, map[string]string{"env": "live", "region": "eu"}, []event{{"1.0", "alerts:eu", "7", `{"severity":4,"host":7}`}, {"1.1", "raw:k", "", `{"severity":4,"host":7}`}}, false},
	} {
		p.all = nil
		code, body := push(f, "1", tt.key, tt.data, tt.attributes)
		var got []event
		for _, e := range p.all {
			got = append(got, event{e.ID, e.Channel.Name(), e.Key, string(e.Data)})
			if e.Tags["secret"] != "" {
				t.Errorf("%s: a tag is kept that no rule names", tt.name)
			}
		}
		if code != http.StatusOK || !reflect.DeepEqual(got, tt.want) || strings.Contains(body, "skipped") != tt.skipped {
			t.Errorf("%s: %d %s: %v", tt.name, code, body, got)
		}
		first := slices.Clone(p.all)
		push(f, "1", tt.key, tt.data, tt.attributes)
		for i := range first {
			if p.all[len(first)+i].ID != first[i].ID {
				t.Errorf("%s: the second time it has another ID", tt.name)
			}
		}
	}
}

// What never can be published does not come again; what could not be, does.
func TestFaults(t *testing.T) {
	t.Parallel()
	f, p := start(t)
	if code, body := push(f, "1", "k", "no JSON", nil); code != http.StatusOK || !strings.Contains(body, "bad-request") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := push(f, "1", "k", `"`+strings.Repeat("x", 100<<10)+`"`, nil); code != http.StatusOK || !strings.Contains(body, "too-large") {
		t.Errorf("%d %.100s", code, body)
	}
	if len(p.all) > 0 {
		t.Errorf("published %v", p.all)
	}
	p.err = realtime.Errorf(realtime.CodeUnavailable, "broken")
	if code, _ := push(f, "1", "k", `1`, nil); code != http.StatusServiceUnavailable {
		t.Errorf("%d", code)
	}
}

func TestBadRules(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{`: "EOF", `{"tenant":"acme","rules":[]}`: "rules:", `{"tenant":"A b","rules":[{"channel":"x"}]}`: "tenant", `{"tenant":"acme","rules":[{"key":"x"}]}`: "rules[0].channel",
		`{"tenant":"acme","rules":[{"channel":"x:{user}"}]}`: "rules[0].channel", `{"tenant":"acme","rules":[{"channel":"x","key":"{tags."}]}`: "rules[0].key",
		`{"tenant":"acme","rules":[{"channel":"x","when":"data.x == 1"}]}`: "rules[0].when", `{"tenant":"acme","rules":[{"channel":"x","if":"y"}]}`: "if",
		`{"tenant":"acme","rules":[{"channel":"x"}]} {}`: "behind",
	} {
		if _, err := ParseRules(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
