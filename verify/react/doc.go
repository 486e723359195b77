// Package react tests the hooks of clients/react in React itself, as npm has it, in Node.
package react
