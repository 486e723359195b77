package eventstream

import (
	"net/url"
	"strconv"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// options are how all channels of a stream are wanted: those of a subscribe frame, in the query.
type options struct {
	state  bool
	rewind realtime.Rewind
	want   hub.Want
}

// optionsOf reads them. What is not known is refused: a client must not believe that it is obeyed.
func optionsOf(q url.Values) (o options, refused *realtime.Error) {
	for name, values := range q {
		switch name {
		case "channel", "token":
			continue
		case "fields":
			o.want.Fields = values
			if err := realtime.CheckColumns("fields", values); err != nil {
				return o, asError(err)
			}
			continue
		case "keys":
			if len(values) > realtime.MaxKeys {
				return o, realtime.Errorf(realtime.CodeBadRequest, "keys: must be at most %d", realtime.MaxKeys)
			}
			o.want.Keys = values
			continue
		}
		if len(values) != 1 {
			return o, realtime.Errorf(realtime.CodeBadRequest, "%.64s: must be there once", name)
		}
		if refused := o.set(name, values[0]); refused != nil {
			return o, refused
		}
	}
	return o, nil
}

func (o *options) set(name, value string) *realtime.Error {
	switch name {
	case "filter":
		o.want.Filter = value
	case "state":
		state, err := strconv.ParseBool(value)
		if err != nil {
			return realtime.Errorf(realtime.CodeBadRequest, "state: must be true or false, got %.32q", value)
		}
		o.state = state
	case "occupancy":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return realtime.Errorf(realtime.CodeBadRequest, "occupancy: must be true or false, got %.32q", value)
		}
		o.want.Occupancy = on
	case "maxRate":
		rate, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return realtime.Errorf(realtime.CodeBadRequest, "maxRate: must be a number, got %.32q", value)
		}
		if err := realtime.CheckRate("maxRate", rate); err != nil {
			return asError(err)
		}
		o.want.MaxRate = rate
	case "rewind":
		rewind, err := realtime.ParseRewind(value)
		if err != nil {
			return asError(err)
		}
		o.rewind = rewind
	case "paused":
		return realtime.Errorf(realtime.CodeBadRequest, "%s: is no option of a stream of events; leave it out", name)
	default:
		return realtime.Errorf(realtime.CodeBadRequest, "%.64q: is no option of a stream of events", name)
	}
	return nil
}

// asError is an error of package realtime.
func asError(err error) *realtime.Error {
	return realtime.Errorf(realtime.CodeOf(err), "%v", err)
}
