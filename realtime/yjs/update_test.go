package yjs

import (
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// text is an update with text of a client, behind what the client had before.
func text(client, clock uint64, s string) *Update {
	raw := []byte{kindString}
	if clock > 0 {
		raw = appendInteger(appendInteger([]byte{kindString | hasOrigin}, client), clock-1)
	} else {
		raw = appendBytes(append(raw, 1), "text")
	}
	p := piece{span: span{clock, clock + units([]byte(s))}, content: len(raw)}
	p.raw = appendBytes(raw, s)
	return &Update{pieces: map[uint64][]piece{client: {p}}, deleted: Ranges{}}
}

func deletion(client, from, to uint64) *Update {
	u := &Update{pieces: map[uint64][]piece{}, deleted: Ranges{}}
	u.deleted.add(client, span{from, to})
	return u
}

func parsed(t *testing.T, b []byte) *Update {
	t.Helper()
	u, err := Parse(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return u
}

// same reports whether two updates have the same edits and deletions.
func same(a, b *Update) bool {
	return reflect.DeepEqual(a.Edits(), b.Edits()) && reflect.DeepEqual(a.deleted, b.deleted)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]string{
		"nothing": "", "no deletions": "00", "too much": "000000", "a client twice": "020101000001010100000100",
		"an unknown content": "01010100 0b 01 00", "text that is not UTF-8": "010101000401 01 61 01ff 00", "more than there is": "ffffffff0f0100",
		"a number beyond 2^53": "01 01 ffffffffffffffffff01 00 04 01 01 61 01 62 00", "an unknown type": "01010100 07 01 01 61 09 00",
	} {
		raw, err := hex.DecodeString(strings.ReplaceAll(b, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if u, err := Parse(raw); err == nil {
			t.Errorf("%s: %x was taken for %+v", name, raw, u)
		}
	}
}

// Half a character becomes what JavaScript makes of it, and all lengths are in UTF-16.
func TestTextIsCutAsJavaScriptDoes(t *testing.T) {
	t.Parallel()
	p := text(7, 0, "aé😀z").pieces[7][0]
	if p.to != 5 {
		t.Fatalf("%d units", p.to)
	}
	for offset, want := range map[uint64]string{1: "é😀z", 2: "😀z", 3: "\uFFFDz", 4: "z"} {
		rest := p.after(7, offset)
		r := &reader{b: rest.raw[rest.content:]}
		if got := string(r.text()); got != want || rest.from != offset || rest.to != 5 {
			t.Errorf("after %d: %q at %v", offset, got, rest.span)
		}
	}
}

func TestTextOfOneHandIsJoined(t *testing.T) {
	t.Parallel()
	var all []*Update
	for i, c := range strings.Repeat("a word ", 100) {
		all = append(all, text(7, uint64(i), string(c)))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	merged := Merge(all)
	if n := len(merged.pieces[7]); n != 1 || len(merged.Append(nil)) > 730 {
		t.Errorf("%d pieces, %d bytes", n, len(merged.Append(nil)))
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add(text(1, 0, "hello 😀").Append(nil), text(2, 3, "x").Append(nil), uint16(120))
	f.Add(Merge([]*Update{text(1, 5, "abc"), text(1, 20, "def"), deletion(9, 3, 7)}).Append(nil), deletion(1, 1, 2).Append(nil), uint16(100))
	f.Fuzz(func(t *testing.T, a, b []byte, most uint16) {
		first, err := Parse(a)
		if err != nil {
			return
		}
		if again := parsed(t, first.Append(nil)); !same(first, again) {
			t.Fatalf("%x becomes %x", a, first.Append(nil))
		}
		second, err := Parse(b)
		if err != nil {
			return
		}
		union := Merge([]*Update{first, second})
		both := newKnown()
		both.add(first)
		both.add(second)
		if again := parsed(t, union.Append(nil)); !same(union, again) || !reflect.DeepEqual(both.edits, union.Edits()) || !reflect.DeepEqual(both.deleted, union.deleted) {
			t.Fatalf("%x and %x become %x", a, b, union.Append(nil))
		}
		// What one lacks of both, and itself, are both.
		if rest := union.Without(first.Edits(), first.deleted); !same(Merge([]*Update{first, parsed(t, rest.Append(nil))}), union) {
			t.Fatalf("%x without %x is %x", union.Append(nil), a, rest.Append(nil))
		}
		size := max(100, int(most))
		parts, ok := union.Split(size)
		if !ok {
			return
		}
		all := make([]*Update, len(parts))
		for i, part := range parts {
			if len(part) > size {
				t.Fatalf("a part of %d bytes, where %d are allowed", len(part), size)
			}
			all[i] = parsed(t, part)
		}
		if !same(Merge(all), union) {
			t.Fatalf("the parts of %x are not it", union.Append(nil))
		}
	})
}

// Ranges are compared with a set of numbers.
func TestRanges(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		ranges, model := Ranges{}, map[uint64]bool{}
		for range 1 + r.IntN(12) {
			s := span{from: r.Uint64N(40)}
			s.to = s.from + r.Uint64N(6)
			ranges.add(1, s)
			for n := s.from; n < s.to; n++ {
				model[n] = true
			}
		}
		for i := 1; i < len(ranges[1]); i++ {
			if ranges[1][i-1].to >= ranges[1][i].from {
				t.Fatalf("%v", ranges)
			}
		}
		missing := map[uint64]bool{}
		for _, s := range ranges.missing(1, span{5, 45}) {
			for n := s.from; n < s.to; n++ {
				missing[n] = true
			}
		}
		for n := uint64(5); n < 45; n++ {
			if missing[n] == model[n] {
				t.Fatalf("%v: %d", ranges, n)
			}
		}
	}
}
