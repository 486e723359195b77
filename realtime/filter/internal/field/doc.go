// Package field takes the members of JSON that a namespace has declared out of a publication's data, in one pass and without allocation.
package field

import "github.com/tidewire/tidewire/realtime"

// The bounds of what a namespace declares.
const (
	Max        = realtime.MaxFilterable
	MaxBytes   = 256 // of a name
	MaxMembers = 8   // of one name, as in data.a.b.c
)
