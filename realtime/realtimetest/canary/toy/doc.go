// Package toy tries the canary itself: with a small server of the protocol, which has everything that canary.Features name, and a flaw if it is asked for one. It has
// tests only.
package toy
