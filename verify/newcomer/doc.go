// Package newcomer contains only tests. They paste the commands of the README and of docs/api.md into terminals of a
// user who has only a clone, with an empty home folder and a separate network.
package newcomer
