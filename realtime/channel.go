package realtime

import (
	"log/slog"
	"strings"
)

// MaxChannelBytes is the longest channel name, and MaxIDBytes the longest
// tenant, user or group identifier and Publication ID or key.
const (
	MaxChannelBytes = 200
	MaxIDBytes      = 200
)

// Channel is a named stream inside a tenant, such as prices:fx. The zero
// Channel names nothing; every other one was made by NewChannel, so a Channel
// always carries its tenant and two tenants' channels of one name never compare
// equal. Channels are comparable and can be map keys.
type Channel struct {
	tenant, name string
}

// NewChannel returns the channel of a tenant. A name is one or more segments
// joined by ':'; a segment is one or more of A-Z a-z 0-9 and _ - . / @ = + ~ ,
// and the whole is at most MaxChannelBytes long. An error has
// code CodeBadRequest and says what is wrong with the name.
func NewChannel(tenant, name string) (Channel, error) {
	if err := CheckTenantID(tenant); err != nil {
		return Channel{}, err
	}
	if err := checkName("channel", name, MaxChannelBytes, ":"); err != nil {
		return Channel{}, err
	}
	if name[0] == ':' || name[len(name)-1] == ':' || strings.Contains(name, "::") {
		return Channel{}, Errorf(CodeBadRequest, "channel: %q has an empty segment; write segments as prices:fx", name)
	}
	return Channel{tenant: tenant, name: name}, nil
}

// Tenant returns the identifier of the tenant the channel belongs to.
func (c Channel) Tenant() string { return c.tenant }

// Name returns the channel's name inside its tenant.
func (c Channel) Name() string { return c.name }

// Namespace returns the part of the name before its first ':', which selects
// the channel's rules. A name of one segment is its own namespace.
func (c Channel) Namespace() string {
	ns, _, _ := strings.Cut(c.name, ":")
	return ns
}

// IsZero reports whether c names nothing.
func (c Channel) IsZero() bool { return c.name == "" }

// String returns tenant and name for people; it is no identifier.
func (c Channel) String() string { return c.tenant + "/" + c.name }

// LogValue groups tenant and channel under their constant keys.
func (c Channel) LogValue() slog.Value {
	return slog.GroupValue(slog.String(KeyTenant, c.tenant), slog.String(KeyChannel, c.name))
}

// CheckTenantID refuses what cannot name a tenant: 1 to 63 of a-z 0-9 and '-',
// starting with a letter or digit, so that it can stand in a topic's name, a
// document path and a URL without escaping.
func CheckTenantID(id string) error {
	if id == "" || len(id) > 63 || id[0] == '-' {
		return Errorf(CodeBadRequest, "tenant: must be 1 to 63 characters and start with a letter or digit, got %q", clip(id))
	}
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return Errorf(CodeBadRequest, "tenant: must contain only a-z, 0-9 and '-', got %q", clip(id))
		}
	}
	return nil
}

// checkName refuses a name that is empty, longer than limit, or holds anything
// but the characters of a segment and those of extra.
func checkName(field, name string, limit int, extra string) error {
	if name == "" {
		return Errorf(CodeBadRequest, "%s: is empty", field)
	}
	if len(name) > limit {
		return Errorf(CodeBadRequest, "%s: must be at most %d bytes, got %d", field, limit, len(name))
	}
	for i := range len(name) {
		if c := name[i]; !segmentByte[c] && strings.IndexByte(extra, c) < 0 {
			return Errorf(CodeBadRequest, "%s: %q contains %q; allowed are letters, digits and _ - . / @ = + ~ %s", field, clip(name), name[i:i+1], extra)
		}
	}
	return nil
}

var segmentByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-./@=+~", byte(c)) >= 0
	}
	return t
}()

// clip shortens what came from outside before it is put into an error.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
