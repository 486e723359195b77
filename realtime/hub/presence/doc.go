// Package presence keeps who is present on the channels of which somebody wants to know it: those who are connected here,
// and those of whom other instances have told (package census).
package presence
