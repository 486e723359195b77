package auth

import (
	"encoding/base64"
	"strings"
)

// MaxTokenBytes is the longest token that is looked at; what is longer is refused
// before any of it is decoded. It is also what common servers allow a header.
const MaxTokenBytes = 8 << 10

// token is a JWS in compact form (RFC 7515 section 7.1), taken apart. Nothing
// in it is verified yet.
type token struct {
	alg, kid  string // kid is empty if the header has none
	signed    string // header and payload as they were signed
	payload   []byte
	signature []byte
}

// parse takes a token apart and refuses what is not in the one canonical form.
func parse(raw string) (*token, error) {
	if len(raw) > MaxTokenBytes {
		return nil, refuse(reasonOversized, "%d bytes, the limit is %d", len(raw), MaxTokenBytes)
	}
	if strings.Count(raw, ".") != 2 {
		return nil, refuse(reasonMalformed, "not three segments")
	}
	dot1, dot2 := strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.')
	header, err := decodeSegment("header", raw[:dot1])
	if err != nil {
		return nil, err
	}
	t := &token{signed: raw[:dot2]}
	if t.payload, err = decodeSegment("payload", raw[dot1+1:dot2]); err != nil {
		return nil, err
	}
	if t.signature, err = decodeSegment("signature", raw[dot2+1:]); err != nil {
		return nil, err
	}
	return t, t.readHeader(header)
}

// decodeSegment decodes base64url without padding and with all unused bits 0
// (RFC 7515 section 2), so that no two spellings mean the same token. Line breaks,
// which package base64 skips, are refused too.
func decodeSegment(name, s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, refuse(reasonEncoding, "%s: holds a line break", name)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, refuse(reasonEncoding, "%s: %w", name, err)
	}
	return b, nil
}

// readHeader takes alg and kid. It refuses crit, since none of the extensions
// that can stand in it is understood here (RFC 7515 section 4.1.11), with b64,
// which changes what is signed (RFC 7797); and a typ that says
// that the token was made for something else (RFC 8725 section 3.11).
func (t *token) readHeader(raw []byte) error {
	header, err := parseObject(raw)
	if err != nil {
		return err
	}
	var typ string
	err = header.each(func(name, value string) error {
		var into *string
		switch name {
		case "alg":
			into = &t.alg
		case "kid":
			into = &t.kid
		case "typ":
			into = &typ
		case "crit", "b64":
			return refuse(reasonCritical, "header: %s is not understood", name)
		default:
			return nil
		}
		s, err := stringOf(value)
		if err != nil {
			return refuse(reasonMalformed, "header: %s %w", name, err)
		}
		*into = s
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case strings.EqualFold(t.alg, "none"):
		return refuse(reasonNone, "header: alg is none")
	case t.alg == "":
		return refuse(reasonMalformed, "header: alg is missing")
	}
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt", "at+jwt": // RFC 7519 section 5.1, RFC 9068 section 2.1
		return nil
	}
	return refuse(reasonType, "header: typ is %q", clip(typ))
}
