// Package frames is what a viewer of the canary makes of the frames that it is sent: those of a socket, which streams of events have too.
package frames

import "encoding/json"

// Frame is what a client needs to know of a frame.
type Frame struct {
	Type     string          `json:"type"`
	ID       json.RawMessage `json:"id"`
	Channel  string          `json:"channel"`
	Position string          `json:"position"`
	Code     string          `json:"code"`
	Message  string          `json:"message"`
	Resumed  bool            `json:"resumed"`
	Gap      bool            `json:"gap"`
	Pattern  bool            `json:"pattern"` // the answer about a pattern as a whole
	Reset    bool            `json:"reset"`
	View     string          `json:"view"` // by what the state is shown
	State    json.RawMessage `json:"state"`
	More     *bool           `json:"more"` // of a snapshot
	Entries  []Row           `json:"entries"`
	Messages []struct {
		Position string `json:"position"`
	} `json:"messages"` // of a page of history
	Next string `json:"next"` // the cursor of the next page
	Row
	Raw []byte `json:"-"`

	End int `json:"-"` // where it ends in the capture
}

// Row is the value of a key, in a message or a snapshot.
type Row struct {
	Key     string          `json:"key"`
	Left    json.RawMessage `json:"left"` // true; other frames have lists
	Deleted bool            `json:"deleted"`
	Data    json.RawMessage `json:"data"`
}
