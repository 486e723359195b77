package realtime_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func TestNewChannel(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tenant, channel string
		ok              bool
	}{
		"two segments":     {"acme", "prices:fx", true},
		"one segment":      {"acme", "prices", true},
		"signs":            {"acme", "a_b-c.d/e@f=g+h~i", true},
		"longest":          {"acme", strings.Repeat("x", realtime.MaxChannelBytes), true},
		"too long":         {"acme", strings.Repeat("x", realtime.MaxChannelBytes+1), false},
		"empty":            {"acme", "", false},
		"empty segment":    {"acme", "prices::fx", false},
		"ends open":        {"acme", "prices:", false},
		"begins open":      {"acme", ":prices", false},
		"pattern":          {"acme", "prices:*", false},
		"brace":            {"acme", "prices:{user}", false},
		"space":            {"acme", "prices: fx", false},
		"null":             {"acme", "prices\x00fx", false},
		"not ASCII":        {"acme", "preise:öl", false},
		"quote":            {"acme", `prices"fx`, false},
		"tenant upper":     {"Acme", "prices:fx", false},
		"tenant with path": {"acme/globex", "prices:fx", false},
		"tenant empty":     {"", "prices:fx", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := realtime.NewChannel(tc.tenant, tc.channel)
			if (err == nil) != tc.ok {
				t.Fatalf("error %v, want ok %v", err, tc.ok)
			}
			if err != nil && realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Errorf("code %s", realtime.CodeOf(err))
			}
			if err == nil && (c.Tenant() != tc.tenant || c.Name() != tc.channel) {
				t.Errorf("got %v", c)
			}
		})
	}
}

func TestChannelsOfTwoTenantsDiffer(t *testing.T) {
	t.Parallel()
	a, errA := realtime.NewChannel("acme", "prices:fx")
	b, errB := realtime.NewChannel("globex", "prices:fx")
	if errA != nil || errB != nil || a == b {
		t.Errorf("%v %v %v == %v", errA, errB, a, b)
	}
}

func TestPatternMatch(t *testing.T) {
	t.Parallel()
	groups := []string{"fx-desk", "ops"}
	for _, tc := range []struct {
		pattern, channel, user string
		want                   bool
	}{
		{"prices:fx", "prices:fx", "ann", true},
		{"prices:fx", "prices:fxx", "ann", false},
		{"prices:*", "prices:fx", "ann", true},
		{"prices:*", "prices:fx:spot", "ann", false},
		{"prices:*", "prices", "ann", false},
		{"prices:**", "prices:fx:spot", "ann", true},
		{"prices:**", "prices", "ann", false},
		{"**", "anything:at:all", "ann", true},
		{"*:fx", "prices:fx", "ann", true},
		{"inbox:{user}", "inbox:ann", "ann", true},
		{"inbox:{user}", "inbox:bob", "ann", false},
		{"desk:{group}", "desk:ops", "ann", true},
		{"desk:{group}", "desk:hr", "ann", false},
		{"inbox:{user}", "inbox:a:b", "a:b", false}, // a user never widens a pattern
		{"inbox:{user}", "inbox:*", "*", true},      // nor is it read as one: only the very name
		{"inbox:{user}", "inbox:bob", "*", false},
		{"inbox:{user}", "inbox:", "", false},
	} {
		if got := realtime.Pattern(tc.pattern).Match(tc.channel, tc.user, groups); got != tc.want {
			t.Errorf("%s on %s for %q: %v", tc.pattern, tc.channel, tc.user, got)
		}
	}
}

func TestCheckPattern(t *testing.T) {
	t.Parallel()
	for pattern, ok := range map[string]bool{
		"prices:*": true, "**": true, "a:{user}:*": true, "a:b:**": true,
		"": false, "a:**:b": false, "a:b*": false, "a::b": false, "a:{tenant}": false, "a:***": false,
	} {
		if err := realtime.CheckPattern(pattern); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// Two patterns overlap if, and only if, some channel is selected by both: of short segments, all channels are tried.
func TestPatternsOverlap(t *testing.T) {
	t.Parallel()
	var names, patterns []string
	for _, a := range []string{"", "a", "b", "*", "**"} {
		for _, b := range []string{"", "a", "b", "*", "**"} {
			for _, c := range []string{"", "a", "b", "*", "**"} {
				name := strings.Trim(strings.Join([]string{a, b, c}, ":"), ":")
				switch {
				case strings.Contains(name, "::") || realtime.CheckPattern(name) != nil:
				case realtime.IsSelection(name):
					patterns = append(patterns, name)
				default:
					names = append(names, name)
				}
			}
		}
	}
	for _, p := range patterns {
		for _, q := range patterns {
			both := slices.ContainsFunc(names, func(name string) bool {
				return realtime.Pattern(p).Match(name, "", nil) && realtime.Pattern(q).Match(name, "", nil)
			})
			if got := realtime.Pattern(p).Overlaps(realtime.Pattern(q)); got != both {
				t.Errorf("%q and %q: %v", p, q, got)
			}
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("prices:*", "prices:fx", "ann")
	f.Add("**", "a:b:c", "")
	f.Add("{user}:{group}", "a:b", "a")
	f.Fuzz(func(t *testing.T, pattern, name, user string) {
		if realtime.CheckPattern(pattern) != nil {
			return
		}
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			return
		}
		got := realtime.Pattern(pattern).Match(c.Name(), user, nil)
		if !strings.ContainsAny(pattern, "*{") && got != (pattern == name) {
			t.Errorf("%q on %q: %v", pattern, name, got)
		}
		if pattern == "**" && !got {
			t.Errorf("%q is not selected by all", name)
		}
	})
}

func TestGrantsEndAtTheTenant(t *testing.T) {
	t.Parallel()
	p := realtime.Principal{Tenant: "acme", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}}
	own, _ := realtime.NewChannel("acme", "prices:fx")
	other, _ := realtime.NewChannel("globex", "prices:fx")
	if !p.May(realtime.ActionSubscribe, own) || p.May(realtime.ActionSubscribe, other) || p.May(realtime.ActionPublish, own) || p.May(realtime.ActionSubscribe, realtime.Channel{}) {
		t.Error("a grant reaches too far, or not far enough")
	}
}

func TestPositionRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range []realtime.Position{
		{}, {Time: 1, ID: "a"}, {Time: 1764000000000}, {Time: 1764000000000, ID: "x-y-z"},
		realtime.Moment(time.UnixMilli(5)),
	} {
		got, err := realtime.ParsePosition(p.String())
		if err != nil || got != p || string(p.Append(nil)) != p.String() {
			t.Errorf("%v: got %v, %v", p, got, err)
		}
	}
	for _, s := range []string{"-", "a", "1", "01-a", "+1-a", "-1-a", "0-a", "1 -a", "99999999999999999-a", "1-a\n", "1-" + strings.Repeat("x", 201), "1-\xff"} {
		if p, err := realtime.ParsePosition(s); err == nil || realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("%q: got %v, %v", s, p, err)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("1764000000000-abc")
	f.Add("1-")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := realtime.ParsePosition(s); err == nil && p.String() != s {
			t.Errorf("%q is read as %q", s, p)
		}
	})
}
