// Package history says what a record has of what was published before: where a subscription begins that rewinds, and pages of what a
// viewer may see.
//
// A record may hold more than can be looked at in one hold of the lock that guards it, of which a viewer may see little. So both are found in
// steps, and the record may change between them: more comes at its end, what is too much goes from its beginning, and a hole takes away
// all. Whoever looks knows the numbers of entries, which stay, and says afterwards what of it is still there. Nothing is kept of
// entries, and nothing is said to be complete that may lack something.
package history
