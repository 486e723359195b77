// Package arrows holds nothing but the test that keeps the imports of this
// module running one way.
package arrows
