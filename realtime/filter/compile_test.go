package filter

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/parser"
)

func newCompiler(t testing.TB) *Compiler {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ann is the viewer of the tables.
func ann() Environment {
	return Environment{User: "ann", Groups: []string{"acme", "beta"}, Filterable: []string{"data.bid", "data.a.b", "data.urgent", "data.nil", "data.o", "data.gone", "data.big"}}
}

// position is the publication of the tables.
func position() *Input {
	var in Input
	in.Reset(Attributes{
		Key: "v7", EventType: "position", Source: "//trackers/7", ContentType: "text/plain",
		Tags: TagMap{"client": "acme", "speed": "88", "x-y": "1", "word": "fast", "empty": "", "owner": "ann"},
		Data: []byte(`{"bid":80.5,"a":{"b":"x\u0041"},"urgent":true,"nil":null,"o":{"p":1},"big":1e999}`),
	})
	return &in
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	c, in := newCompiler(t), position()
	for source, want := range map[string]bool{
		"true":                    true,
		"false":                   false,
		"key == 'v7'":             true,
		"key.startsWith('v')":     true,
		"key.endsWith('8')":       false,
		"'v' in [key, 'v']":       true,
		"event == 'position'":     true,
		"eventType == 'position'": true,
		"source.endsWith('7') && contentType == 'text/plain'": true,
		"tags.client == 'acme'":                               true,
		"'acme' == tags.client":                               true,
		"tags['x-y'] == '1'":                                  true,
		"tags[event] == '1'":                                  false,
		"tags.word.contains('as')":                            true,
		"user == tags.owner":                                  true,
		"tags.client in groups":                               true,
		"user in groups":                                      false,
		"groups[1] == 'beta'":                                 true,
		"groups[2] == 'beta'":                                 false,
		"groups == ['acme', 'beta']":                          true,
		"groups.exists(g, tags.client == g)":                  true,
		"groups.all(g, tags.client == g)":                     false,
		"groups.exists(g, tags.none == g)":                    false,
		"groups.all(g, !(tags.none == g))":                    true,
		"tags.client + '/' + key == 'acme/v7'":                true,
		// Absence.
		"tags.none == 'a'":                          false,
		"tags.none != 'a'":                          false,
		"!(tags.none == 'a')":                       true,
		"!(tags.none != 'a')":                       true,
		"tags.none == tags.none":                    false,
		"tags.none in ['a']":                        false,
		"tags.client in ['acme', tags.none]":        false,
		"tags.none < 'a' || tags.none >= 'a'":       false,
		"has(tags.none)":                            false,
		"has(tags.empty)":                           true,
		"tags.empty == ''":                          true,
		"'x-y' in tags":                             true,
		"tags.none in tags":                         false,
		"(tags.none == 'a') == false":               true,
		"tags.none.startsWith('')":                  false,
		"(has(tags.none) ? tags.none : 'x') == 'x'": true,
		// Numbers.
		"num(tags.speed) > 80":          true,
		"num(tags.speed) == 88":         true,
		"num(tags.speed) / 2 - 4 == 40": true,
		"-num(tags.speed) <= -88.0":     true,
		"num(tags.word) > 80":           false,
		"num(tags.word) <= 80":          false,
		"!(num(tags.word) > 80)":        true,
		"num(tags.empty) == 0":          false,
		"num('0x10') == 16":             false,
		"num('1_0') == 10":              false,
		"num(' 1') == 1":                false,
		"num('+1') == 1":                false,
		"num('01') == 1":                false,
		"num('.5') == 0.5":              false,
		"num('NaN') != 1":               false,
		"num('1e999') > 1":              false,
		"num('-1.5e+1') == -15":         true,
		"num('0') / 0 == num('0') / 0":  false,
		"num('0') / 0 != 1":             true,
		"num('1') / 0 > 1e308":          true,
		"size(key) == 2":                true,
		"'żółw'.size() == 4":            true,
		// Data.
		"data.bid > 80":                true,
		"data['bid'] == 80.5":          true,
		"data.bid in [1, 80.5]":        true,
		"num(data.bid) == 80.5":        true,
		"data.a.b == 'xA'":             true,
		"data.a['b'] == 'xA'":          true,
		"data.a.b < 'y'":               true,
		"data.a.b > 1":                 false,
		"data.a.b <= 1":                false,
		"data.a.b == 1":                false,
		"data.a.b != 1":                true,
		"num(data.a.b) != 1":           false,
		"data.urgent":                  true,
		"!data.urgent":                 false,
		"data.urgent == true":          true,
		"data.gone":                    false,
		"!data.gone":                   true,
		"data.bid && true":             false,
		"data.nil == null":             true,
		"data.gone == null":            false,
		"data.bid != null":             true,
		"data.nil < 1":                 false,
		"data.o == null":               false,
		"data.o != null":               false,
		"data.o == data.o":             false,
		"has(data.o) && has(data.nil)": true,
		"has(data.gone)":               false,
		"has(data.big)":                true,
		"data.big > 1":                 false,
		// Structure.
		"true || key == 'a' && false":             true,
		"(true || key == 'a') && false":           false,
		"key == 'v7' ? true : false":              true,
		"key == 'a' ? true : event == 'position'": true,
		"!!(key == 'v7')":                         true,
		"// which\nkey == 'v7'":                   true,
		"key == \"v7\"":                           true,
		"key == '\\x767'":                         true,
	} {
		p, err := c.Compile(source, ann())
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := p.Match(in); got != want {
			t.Errorf("%s is %v (%s)", source, got, p.Source())
		}
		if got := reference(t, c, source, ann()).holds(in); got != want {
			t.Errorf("%s is %v to cel-go", source, got)
		}
		if _, no := p.Explain(in); no == want {
			t.Errorf("%s is %v, explained as %v", source, want, !no)
		}
	}
}

// reference returns a filter as cel-go evaluates the whole of it.
func reference(t testing.TB, c *Compiler, source string, of Environment) test {
	t.Helper()
	l, bound, err := c.analyse(source, of)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	whole, err := newCelTest(l.env, l.checked, l.total[bound.ID()], l.fields)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return whole
}

func TestRefused(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for source, want := range map[string]string{
		"":     "is empty",
		" \n":  "is empty",
		"\xff": "is not UTF-8",
		"key == '" + strings.Repeat("a", MaxBytes) + "'": "must be at most 2048 bytes, got 2057",
		"true && true && tag.x == 'a'":                   `line 1, column 17: unknown name "tag"; known are key, tags, data, user, groups, event, source and contentType`,
		"tags.client ==":                                 "line 1, column 15: syntax error: the text ends too early",
		"tags.client = 'a'":                              `line 1, column 13: syntax error: unexpected "="`,
		"key == 'a":                                      `line 1, column 8: syntax error: unterminated string literal`,
		"key == 'a' key":                                 `line 1, column 12: syntax error: unexpected "key"`,
		"tags.speed > 80":                                "line 1, column 12: > cannot be applied to text and a number: tags are text, num(tags.x) is a number",
		"tags.client\n== 5":                              "line 2, column 1: == cannot be applied to text and a number: tags are text, num(tags.x) is a number",
		"tags.client in [1, 2]":                          "line 1, column 13: in cannot be applied to text and a list of numbers",
		"num(groups) > 1":                                "line 1, column 4: num cannot be applied to a list of texts",
		"tags.client && true":                            "line 1, column 1: must be true or false, is text",
		"'a'":                                            "line 1, column 1: must be true or false, is text",
		"num(key)":                                       "line 1, column 4: must be true or false, is a number",
		"!key":                                           "line 1, column 2: must be true or false, is text",
		"tags == 'a'":                                    "line 1, column 1: tags must be followed by a name, as tags.client",
		"data == 'a'":                                    "line 1, column 1: data must be followed by a field, as data.bid",
		"data.ask > 1":                                   `line 1, column 1: unknown field "data.ask"; filterable are data.bid, data.a.b, data.urgent, data.nil, data.o, data.gone, data.big`,
		"data.a > 1":                                     `line 1, column 1: unknown field "data.a"; filterable are data.bid, data.a.b, data.urgent, data.nil, data.o, data.gone, data.big`,
		"data['a.b'] == 'xA'":                            "line 1, column 1: data must be followed by a field, as data.bid",
		"data[key] == 'xA'":                              "line 1, column 1: data must be followed by a field, as data.bid",
		"key.x == 'a'":                                   "line 1, column 1: only tags and data have members: there is no .x here",
		"tags.x.y == 'a'":                                "line 1, column 1: only tags and data have members: there is no .y here",
		"foo(key)":                                       `line 1, column 4: unknown function "foo"; known are num, has, size, startsWith, endsWith, contains, exists and all`,
		"key.matches('.*')":                              "line 1, column 12: matches is not supported: use startsWith, endsWith or contains",
		"num(key) % 2 == 0":                              "line 1, column 10: % is not supported",
		"{'a': 1} == {}":                                 "line 1, column 1: maps are not supported",
		"A{b: 1} == A{}":                                 "line 1, column 2: messages are not supported",
		"b'a' == b'a'":                                   "line 1, column 1: bytes are not supported: write text, without the b",
		"num(key) == 5u":                                 "line 1, column 13: a number has no suffix: write 5",
		"num(key) == 9007199254740992":                   "line 1, column 13: an integer must be at most 9007199254740991, since numbers are 64-bit floats: compare it as text",
		"groups.exists(user, user == key)":               `line 1, column 14: variable "user": the name is taken`,
		"has(key)":                                       "line 1, column 5: invalid argument to has() macro",
		"key.startsWith('a', 'b')":                       "line 1, column 15: startsWith cannot be applied to text and text and text",
		strings.Repeat("!(", 9) + "true" + strings.Repeat(")", 9):  "must be at most 8 deep, is 10",
		strings.Repeat("(", 60) + "true" + strings.Repeat(")", 60): "must be at most 8 deep, without parentheses that change nothing",
		"key in [" + strings.Repeat("'a',", 62) + "'b']":           "must have at most 64 names, literals, operators and calls, got 66",
	} {
		_, err := c.Compile(source, ann())
		var fault *Error
		if !errors.As(err, &fault) {
			t.Errorf("%s: %v", source, err)
		} else if err.Error() != want {
			t.Errorf("%s:\n got %s\nwant %s", source, err, want)
		}
	}
}

// The parser makes the trees of the one that cel-go made from the grammar of CEL.
func TestTreesAreThoseOfTheGrammar(t *testing.T) {
	t.Parallel()
	ours, err := newParser()
	if err != nil {
		t.Fatal(err)
	}
	grammar := newGrammar(t)
	sources := append(ordinary(), "a.b[0].c({'a': 1, b: [2u, 3.e5]}, T{x: -1, y: !-true})", "-1 - - 1 == --1", "'\\u00e9\\x41' + r'\\x' + \"\"\"a'b\"\"\" + b'x'", "a ? b : c ? d : e || f && g", ".a.b == has(a.b) // c",
		"a in b in c", "x.map(y, y > 1, y * 2).exists_one(z, z)", "0x1F + 1e-3 + .5 + 1.5e3")
	for seed := range uint64(300) {
		sources = append(sources, maker{rand.New(rand.NewPCG(seed, 3))}.test(3))
	}
	for _, source := range sources {
		checkTree(t, ours, grammar, source)
	}
}

func newGrammar(t testing.TB) *parser.Parser {
	t.Helper()
	p, err := parser.NewParser(parser.EnableHiddenAccumulatorName(true), parser.Macros(parser.AllMacros...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func checkTree(t *testing.T, ours, grammar *parser.Parser, source string) {
	t.Helper()
	got, faults := ours.Parse(common.NewTextSource(source))
	if len(faults.GetErrors()) > 0 {
		return // it may know less
	}
	want, faults := grammar.Parse(common.NewTextSource(source))
	if len(faults.GetErrors()) > 0 || !got.Equiv(want) {
		t.Errorf("%q: the trees differ: %v", source, faults.GetErrors())
	}
}

// What is at a bound passes.
func TestBounds(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for _, source := range []string{
		"key in [" + strings.Repeat("'a',", 60) + "'b']",
		strings.Repeat("!(", 7) + "true" + strings.Repeat(")", 7),
		strings.Repeat("key == 'a' && ", 20) + "true",
		"key == '" + strings.Repeat("a", MaxBytes-9) + "'",
	} {
		if _, err := c.Compile(source, ann()); err != nil {
			t.Errorf("%.60s: %v", source, err)
		}
	}
}

func TestFilterable(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	if _, err := c.Compile("true", Environment{Filterable: []string{"bid"}}); err == nil || err.Error() != `filterable: "bid" must begin with "data.", as data.bid` {
		t.Error(err)
	}
	if _, err := c.Compile("data.x == 1", Environment{}); err == nil || err.Error() != `line 1, column 1: unknown field "data.x": the namespace declares no filterable fields` {
		t.Error(err)
	}
}
