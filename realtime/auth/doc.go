// Package auth turns a request into a realtime.Principal.
//
//	request -> tokenIn:          subprotocol, Authorization or query
//	        -> parse:            compact form, canonical, known header (RFC 7515)
//	        -> tenant:           the one thing read before the signature is verified
//	        -> verifySignature:  with that tenant's keys only, each with its one algorithm
//	        -> claims:           iss, aud, nbf, iat, sub, groups, channels, manage, exp
//	        -> logouts:          was the user logged out since it was issued?
//	        -> Principal
//
// Three rules determine the rest. Each follows a recommendation of RFC 8725:
//
//   - The algorithm belongs to the key, which the tenant's document or its
//     issuer's key set names; a token can only agree with it.
//   - The tenant that a token claims selects the keys, and nothing else is trusted
//     until one of them has verified it. A key of one tenant verifies no token of another.
//   - Only the canonical encoding is accepted. Padding, whitespace or stray bits
//     in base64, a member that appears twice, or bytes that are not UTF-8 are refused.
//
// # Which key
//
// A token with a kid is verified with the key of that kid and no other, first among the
// tenant's own keys, then among those at its jwksUrl; a kid that neither knows is
// refused by a set that was read after the token came, and answered with CodeUnavailable until
// such a reading may begin. A token without a kid is tried against the tenant's keys of its algorithm, at
// most four. A key without a kid therefore serves tokens without one only.
// Keys a token brings along or points at (jwk, jku, x5c, x5u) are never looked at.
//
// Tenants that name the same issuer trust it to put the right tenant into its tokens.
//
// # What a stranger can learn
//
// Every refusal is the same *realtime.Error with CodeUnauthorized, except for two that
// need a verified signature first: CodeExpired, and CodeSuspended. A tenant whose document is missing is
// CodeUnavailable at first, as tenantcache.Steady say, and named afterwards; so whoever asks can find out which names are of
// no tenant, unless the store holds all documents itself. What it was
// stands in one log line (KeyReason) and in CountRefusals, never the token itself.
//
// # Why the parser of golang-jwt is not used
//
// Its signature methods and its signing are used. Its parser looks up the method that the token
// names in a process-wide table, accepts any PSS salt length, skips line breaks inside base64, and
// keeps the last of two members with the same name. This package refuses all of these.
package auth
