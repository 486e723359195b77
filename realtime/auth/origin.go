package auth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// AllowOrigin reports whether the page a request comes from may use the tenant,
// as Tenant.Origins says. It is to be asked for every request that has an Origin
// header, since browsers let any page open a WebSocket to any host (RFC 6455
// section 10.2); a request without one comes from no page and is allowed.
//
// Scheme, host and port are compared, a scheme's own port (443, 80) being the same as none;
// "https://*.example.com" allows every host below example.com and not
// example.com itself. With no Origins the page's host must be the one the request was sent to. The
// origin "null", which sandboxed pages have, is allowed by "*" alone.
func AllowOrigin(t *realtime.Tenant, r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	return len(origins) == 1 && AllowPage(t, origins[0], r.Host)
}

// AllowPage is AllowOrigin of a request that was sent to host by a page of an origin, for
// who asks again when the document has changed.
func AllowPage(t *realtime.Tenant, pageOrigin, host string) bool {
	page, ok := parseOrigin(pageOrigin)
	if len(t.Origins) == 0 {
		return ok && page.hasHost(host)
	}
	for _, allowed := range t.Origins {
		if allowed == "*" {
			return true
		}
		if want, fine := parseOrigin(allowed); ok && fine && want.matches(page) {
			return true
		}
	}
	return false
}

// CheckOrigins refuses a tenant document whose origins could never match. An
// error has code CodeBadRequest and names the field.
func CheckOrigins(t *realtime.Tenant) error {
	for i, s := range t.Origins {
		o, ok := parseOrigin(s)
		below := strings.TrimPrefix(o.host, "*.")
		if s != "*" && (!ok || below == "" || strings.Contains(below, "*")) {
			return realtime.Errorf(realtime.CodeBadRequest, `origins[%d]: %q is not like https://app.example.com, https://*.example.com or *`, i, clip(s))
		}
	}
	return nil
}

// origin is a scheme, host and port (RFC 6454), in lower case and without the
// scheme's own port.
type origin struct{ scheme, host, port string }

func parseOrigin(s string) (origin, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return origin{}, false
	}
	return makeOrigin(u), true
}

func makeOrigin(u *url.URL) origin {
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname()), port: u.Port()}
	if o.scheme == "https" && o.port == "443" || o.scheme == "http" && o.port == "80" {
		o.port = ""
	}
	return o
}

// matches reports whether the pattern o allows the page's origin.
func (o origin) matches(page origin) bool {
	if o.scheme != page.scheme || o.port != page.port {
		return false
	}
	if below, ok := strings.CutPrefix(o.host, "*"); ok && strings.HasPrefix(below, ".") {
		return strings.HasSuffix(page.host, below) && len(page.host) > len(below)
	}
	return o.host == page.host
}

// hasHost reports whether the page's own host is the one of a Host header. TLS
// ends before the gateway, so the scheme the page used is taken for both.
func (o origin) hasHost(host string) bool {
	u := &url.URL{Scheme: o.scheme, Host: host}
	return host != "" && o == makeOrigin(u)
}
