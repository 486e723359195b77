package docs

import (
	"regexp"
	"testing"
)

// A variable that is not set, and not in quotes, is no word at all: the flag before it takes the next word, which is how
// a channel becomes a token. So no word of a command that a page shows begins with a variable outside quotes, and no
// exported value is split.
func TestVariablesAreQuoted(t *testing.T) {
	t.Parallel()
	found := 0
	for name, page := range pages(t) {
		for _, line := range shell(page) {
			found++
			if at := bare(line); at >= 0 {
				t.Errorf("%s: %s: the variable is not in quotes: %s", name, line, line[at:])
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d lines were found", found)
	}
}

func TestBare(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		`tail --token $TOKEN x`: 13, `tail --token "$TOKEN" x`: -1, `X=$(tail $A)`: 9, `X="$(tail "$A")"`: -1, `X="$(tail $A)"`: 10, `X=$Y`: -1, `export X=$(y)`: 9,
		`export X="$(y)"`: -1, `'$X' "$X"`: -1, `a --b=$C`: -1, `$(a) b`: 0, `X=$(a)`: -1, `# $X`: -1, `"${A}" ${B}`: 7, `a "$@"`: -1,
	} {
		if got := bare(line); got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
}

var (
	variable = regexp.MustCompile(`^\$[{(A-Za-z_]`)
	exported = regexp.MustCompile(`export [A-Z_]+=$`)
)

// bare returns where the first variable or command substitution is that is a word, or begins one, outside quotes; -1 if
// there is none.
func bare(line string) int {
	type context struct{ double, word bool } // within double quotes; at the beginning of a word
	stack := []context{{word: true}}
	single := false
	for i := 0; i < len(line); i++ {
		now := &stack[len(stack)-1]
		begins := now.word
		now.word = false
		switch c := line[i]; {
		case single:
			single = c != '\''
		case c == '"':
			now.double = !now.double
		case now.double && c != '$':
		case c == '\'':
			single = true
		case c == '#' && begins:
			return -1
		case c == ' ' || c == '(' || c == '|' || c == ';':
			now.word = true
		case c == ')' && len(stack) > 1:
			stack = stack[:len(stack)-1]
		case c == '$' && variable.MatchString(line[i:]):
			if !now.double && (begins || exported.MatchString(line[:i])) {
				return i
			}
			if line[i+1] == '(' {
				i++
				stack = append(stack, context{word: true})
			}
		}
	}
	return -1
}
