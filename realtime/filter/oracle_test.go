package filter

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// maker makes filters of the language at random, well typed for the most part, and publications.
type maker struct{ *rand.Rand }

func (m maker) one(of ...string) string { return of[m.IntN(len(of))] }

// test makes an expression that is true or false.
func (m maker) test(depth int) string {
	if depth <= 0 {
		return m.one("true", "false", "tags.a == 'x'", "has(tags.b)", "data.flag", "'c-d' in tags", "has(data.n.m)", "key == 'k'")
	}
	d := depth - 1
	switch m.IntN(14) {
	case 0, 1:
		return "(" + m.test(d) + " && " + m.test(d) + ")"
	case 2, 3:
		return "(" + m.test(d) + " || " + m.test(d) + ")"
	case 4:
		return "!(" + m.test(d) + ")"
	case 5:
		return "(" + m.test(d) + " ? " + m.test(d) + " : " + m.test(d) + ")"
	case 6:
		return m.text(d) + m.one(" == ", " != ", " < ", " <= ", " > ", " >= ") + m.text(d)
	case 7:
		return m.number(d) + m.one(" == ", " != ", " < ", " <= ", " > ", " >= ") + m.number(d)
	case 8:
		return m.field() + m.one(" == ", " != ", " < ", " <= ", " > ", " >= ") + m.one(m.text(d), m.number(d), m.field(), "true")
	case 9:
		return m.text(d) + m.one(".startsWith(", ".endsWith(", ".contains(") + m.text(d) + ")"
	case 10:
		return m.text(d) + " in " + m.one("groups", "tags", "['x', 'k', "+m.text(d)+"]", "['x', 'yy']", "[]")
	case 11:
		return m.field() + " in [" + m.one("1, 2.5", "'x', 1", "null", m.number(d)+", "+m.number(d)) + "]"
	case 12:
		return "(" + m.test(d) + ")" + m.one(" == ", " != ", " < ") + "(" + m.test(d) + ")"
	default:
		return m.one("groups", "['x', "+m.text(d)+"]") + m.one(".exists(v, ", ".all(v, ") + m.one("v == ", "v != ", "!(v > ") + m.text(d) + ") || " + m.test(d)
	}
}

func (m maker) text(depth int) string {
	switch m.IntN(9) {
	case 0:
		return m.one("key", "event", "user")
	case 1, 2:
		return m.one("tags.a", "tags.b", "tags['c-d']", "tags.none", "tags.Num")
	case 3:
		return m.field()
	case 4:
		if depth > 0 {
			return "(" + m.test(depth-1) + " ? " + m.text(depth-1) + " : " + m.text(depth-1) + ")"
		}
	case 5:
		if depth > 0 {
			return "(" + m.text(depth-1) + " + " + m.text(depth-1) + ")"
		}
	case 6:
		return "tags[" + m.one("key", "event", "tags.a", "'a'") + "]"
	}
	return m.one("'x'", "'k'", "''", "'yy'", "'1'", "'ż'")
}

func (m maker) number(depth int) string {
	if depth > 0 {
		switch m.IntN(8) {
		case 0:
			return "(" + m.number(depth-1) + m.one(" + ", " - ", " * ", " / ") + m.number(depth-1) + ")"
		case 1:
			return "-(" + m.number(depth-1) + ")"
		case 2:
			return "size(" + m.text(depth-1) + ")"
		case 3:
			return "num(" + m.one(m.text(depth-1), m.number(depth-1)) + ")"
		case 4:
			return "(" + m.test(depth-1) + " ? " + m.number(depth-1) + " : " + m.number(depth-1) + ")"
		}
	}
	return m.one("0", "1", "-1", "2.5", "1e300", "num(tags.Num)", "num(tags.a)", m.field())
}

func (m maker) field() string {
	return m.one("data.s", "data.n.m", "data.flag", "data.none", "data.list", "data.nil")
}

func (m maker) environment() Environment {
	return Environment{User: m.one("", "x", "k"), Groups: strings.Fields(m.one("", "x", "x yy", "k 1")), Filterable: []string{"data.s", "data.n.m", "data.flag", "data.none", "data.list", "data.nil"}}
}

func (m maker) input() *Input {
	tags := TagMap{}
	for _, name := range []string{"a", "b", "c-d", "num", "k", "x"} {
		if m.IntN(2) == 0 {
			tags[name] = m.one("x", "k", "", "yy", "1", "2.5", "-0", "1e999", "nan", "ż")
		}
	}
	data := map[string]any{}
	for _, name := range []string{"s", "n", "flag", "list", "nil"} {
		if m.IntN(4) > 0 {
			data[name] = m.json(name)
		}
	}
	text, _ := json.Marshal(data)
	var in Input
	in.Reset(Attributes{Key: m.one("", "k", "x", "a"), EventType: m.one("", "k", "yy"), Tags: tags, Data: text})
	return &in
}

func (m maker) json(name string) any {
	switch m.IntN(8) {
	case 0:
		return nil
	case 1:
		return m.one("x", "yy", "", "1")
	case 2:
		return m.IntN(2) == 0
	case 3:
		return []any{"x", 1}
	case 4:
		return float64(m.IntN(3)) - 0.5
	}
	switch name {
	case "n":
		return map[string]any{"m": m.json("m"), "z": 1}
	case "flag":
		return true
	case "s":
		return "x"
	}
	return 1
}

// The evaluator of this package and cel-go, which is given the whole expression, have one verdict.
func checkVerdict(t *testing.T, c *Compiler, seed uint64) (compiled bool) {
	t.Helper()
	m := maker{rand.New(rand.NewPCG(seed, 1))}
	source, of := m.test(m.IntN(4)), m.environment()
	p, err := c.Compile(source, of)
	if err != nil {
		return false // too large, or not well typed
	}
	whole := reference(t, c, source, of)
	for range 8 {
		in := m.input()
		got, want := p.Match(in), whole.holds(in)
		if got != want {
			t.Errorf("seed %d: %s is %v, to cel-go %v\nfor %+v\n%+v", seed, source, got, want, of, in.of)
		}
		if again := p.Match(in); again != got {
			t.Errorf("seed %d: %s is %v, then %v", seed, source, got, again)
		}
		if r, no := p.Explain(in); no == got {
			t.Errorf("seed %d: %s is %v, explained by %s", seed, source, got, r)
		}
	}
	return true
}

func TestVerdictsAreThoseOfCEL(t *testing.T) {
	t.Parallel()
	c, compiled := newCompiler(t), 0
	for seed := range uint64(400) {
		if checkVerdict(t, c, seed) {
			compiled++
		}
	}
	if compiled < 250 {
		t.Errorf("%d of 400 filters compile", compiled)
	}
}

func FuzzVerdict(f *testing.F) {
	c := newCompiler(f)
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkVerdict(t, c, seed) })
}

// Of any text Compile makes a program or an error with a position in the text; a program has one verdict
// with cel-go, and its source is a filter that means the same.
func FuzzCompile(f *testing.F) {
	c, grammar := newCompiler(f), newGrammar(f)
	for _, source := range []string{
		"tags.region == 'eu' && key.startsWith('v') && num(tags.speed) > 80 && tags.Kind in ['a','b'] && has(tags.x) && user == tags.owner",
		"data.bid > 1 ? data.a.b == null : !data.urgent", "groups.exists(g, g == '{group}') || '{user}' in tags", "((((((key", "a.b.c.d[0].e", "'\\u00e9' != \"\"\"x\"\"\"", "[1, 2.0, 'a'] == []",
		"tags['a'] + key.size() // c", "-1 - -1 == --1", "has(data.a.b) != true", "groups.map(x, x).filter(y, y != '')[0] < 'a'", "key == r'\\'", "{'a': 1}.a", "\x00", "num(1)?.x", "all(x, y)",
	} {
		f.Add(source, "ann", "acme", "v7", `{"bid":1}`)
	}
	f.Fuzz(func(t *testing.T, source, user, group, word, data string) {
		of := Environment{User: user, Groups: []string{group}, Filterable: ann().Filterable, Templates: len(word)%2 == 0}
		p, err := c.Compile(source, of)
		if err != nil {
			checkFault(t, source, err)
			return
		}
		var in Input
		in.Reset(Attributes{Key: word, EventType: user, Tags: TagMap{"client": word, "region": user, "a": group}, Data: []byte(data)})
		checkTree(t, c.parser, grammar, source)
		got := p.Match(&in)
		if want := reference(t, c, source, of).holds(&in); got != want {
			t.Errorf("%q is %v, to cel-go %v", source, got, want)
		}
		if strings.Contains(p.Source(), "fold(") || strings.Contains(p.Source(), noUser) || strings.ToValidUTF8(user+group, "") != user+group {
			return
		}
		of.Templates = false
		again, err := c.Compile(p.Source(), of)
		if err != nil {
			return // what the viewer is can make it longer than a filter may be
		}
		if again.Match(&in) != got {
			t.Errorf("%q is %v, and as %q it is not", source, got, p.Source())
		}
	})
}

func checkFault(t *testing.T, source string, err error) {
	t.Helper()
	fault, ok := err.(*Error) //nolint:errorlint // it is not wrapped
	if !ok {
		t.Fatalf("%q: %v", source, err)
	}
	lines := strings.Split(source, "\n")
	if fault.Message == "" || strings.Contains(fault.Message, "@") && !strings.Contains(source, "@") {
		t.Errorf("%q: %v", source, err)
	}
	if fault.Line != 0 && (fault.Line > len(lines) || fault.Column < 1 || fault.Column > len([]rune(lines[fault.Line-1]))+1) {
		t.Errorf("%q: the position is not in the text: %v", source, err)
	}
}
