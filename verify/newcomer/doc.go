// Package newcomer holds no code, only tests that paste the commands of the README and of docs/api.md into terminals of
// somebody who has nothing but a clone: an empty home folder, and a network of his own.
package newcomer
