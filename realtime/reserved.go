package realtime

import (
	"strings"
	"time"
)

// What the names of reserved channels begin with: channels that Tidewire makes itself, whose state can be read and to which nobody publishes.
const (
	// ReservedPresence and a channel's name make the channel whose state is who is present on it, one entry a member.
	ReservedPresence = "$presence"
	// ReservedDemand and a namespace make the channel whose state is which channels of the namespace are read, one entry a channel.
	ReservedDemand = "$demand"
	// ReservedAnswers and the name of somebody make the channel of the answers to what that asks of instances; see package census. Nobody may read it.
	ReservedAnswers = "$answers"
)

// NewReadable returns a channel that can be read: one that NewChannel would return, or a reserved one.
func NewReadable(tenant, name string) (Channel, error) {
	if !strings.HasPrefix(name, "$") {
		return NewChannel(tenant, name)
	}
	kind, of, _ := strings.Cut(name, ":")
	switch {
	case kind != ReservedPresence && kind != ReservedDemand && kind != ReservedAnswers:
		return Channel{}, Errorf(CodeBadRequest, "channel: %q is unknown; of those that begin with $ there are %s:CHANNEL and %s:NAMESPACE", clip(name), ReservedPresence, ReservedDemand)
	case kind == ReservedDemand && strings.Contains(of, ":"):
		return Channel{}, Errorf(CodeBadRequest, "channel: %q must be %s and a namespace, which is the part of a channel's name before its first ':'", clip(name), ReservedDemand)
	}
	c, err := NewChannel(tenant, of)
	if err != nil {
		return Channel{}, err
	}
	c.name = name
	return c, nil
}

// Reserved returns what a reserved channel is, and the channel or namespace that it tells of; kind is empty for every other.
func (c Channel) Reserved() (kind, of string) {
	if c.name == "" || c.name[0] != '$' {
		return "", ""
	}
	kind, of, _ = strings.Cut(c.name, ":")
	return kind, of
}

// reservedRules are those of reserved channels. Their state is made by each instance for itself, so no store has it.
func reservedRules() Namespace {
	return Namespace{Window: 1, WindowFor: Duration(time.Minute), Overflow: OverflowDisconnect, State: &State{Keys: 100_000, Bytes: 64 << 20}}
}

// mayReserved reports whether a principal may read a reserved channel.
func (p *Principal) mayReserved(action Action, c Channel) bool {
	kind, of := c.Reserved()
	switch {
	case action != ActionSubscribe:
		return false
	case kind == ReservedPresence:
		return p.May(ActionPresence, Channel{tenant: c.tenant, name: of})
	case kind == ReservedDemand:
		return p.MayAll(ActionDemand, Pattern(of+":**"))
	}
	return false
}
