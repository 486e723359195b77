// Package filter compiles filters of Publications, and finds those that match.
//
// A filter is an expression of CEL, the Common Expression Language (https://cel.dev), that is true or false for
// each Publication:
//
//	tags.region == 'eu' && key.startsWith('v') && num(tags.speed) > 80 && tags.Kind in ['a', 'b']
//
// # Names
//
//	key          the Publication's key; '' if it has none
//	event        the event's type; '' if it has none. Frames call it eventType, and so may a filter
//	source       what the event comes from; '' if that is unknown
//	contentType  what the data was before it was made JSON; '' if it was JSON
//	tags.client  a tag: always text. tags['x-y'] for other names
//	user         the viewer's user
//	groups       the viewer's groups, a list of texts
//	data.bid     a member of the data that the namespace declares as filterable
//
// # Functions and operators
//
//	num(x)          the number that a text says, written as in JSON; of a number itself
//	has(tags.x)     whether there is such a tag; has(data.x), whether there is such a member, which may be null
//	'x' in tags     the same, for any name
//	size(x)         the number of characters
//	x.startsWith(y), x.endsWith(y), x.contains(y)
//	x in [y, z], list.exists(v, …), list.all(v, …)
//	== != < <= > >= && || ! ?: + - * /
//
// There is one type of numbers, 64-bit floats, as in JSON and JavaScript; an integer above 2^53-1 cannot be
// written. There is no matches, no %, no time and no conversion but num.
//
// # What cannot be computed
//
// A comparison is false if a part of it cannot be computed: a tag or a member that is absent, num() of what is no number, an object or a
// list where a value is wanted, an order of two types, a viewer without a user. Comparisons are == != < <= > >= in,
// startsWith, endsWith and contains, and a name that stands for true or false itself, as data.urgent. The innermost one counts,
// whatever it is a part of:
//
//	tags.client == 'a'     false without the tag
//	tags.client != 'a'     false without the tag
//	!(tags.client == 'a')  true without the tag
//
// This differs from CEL itself, where such an error spreads. Values of two types are unequal.
//
// # Who views
//
// A filter is compiled for a viewer. user and groups become constants, as do {user} and {group} in the texts of filters of tokens and
// namespaces; a text with {group} stands for one text for each group. What a viewer is called is put into the tree
// that was parsed, never into the text, so that no name of a user can change what a filter means.
//
// # Evaluation
//
// Comparisons of names, constants and numbers are evaluated here, without allocation; the rest (exists, all, joined texts,
// elements of lists) by cel-go, within a cost. Both give the same verdict: a fuzz test compares them.
// Of many programs, Equalities say which need not be asked.
//
// Only programs that offer filters import this package: cel-go and what it needs add 6 MB to a binary.
package filter
