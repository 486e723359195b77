package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/filter"
)

// Rules say what becomes of a raw stream. They are the text of TIDEWIRE_FILTER_RULES.
type Rules struct {
	Tenant string `json:"tenant"` // whose channels these are
	// Fields are the members of data that conditions may name, such as "data.severity".
	Fields []string `json:"fields,omitempty"`
	Rules  []Rule   `json:"rules"`
}

// Rule publishes the messages for which a condition holds. A message is published by each rule whose condition holds for it.
type Rule struct {
	// When is a condition in CEL, of tags (the attributes of the message), key (its ordering key) and the declared members of data; empty always holds.
	When string `json:"when,omitempty"`
	// Channel and Key are texts in which {tags.NAME}, {data.NAME} and {key} are replaced. A message that lacks one of them is not published.
	Channel string `json:"channel"`
	Key     string `json:"key,omitempty"`
	// Tags are the attributes that are kept, as tags.
	Tags []string `json:"tags,omitempty"`
}

// MaxRules is how many rules there may be.
const MaxRules = 100

// ParseRules reads rules. An error names what is wrong.
func ParseRules(text string) (*Rules, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	var r Rules
	if err := d.Decode(&r); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("has something behind the rules")
	}
	if _, err := compile(&r); err != nil {
		return nil, err
	}
	return &r, nil
}

// compiled is a rule that can be applied. It is safe for concurrent use.
type compiled struct {
	rule     Rule
	program  *filter.Program // nil always holds
	ch, name template
}

func compile(r *Rules) ([]compiled, error) {
	if err := realtime.CheckTenantID(r.Tenant); err != nil {
		return nil, err
	}
	if len(r.Rules) == 0 || len(r.Rules) > MaxRules {
		return nil, fmt.Errorf("rules: must be 1 to %d, got %d", MaxRules, len(r.Rules))
	}
	compiler, err := filter.New()
	if err != nil {
		return nil, err
	}
	all := make([]compiled, len(r.Rules))
	for i, rule := range r.Rules {
		c := &all[i]
		c.rule = rule
		if rule.Channel == "" {
			return nil, fmt.Errorf("rules[%d].channel: is missing", i)
		}
		if c.ch, err = parseTemplate(rule.Channel); err != nil {
			return nil, fmt.Errorf("rules[%d].channel: %w", i, err)
		}
		if c.name, err = parseTemplate(rule.Key); err != nil {
			return nil, fmt.Errorf("rules[%d].key: %w", i, err)
		}
		if rule.When == "" {
			continue
		}
		if c.program, err = compiler.Compile(rule.When, filter.Environment{Filterable: r.Fields}); err != nil {
			return nil, fmt.Errorf("rules[%d].when: %w", i, err)
		}
	}
	return all, nil
}

// template is text between which something of a message is put: texts has one more than names.
type template struct{ texts, names []string }

func parseTemplate(text string) (t template, err error) {
	for {
		before, rest, found := strings.Cut(text, "{")
		t.texts = append(t.texts, before)
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		kind, member, _ := strings.Cut(name, ".")
		if !closed || name != "key" && (kind != "tags" && kind != "data" || member == "" || strings.ContainsAny(member, "{")) {
			return t, fmt.Errorf("must have {tags.NAME}, {data.NAME} or {key} in braces, got %.100q", "{"+rest)
		}
		t.names = append(t.names, name)
		text = after
	}
}

// fill puts what a message has into the text. It reports false if the message lacks something.
func (t *template) fill(m *message) (string, bool) {
	var b strings.Builder
	for i, text := range t.texts {
		b.WriteString(text)
		if i == len(t.names) {
			break
		}
		value, ok := m.value(t.names[i])
		if !ok {
			return "", false
		}
		b.WriteString(value)
	}
	return b.String(), true
}

// message is one of the raw stream.
type message struct {
	id   string
	key  string
	tags map[string]string
	data []byte // JSON

	members map[string]json.RawMessage // of data, once asked for
}

func (m *message) value(name string) (string, bool) {
	kind, member, _ := strings.Cut(name, ".")
	switch kind {
	case "key":
		return m.key, m.key != ""
	case "tags":
		v, ok := m.tags[member]
		return v, ok && v != ""
	}
	if m.members == nil {
		m.members = map[string]json.RawMessage{}
		_ = json.Unmarshal(m.data, &m.members) // what is no object has no members
	}
	raw := bytes.TrimSpace(m.members[member])
	if len(raw) == 0 {
		return "", false
	}
	switch raw[0] {
	case '{', '[', 'n': // no text to name a channel by
		return "", false
	case '"':
		var text string
		if json.Unmarshal(raw, &text) != nil || text == "" {
			return "", false
		}
		return text, true
	}
	return string(raw), true
}
