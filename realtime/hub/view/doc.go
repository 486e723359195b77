// Package view says what a reader of a channel is shown: a filter of its own, those that its tenant and its token enforce, and the
// members of data that it may see and wants.
//
// Rules is what is enforced and asked for, as text. A Builder makes a View of it; equal ones are one, so that readers who
// are shown the same share what is evaluated and encoded for them. A nil View shows everything.
package view
