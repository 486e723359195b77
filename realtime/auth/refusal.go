package auth

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// reason says inside why a token was refused. It stands in the log line and in
// CountRefusals, and is never shown to who sent the token.
type reason = realtime.Reason

const (
	reasonOversized  reason = "oversized"        // longer than MaxTokenBytes
	reasonMalformed  reason = "malformed"        // not three segments, or not the JSON it has to be
	reasonEncoding   reason = "encoding"         // not canonical base64url
	reasonDuplicate  reason = "duplicate-member" // a member appears twice
	reasonNone       reason = "none"             // unsigned
	reasonCritical   reason = "crit"             // asks for an extension
	reasonType       reason = "typ"              // a token for something else
	reasonAlgorithm  reason = "algorithm"        // not the algorithm of the key: key confusion
	reasonUnknownKey reason = "unknown-kid"      // no such key
	reasonUnread     reason = "kid-unread"       // none that is known yet; the issuer's set may be read again soon, so it is CodeUnavailable
	reasonSignature  reason = "signature"        // the key did not make it
	reasonTenant     reason = "tenant"           // names no tenant, or one that is not there
	reasonMissing    reason = "tenant-missing"   // names one whose document is missing, perhaps for a moment; it is CodeUnavailable
	reasonIssuer     reason = "iss"
	reasonAudience   reason = "aud"
	reasonNotYet     reason = "nbf"
	reasonIssued     reason = "iat"
	reasonUser       reason = "sub"
	reasonGroups     reason = "groups"
	reasonGrants     reason = "channels"
	reasonFilters    reason = "filters"
	reasonColumns    reason = "columns"
	reasonManage     reason = "manage"
	reasonNoExpiry   reason = "exp" // missing, or no time
	reasonExpired    reason = "expired"
	reasonSuspended  reason = "suspended"
	reasonRevoked    reason = "revoked"    // issued before the user was logged out
	reasonQuery      reason = "query"      // in the query string of a tenant that does not allow it
	reasonTwoTokens  reason = "two-tokens" // a request with two different ones
)

// refusal is the inside of "the token is not valid".
type refusal struct {
	reason reason
	detail error  // for the log: says what, quotes at most a name, never the token
	says   string // outside, instead of the one answer; empty for that
}

func (r *refusal) Error() string { return string(r.reason) + ": " + r.detail.Error() }

func (r *refusal) Unwrap() error { return r.detail }

func refuse(why reason, format string, args ...any) error {
	return &refusal{reason: why, detail: fmt.Errorf(format, args...)}
}

// answer is the outside: one and the same for every reason, except for the two
// that are found only in a token whose signature was verified, and for a tenant that was called missing before.
func (r *refusal) answer() *realtime.Error {
	switch r.reason {
	case reasonExpired:
		return realtime.Errorf(realtime.CodeExpired, "the token has expired")
	case reasonSuspended:
		return realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
	}
	return realtime.Errorf(realtime.CodeUnauthorized, "%s", cmp.Or(r.says, "the token is not valid"))
}

// IsUnknown reports whether an error of a Verifier is CodeUnavailable because a token names a tenant or a key that is
// not known yet. Whoever makes them up can cause it at will, so it is logged and counted as a refusal,
// and is no fault that somebody has to look after.
func IsUnknown(err error) bool {
	return realtime.CodeOf(err) == realtime.CodeUnavailable && (tenantcache.IsTenantUnseen(err) || errors.Is(err, errTooSoon))
}

// clip shortens what came from outside before it is put into a log line.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
