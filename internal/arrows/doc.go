// Package arrows contains only tests: they keep the imports of this
// module in one direction, and its packages and types from growing too large.
package arrows
