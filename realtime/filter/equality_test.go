package filter

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever matches has one of the values that the equalities say.
func TestEqualitiesHold(t *testing.T) {
	t.Parallel()
	c, matched := newCompiler(t), 0
	for seed := range uint64(400) {
		m := maker{rand.New(rand.NewPCG(seed, 2))}
		p, err := c.Compile(m.factors(), m.environment())
		if err != nil {
			continue
		}
		for range 20 {
			in := m.input()
			if !p.Match(in) {
				continue
			}
			for _, e := range p.Equalities() {
				matched++
				have := map[string]string{"key": in.of.Key, "event": in.of.EventType}
				for name, value := range in.of.Tags.(TagMap) {
					have["tags."+name] = value
				}
				if value, has := have[e.Name]; !has || !slices.Contains(e.Values, value) {
					t.Errorf("%s matches %+v, which is not among %v", p.Source(), in.of, e)
				}
			}
		}
	}
	if matched < 100 {
		t.Errorf("%d equalities were looked at", matched)
	}
}

// factors makes a conjunction, often with an equality.
func (m maker) factors() string {
	equality := m.one("tags.a == 'x'", "tags.a == 'yy'", "key == 'k'", "event in ['k', 'yy']", "data.s == 'x'", "data.n.m == 1", "data.s in [1, 'x', null]", "data.flag == true",
		"tags.b == 'x'", "tags.a == user", "tags.Num in groups", "true")
	return equality + " && " + m.test(m.IntN(3)) + m.one("", " && "+equality, " && key == 'x'")
}

// Matching allocates nothing: what runs for each publication and filter makes no garbage.
func TestNoAllocations(t *testing.T) {
	c, in := newCompiler(t), position()
	in.of.Data = []byte(`{"bid":80.5,"a":{"b":"x\u0041"},"urgent":true,"nil":null,"o":{"p":1}}`) // no number out of range
	for _, source := range ordinary() {
		p, err := c.Compile(source, ann())
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { in.Reset(in.of); p.Match(in) }); n != 0 {
			t.Errorf("%s allocates %v times", source, n)
		}
	}
}

// ordinary are filters as dashboards write them.
func ordinary() []string {
	return []string{
		"tags.client == 'acme'",
		"tags.client == user || tags.owner == user",
		"tags.region == 'eu' && key.startsWith('v') && num(tags.speed) > 80 && tags.kind in ['a', 'b'] && has(tags.x) && user == tags.owner",
		"num(tags.speed) > 80",
		"tags.client in groups && !(tags.word == 'slow')",
		"data.bid > 80 && data.a.b == 'xA'",
		"event == 'position' && data.bid * 2 - 1 <= 200",
		"has(tags.speed) ? num(tags.speed) > 80 : key.endsWith('7')",
	}
}
