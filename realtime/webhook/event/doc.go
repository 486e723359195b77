// Package event has what hooks are sent and what they answer, as both sides need it: the program that asks (package webhook) and the one that answers
// (package handler). docs/handlers.md describes the same for other languages.
package event
