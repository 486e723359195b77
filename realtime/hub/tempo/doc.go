// Package tempo says how often a reader is given what is new: at the rate that it was granted, and less often while its client does not
// keep up.
package tempo
