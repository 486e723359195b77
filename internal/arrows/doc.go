// Package arrows contains only the test that keeps the imports of this
// module in one direction.
package arrows
