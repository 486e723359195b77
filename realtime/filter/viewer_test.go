package filter

import (
	"fmt"
	"testing"
)

// hostile are names that would change a filter if they became a part of its text.
func hostile() []string {
	return []string{
		"ann", "x' || true || '", `x\' || true || \'`, `x" || true || "`, "' == '' || 'a' == 'a", "{group}", "{user}", "{user}{group}", "true", "null",
		"x'\n|| true //", "\\", "'", "''", "${user}", "%s", "x\x00y", "\xff", "\xfe", "ż", "tags.client", "@none", "']; true", "'] || true || ['", "*", ".*",
	}
}

// A filter of a viewer matches what is the viewer's, and only that, whatever the viewer is called.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for _, source := range []string{
		"tags.client == '{user}'", "tags.client == user", "tags.client in [user]", "'{user}' == tags.client", "[user].exists(u, u == tags.client)",
		"tags.client in ['{user}']", "key == 'of-{user}-' && tags.client == user", "key == 'of-' + user + '-'",
		"tags.client == '{group}'", "tags.client in groups", "tags.client in ['{group}']", "groups.exists(g, g == tags.client)",
		"key.startsWith('of-{group}-')", "key.endsWith('-{group}-') && tags.client in groups",
	} {
		programs := map[string]string{}
		for _, name := range hostile() {
			p, err := c.Compile(source, Environment{User: name, Groups: []string{name}, Templates: true})
			if err != nil {
				t.Fatalf("%s for %q: %v", source, name, err)
			}
			if twin := programs[p.Source()]; twin != "" {
				t.Errorf("%s: %q and %q have one program, %s", source, name, twin, p.Source())
			}
			programs[p.Source()] = name
			for _, other := range hostile() {
				var in Input
				in.Reset(Attributes{Key: "of-" + other + "-", EventType: "", Tags: TagMap{"client": other}, Data: nil})
				if got := p.Match(&in); got != (name == other) {
					t.Errorf("%s for %q is %v with %q (%s)", source, name, got, other, p.Source())
				}
			}
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	c, in := newCompiler(t), position()
	for _, of := range []struct {
		source string
		groups []string
		want   bool
	}{
		{"tags.client == '{group}'", nil, false},
		{"tags.client == '{group}'", []string{"a", "b"}, false},
		{"tags.client == '{group}'", []string{"a", "acme"}, true},
		{"!(tags.client == '{group}')", []string{"a", "acme"}, false},
		{"!(tags.client == '{group}')", nil, true},
		{"tags.empty == '{group}'", []string{""}, false},
		{"tags.empty in groups", []string{""}, false},
		{"tags.client in ['x', '{group}']", []string{"acme"}, true},
		{"tags.client in ['acme', '{group}']", nil, true},
		{"tags.client.startsWith('{group}')", []string{"a", "b"}, true},
		{"tags.client.startsWith('{group}')", []string{"b"}, false},
		{"tags.client.startsWith('{group}')", nil, false},
		{"!tags.client.startsWith('{group}')", []string{"b", "a"}, false},
		{"tags.client == 'acme' && key.contains('{group}')", []string{"7"}, true},
		{"user == '{group}'", []string{"ann"}, true},
		{"'{user}-{group}' == user + '-acme'", []string{"{user}", "acme"}, true},
		{"tags['{user}'] == 'acme'", nil, false},
		{"tags['x-{user}'] == '1'", nil, false},
		{"has(tags.a) ? true : key == 'v{group}'", []string{"7"}, true},
		{"tags.client == '{user}{group}'", []string{"acme"}, false},
	} {
		p, err := c.Compile(of.source, Environment{User: "ann", Groups: of.groups, Templates: true})
		if err != nil {
			t.Errorf("%s: %v", of.source, err)
		} else if got := p.Match(in); got != of.want {
			t.Errorf("%s of %q is %v (%s)", of.source, of.groups, got, p.Source())
		}
	}
	for _, source := range []string{"tags.client != '{group}'", "tags.client < '{group}'", "'{group}' in tags", "('{group}' + 'a') == key", "tags['{group}'] == 'a'", "size('{group}') == 1"} {
		if p, err := c.Compile(source, Environment{Groups: []string{"a"}, Templates: true}); err == nil {
			t.Errorf("%s passes as %s", source, p.Source())
		}
	}
}

// A viewer without a user sees nothing that is for a user, not even what is for nobody.
func TestNoUser(t *testing.T) {
	t.Parallel()
	c, in := newCompiler(t), position()
	for source, want := range map[string]bool{
		"tags.empty == user": false, "tags.empty == '{user}'": false, "key.startsWith(user)": false, "key.startsWith('{user}')": false,
		"tags.empty in [user]": false, "tags.empty != user": false, "user == ''": false, "user == user": false, "key == 'v7' || tags.empty == user": true,
		"key + user == key": false, "['', user].exists(u, u == '')": false, "user.startsWith('')": false,
	} {
		p, err := c.Compile(source, Environment{Templates: true})
		if err != nil {
			t.Errorf("%s: %v", source, err)
		} else if got := p.Match(in); got != want {
			t.Errorf("%s is %v (%s)", source, got, p.Source())
		}
	}
}

// A client's filter has no templates.
func TestNoTemplates(t *testing.T) {
	t.Parallel()
	p, err := newCompiler(t).Compile("tags.client == '{user}' || tags.client == '{group}'", Environment{User: "ann", Groups: []string{"acme"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []string{"ann", "acme", "{user}", "{group}"} {
		var in Input
		in.Reset(Attributes{Key: "", EventType: "", Tags: TagMap{"client": client}, Data: nil})
		if p.Match(&in) != (client[0] == '{') {
			t.Error(client)
		}
	}
}

// Filters that mean the same are one program; a program's source is a filter again, and the same one.
func TestSource(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for source, want := range map[string]string{
		"tags . client=='a'":                        "tags.client == 'a'",
		"tags['client'] == \"a\" // why":            "tags.client == 'a'",
		"tags['x-y'] == r'\\'":                      `tags['x-y'] == '\\'`,
		"tags['in'] == '\\''":                       `tags['in'] == '\''`,
		"num(tags.x)>1&&num(tags.x)<1e30":           "num(tags.x) > 1 && num(tags.x) < 1e30",
		"(key == 'a' || key == 'b') && (key=='c')":  "(key == 'a' || key == 'b') && key == 'c'",
		"key == 'a' || (key == 'b' && key=='c')":    "key == 'a' || key == 'b' && key == 'c'",
		"key == 'a' && (key == 'b' && key=='c')":    "key == 'a' && key == 'b' && key == 'c'",
		"key == 'a' && key == 'a' && true":          "key == 'a'",
		"!(key == 'a')":                             "!(key == 'a')",
		"!(key == 'a' ? true : false)":              "!(key == 'a' ? true : false)",
		"num(key) - (1.50 - 2) == -(num(key)) * -3": "num(key) - (1.5 - 2) == -num(key) * (-3)",
		"data.a['b'] == null && has(data.a.b)":      "data.a.b == null && has(data.a.b)",
		"has(tags.x) ? true : key in ['a' , user]":  "has(tags.x) ? true : key in ['a', 'ann']",
		"'x' in tags":                               "'x' in tags",
		"(key == 'a') == (key == 'b')":              "key == 'a' == (key == 'b')",
	} {
		p, err := c.Compile(source, ann())
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if p.Source() != want {
			t.Errorf("%s:\n got %s\nwant %s", source, p.Source(), want)
		}
		if again, err := c.Compile(p.Source(), ann()); err != nil || again.Source() != want {
			t.Errorf("%s: %v, %v", want, again, err)
		}
	}
}

func TestJoined(t *testing.T) {
	t.Parallel()
	c, in := newCompiler(t), position()
	of := func(source string) *Program {
		p, err := c.Compile(source, ann())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	yes, no, choice := of("key == 'v7'"), of("key == 'a'"), of("key == 'a' || event == 'position'")
	for _, row := range []struct {
		name   string
		p      *Program
		source string
		want   bool
	}{
		{"none", And(), "true", true},
		{"nil", And(nil, nil), "true", true},
		{"one", And(nil, yes), "key == 'v7'", true},
		{"both", And(yes, no, yes), "key == 'v7' && key == 'a'", false},
		{"parentheses", And(choice, yes), "(key == 'a' || event == 'position') && key == 'v7'", true},
		{"or none", Or(), "false", false},
		{"or one", Or(no), "key == 'a'", false},
		{"or two", Or(no, yes), "(key == 'a') || (key == 'v7')", true},
		{"or all", Or(no, nil), "true", true},
		{"or true", Or(no, of("true")), "true", true},
		{"and or", And(Or(no, yes), choice), "((key == 'a') || (key == 'v7')) && (key == 'a' || event == 'position')", true},
	} {
		if row.p.Source() != row.source || row.p.Match(in) != row.want {
			t.Errorf("%s: %s is %v", row.name, row.p.Source(), row.p.Match(in))
		}
	}
}

func TestEqualities(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for source, want := range map[string]string{
		"tags.client == 'a'":                      "[{tags.client [a]}]",
		"'a' == tags.client":                      "[{tags.client [a]}]",
		"key != 'b' && event == 'e'":              "[{event [e]}]",
		"key in ['k', 'a'] && eventType == 'e'":   "[{key [a k]} {event [e]}]",
		"tags.client in groups":                   "[{tags.client [acme beta]}]",
		"key in []":                               "[{key []}]",
		"data.a.b == user":                        "[]",
		"data.bid == 1":                           "[]",
		"source == 'a'":                           "[]",
		"tags.client == 'a' || key == 'b'":        "[]",
		"!(tags.client == 'a')":                   "[]",
		"tags[key] == 'a'":                        "[]",
		"tags.client == tags.owner":               "[]",
		"num(tags.x) > 1 && tags['x y'] == 'a b'": "[{tags.x y [a b]}]",
	} {
		p, err := c.Compile(source, ann())
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(p.Equalities()); got != want {
			t.Errorf("%s: %s", source, got)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	c, in := newCompiler(t), position()
	for source, want := range map[string]string{
		"key == 'v7' && tags.client == 'b'":     "tags.client == 'b' is false",
		"tags.none == 'b'":                      `tags.none == 'b' is false: there is no tag "none"`,
		"num(tags.word) > 80":                   "num(tags.word) > 80 is false: num(tags.word) is no number",
		"num(tags.none) > 80":                   `num(tags.none) > 80 is false: there is no tag "none"`,
		"num(data.gone) + 1 > 80 || key == 'a'": "num(data.gone) + 1 > 80 || key == 'a' is false: there is no data.gone",
		"data.o == 1":                           "data.o == 1 is false: data.o is an object, a list or a number out of range",
		"data.bid > 'a'":                        "data.bid > 'a' is false: values of two types have no order",
		"data.bid.startsWith('8')":              "data.bid.startsWith('8') is false: only texts have parts",
		"data.bid":                              "data.bid is false: it is neither true nor false",
		"tags[tags.none] == 'a'":                `tags[tags.none] == 'a' is false: there is no tag "none"`,
	} {
		p, err := c.Compile(source, ann())
		if err != nil {
			t.Fatal(err)
		}
		if r, no := p.Explain(in); !no || r.String() != want {
			t.Errorf("%s:\n got %s\nwant %s", source, r, want)
		}
	}
}
