// Package js holds the browser client, for programs that serve it themselves.
package js

import _ "embed"

// Source is tidewire.js, one ES module without dependencies.
//
//go:embed tidewire.js
var Source []byte
