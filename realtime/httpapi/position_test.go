package httpapi_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// What is published once a position was answered comes after it, for all who may read the channel.
func TestPosition(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := tenant("acme")
	token := func(g realtime.Grants, parts ...realtime.Manage) string {
		return sign(t, doc, auth.Claims{User: "bob", Grants: g, Manage: parts})
	}
	for _, tt := range []struct {
		name, call, token string
		status            int
	}{
		{"an operator", "/channels/board:7/position", s.operator(), 200},
		{"by the part", "/channels/board:7/position", token(realtime.Grants{}, realtime.ManageHistory), 200},
		{"by a grant", "/channels/board:7/position", token(realtime.Grants{Subscribe: []realtime.Pattern{"board:*"}}), 200},
		{"another channel's grant", "/channels/board:7/position", token(realtime.Grants{Subscribe: []realtime.Pattern{"board:8"}, Publish: []realtime.Pattern{"**"}}), 403},
		{"of a reserved channel", "/channels/$demand:x/position", s.operator(), 400},
		{"a parameter too many", "/channels/board:7/position?limit=3", s.operator(), 400},
	} {
		before := time.Now()
		a := s.call("GET /v1/tenants/acme"+tt.call, tt.token, "")
		if a.Status != tt.status {
			t.Errorf("%s: %d %s", tt.name, a.Status, a.Raw)
		}
		if a.Status != 200 {
			continue
		}
		var got struct {
			Position string
			AsOf     time.Time
		}
		if err := json.Unmarshal([]byte(a.Raw), &got); err != nil {
			t.Fatal(err)
		}
		at, err := realtime.ParsePosition(got.Position)
		if err != nil || at.ID != "" || at.Time != got.AsOf.UnixMilli() || at.Time >= before.UnixMilli() {
			t.Errorf("%s: %s, asked at %d: %v", tt.name, a.Raw, before.UnixMilli(), err)
		}
	}
}
