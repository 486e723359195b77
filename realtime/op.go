package realtime

import "time"

// Op is what a Publication does to the state of its channel. It is an event like any other for readers and for
// namespaces without state.
type Op string

// The operations there are.
const (
	OpSet    Op = ""       // its Data is the value of its Key from now on; without a Key it is an event alone
	OpDelete Op = "delete" // its Key has no value any more; it has no Data
	OpClear  Op = "clear"  // no key of the channel has one any more; it has neither Key nor Data
)

// What readers are told besides. Nobody publishes these.
const (
	OpExpire Op = "expire" // the TTL of the value has passed; it has no Position
	OpLeave  Op = "leave"  // the value is not shown to this reader any more
)

// MinTTL is the shortest TTL of a Publication, unless that is zero; MaxTTL is the longest.
const MinTTL = time.Second

// ParseTTL reads a TTL as producers write it, a duration of package time such as "30s". An error has code
// CodeBadRequest and names the field.
func ParseTTL(text string) (time.Duration, error) {
	ttl, err := time.ParseDuration(text)
	if err != nil {
		return 0, Errorf(CodeBadRequest, "ttl: must be a duration such as 30s, got %q", clip(text))
	}
	return ttl, checkTTL(ttl)
}

func checkTTL(ttl time.Duration) error {
	if ttl < MinTTL || ttl > MaxTTL {
		return Errorf(CodeBadRequest, "ttl: must be between %s and %s, got %s", shortly(MinTTL), shortly(MaxTTL), shortly(ttl))
	}
	return nil
}

// checkOp refuses what an operation has no use for: a producer must not believe that it counts.
func (p *Publication) checkOp() error {
	if p.TTL != 0 {
		if err := checkTTL(p.TTL); err != nil {
			return err
		}
		if p.Key == "" || p.Op != OpSet {
			return Errorf(CodeBadRequest, "ttl: needs a key, whose value ends with it, and must be left out of a deletion")
		}
	}
	switch p.Op {
	case OpSet:
		return nil
	case OpDelete:
		if p.Key == "" {
			return Errorf(CodeBadRequest, "key: is missing; delete needs one")
		}
	case OpClear:
		if p.Key != "" {
			return Errorf(CodeBadRequest, "key: must be left out of clear, which removes every key")
		}
	default:
		return Errorf(CodeBadRequest, "op: must be %q, %q or empty, got %q", OpDelete, OpClear, clip(string(p.Op)))
	}
	if len(p.Data) > 0 {
		return Errorf(CodeBadRequest, "data: must be left out of %s", p.Op)
	}
	return nil
}
