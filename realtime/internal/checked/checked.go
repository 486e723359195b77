// Package checked lets a part of this module tell another that data has been checked, so that it is not checked again. Only this module can name
// what it says it with: whoever uses the framework cannot leave a check out.
package checked

// JSON says that all data of a call is valid JSON, because whoever calls has read it with wire.Decode or wire.Compact.
type JSON struct{ _ struct{} }
