package wire

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
)

// Compact checks that data is one JSON value in UTF-8, nested at most MaxDepth
// deep, and removes the white space between its tokens. Every API that accepts
// Publication.Data from outside calls it; Decode does so for frames. Nothing else about the
// value changes. A value without white space is returned as it is, the same slice; else a new one is. An error
// has code realtime.CodeBadRequest.
func Compact(data []byte) ([]byte, error) {
	if !utf8.Valid(data) {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: is not UTF-8")
	}
	s := scanner{text: data}
	s.space()
	if err := s.value(); err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: %v", err)
	}
	if s.space(); s.at < len(data) {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: has something after its JSON value, at byte %d", s.at)
	}
	if s.blank == 0 {
		return data, nil
	}
	return squeeze(data)
}

// squeeze copies valid JSON without its white space.
func squeeze(data []byte) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(data))
	if err := json.Compact(&b, data); err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: %v", err)
	}
	return b.Bytes(), nil
}
