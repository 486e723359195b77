package httpapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// etag is the entity tag of a document's state (RFC 9110 section 8.8.3): a strong one, made of its version.
func etag(t *realtime.Tenant) string { return `"` + strconv.FormatInt(t.Version, 36) + `"` }

// tag shows the entity tag of a document, which If-Match takes.
func (c *call) tag(t *realtime.Tenant) {
	if t.Version != 0 {
		c.w.Header().Set("ETag", etag(t))
	}
}

// failedCondition is a document that is not, or not any more, what the caller says it is: 412.
type failedCondition struct{ why *realtime.Error }

func (f *failedCondition) Error() string { return f.why.Error() }

func (f *failedCondition) Unwrap() error { return f.why }

// checkConditions checks the conditions of a call against the stored document (RFC 9110 sections 13.1.1, 13.1.2 and 13.2.2).
func (c *call) checkConditions(stored *realtime.Tenant, there bool) error {
	if lines := c.r.Header.Values("If-Match"); len(lines) > 0 {
		match, err := matches("If-Match", lines, stored, there)
		if err != nil {
			return err
		}
		if !match && !there {
			return &failedCondition{realtime.Errorf(realtime.CodeConflict, "If-Match: the tenant does not exist")}
		}
		if !match {
			return &failedCondition{realtime.Errorf(realtime.CodeConflict, "If-Match: the tenant's document has changed; read it again, its ETag is now %s", etag(stored))}
		}
	}
	if lines := c.r.Header.Values("If-None-Match"); len(lines) > 0 {
		match, err := matches("If-None-Match", lines, stored, there)
		if err != nil {
			return err
		}
		if match {
			return &failedCondition{realtime.Errorf(realtime.CodeConflict, "If-None-Match: the tenant already exists, with the ETag %s", etag(stored))}
		}
	}
	return nil
}

// matches reports whether a condition names the document that is there. A weak tag names none.
func matches(header string, lines []string, stored *realtime.Tenant, there bool) (bool, error) {
	var tags []string
	for _, line := range lines {
		for tag := range strings.SplitSeq(line, ",") { // those made here hold no comma
			if tag = strings.TrimSpace(tag); tag != "" {
				tags = append(tags, tag)
			}
		}
	}
	for _, tag := range tags {
		bare := strings.TrimPrefix(tag, "W/")
		if tag != "*" && (len(bare) < 2 || bare[0] != '"' || bare[len(bare)-1] != '"') || tag == "*" && len(tags) > 1 {
			return false, realtime.Errorf(realtime.CodeBadRequest, `%s: must be * or tags such as "1a2b3c", as ETag shows them, got %.64q`, header, tag)
		}
	}
	if len(tags) == 0 {
		return false, realtime.Errorf(realtime.CodeBadRequest, "%s: is empty", header)
	}
	return there && (tags[0] == "*" || slices.Contains(tags, etag(stored))), nil
}
