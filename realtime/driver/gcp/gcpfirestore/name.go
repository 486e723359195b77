package gcpfirestore

import (
	"strings"
	"unicode/utf8"
)

// encodeName returns a name that can be the identifier of a document or the name of a field, for any
// text: Firestore refuses '/', "." and "..", nothing, and what begins with "__". Most names stay as
// they are; the rest is written as in a URL.
func encodeName(s string) string {
	switch {
	case s == "":
		return "%"
	case s == "." || s == ".." || strings.HasPrefix(s, "__"):
		return escape(s[:1]) + encodeRest(s[1:])
	}
	return encodeRest(s)
}

func encodeRest(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] != '%' && s[i] != '/' && s[i] >= 0x20
	}
	if plain && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == '%' || r == '/' || r < 0x20 || r == utf8.RuneError && size == 1 {
			b.WriteString(escape(s[:1]))
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

const hexDigits = "0123456789ABCDEF"

func escape(s string) string { return string([]byte{'%', hexDigits[s[0]>>4], hexDigits[s[0]&15]}) }

// decodeName returns what encodeName was given. Of any other text it makes something.
func decodeName(s string) string {
	if s == "%" {
		return ""
	}
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
			if hi >= 0 && lo >= 0 {
				b = append(b, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}
