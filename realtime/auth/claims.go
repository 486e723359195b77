package auth

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
)

// The bounds of what a token may say.
const (
	MaxGroups   = 64
	MaxPatterns = 256 // of all actions together
	MaxManage   = 32
)

const maxAudiences = 64

// claims are those of a verified token that mean something here. All others are ignored.
type claims struct {
	issuer    string
	audience  []string
	user      string
	groups    []string
	grants    realtime.Grants
	views     realtime.Views
	manage    []realtime.Manage
	role      realtime.Role
	expires   time.Time
	notBefore time.Time // zero if absent, as is issued
	issued    time.Time
}

// tenantOf returns the tenant a token claims. Of a token that is not yet
// verified this is read and nothing else.
func tenantOf(o object, claim, absent string) (string, error) {
	tenant := absent
	err := o.each(func(name, value string) (err error) {
		if name == claim {
			tenant, err = stringOf(value)
		}
		return asRefusal(reasonTenant, err)
	})
	if err != nil {
		return "", err
	}
	return tenant, asRefusal(reasonTenant, realtime.CheckTenantID(tenant))
}

// asRefusal makes err a refusal for the reason, unless it is one already.
func asRefusal(why reason, err error) error {
	var r *refusal
	if err == nil || errors.As(err, &r) {
		return err
	}
	return &refusal{reason: why, detail: err}
}

// parseClaims reads the claims of a verified token and checks their form. A
// claim that is null counts as absent.
func parseClaims(o object) (*claims, error) {
	c := new(claims)
	err := o.each(func(name, value string) (err error) {
		if value == "null" {
			return nil
		}
		switch name {
		case "iss":
			c.issuer, err = stringOf(value)
			return asRefusal(reasonIssuer, err)
		case "aud":
			c.audience, err = audienceOf(value)
			return asRefusal(reasonAudience, err)
		case "sub":
			c.user, err = stringOf(value)
			return asRefusal(reasonUser, err)
		case "groups":
			c.groups, err = groupsOf(value)
			return asRefusal(reasonGroups, err)
		case "channels":
			c.grants, err = grantsOf(value)
			return asRefusal(reasonGrants, err)
		case "filters":
			c.views.Filters, err = filtersOf(value)
			return asRefusal(reasonFilters, err)
		case "columns":
			c.views.Columns, err = columnsOf(value)
			return asRefusal(reasonColumns, err)
		case "manage":
			c.manage, err = manageOf(value)
			return asRefusal(reasonManage, err)
		case "role":
			c.role = roleOf(value)
		case "exp":
			c.expires, err = timeOf(value)
			return asRefusal(reasonNoExpiry, err)
		case "nbf":
			c.notBefore, err = timeOf(value)
			return asRefusal(reasonNotYet, err)
		case "iat":
			c.issued, err = timeOf(value)
			return asRefusal(reasonIssued, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := checkName(c.user); err != nil {
		return nil, asRefusal(reasonUser, err)
	}
	if c.expires.IsZero() {
		return nil, refuse(reasonNoExpiry, "is missing")
	}
	return c, nil
}

// check judges the claims. Expiry comes last, so that only a token that was good
// is told apart from one that never was; it has no leeway, nbf and iat have it
// because clocks differ (RFC 7519 sections 4.1.4 to 4.1.6).
func (c *claims) check(a realtime.Auth, now time.Time, leeway time.Duration) error {
	switch {
	case a.Issuer != "" && c.issuer != a.Issuer:
		return refuse(reasonIssuer, "is %q", clip(c.issuer))
	case len(a.Audience) > 0 && !slices.ContainsFunc(c.audience, func(s string) bool { return slices.Contains(a.Audience, s) }):
		return refuse(reasonAudience, "contains no audience of the tenant")
	case c.notBefore.After(now.Add(leeway)):
		return refuse(reasonNotYet, "is valid from %s", c.notBefore.UTC().Format(time.RFC3339))
	case c.issued.After(now.Add(leeway)):
		return refuse(reasonIssued, "was made at %s", c.issued.UTC().Format(time.RFC3339))
	case !c.expires.After(now):
		return refuse(reasonExpired, "at %s", c.expires.UTC().Format(time.RFC3339))
	}
	return nil
}

// audienceOf reads one string or a list (RFC 7519 section 4.1.3).
func audienceOf(value string) ([]string, error) {
	if value[0] == '[' {
		return stringsOf(value, maxAudiences)
	}
	s, err := stringOf(value)
	return []string{s}, err
}

func groupsOf(value string) ([]string, error) {
	groups, err := stringsOf(value, MaxGroups)
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		if err := checkName(g); err != nil {
			return nil, fmt.Errorf("[%d] %w", i, err)
		}
	}
	return groups, nil
}

func grantsOf(value string) (realtime.Grants, error) {
	var g realtime.Grants
	if value[0] != '{' {
		return g, errors.New("is not an object")
	}
	left := MaxPatterns
	err := object(value).each(func(name, value string) (err error) {
		into := g.Of(realtime.Action(name))
		if into == nil || value == "null" {
			return nil
		}
		if *into, err = patternsOf(value, left); err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
		left -= len(*into)
		if realtime.Action(name) == realtime.ActionHistory && *into == nil {
			*into = []realtime.Pattern{} // none, and not as subscribe
		}
		return nil
	})
	return g, err
}

// manageOf reads the parts of the management API. One that is not known grants nothing.
func manageOf(value string) ([]realtime.Manage, error) {
	texts, err := stringsOf(value, MaxManage)
	if len(texts) == 0 || err != nil {
		return nil, err
	}
	parts := make([]realtime.Manage, len(texts))
	for i, s := range texts {
		parts[i] = realtime.Manage(s)
	}
	return parts, nil
}

// roleOf reads the role of an operator. Many issuers have a claim of this name that means something else, perhaps a list: that is no role, and is not
// refused here, since only operators are asked for theirs.
func roleOf(value string) realtime.Role {
	if role, err := stringOf(value); err == nil {
		return realtime.Role(clip(role))
	}
	return "none"
}

func patternsOf(value string, limit int) ([]realtime.Pattern, error) {
	texts, err := stringsOf(value, limit)
	if len(texts) == 0 || err != nil {
		return nil, err
	}
	patterns := make([]realtime.Pattern, len(texts))
	for i, s := range texts {
		if err := realtime.CheckPattern(s); err != nil {
			return nil, fmt.Errorf("[%d] %w", i, err)
		}
		patterns[i] = realtime.Pattern(s)
	}
	return patterns, nil
}

// timeOf reads a NumericDate (RFC 7519 section 2): seconds since 1970, perhaps
// with a fraction, until the year 9999.
func timeOf(value string) (time.Time, error) {
	if value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return time.Time{}, errors.New("is not a number of seconds")
	}
	seconds, err := strconv.ParseFloat(value, 64) // a JSON number, so none of what else this reads
	if err != nil || seconds <= 0 || seconds >= 253402300800 {
		return time.Time{}, errors.New("is out of range")
	}
	return time.UnixMilli(int64(seconds * 1000)), nil
}

// checkName refuses what cannot name a user or a group. Any text can, ':' and '*'
// included: Pattern.Match lets none of it widen a grant.
func checkName(s string) error {
	if s == "" || len(s) > realtime.MaxIDBytes {
		return fmt.Errorf("must be 1 to %d bytes, got %d", realtime.MaxIDBytes, len(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return errors.New("contains a control or replacement character")
		}
	}
	return nil
}
