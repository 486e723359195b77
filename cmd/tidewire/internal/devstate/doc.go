// Package devstate is the folder in which tidewire dev keeps what the other commands need: its secret, and which dev servers run
// on this machine.
package devstate
