// Package contain ends panics where they would end a process that serves many: it logs and counts them, and the
// caller ends the one thing that the panic was about.
package contain
