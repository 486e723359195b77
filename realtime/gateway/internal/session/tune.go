package session

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// tune changes how the client is given a channel. What leaves and enters its sight comes before the answer.
func (h *handler) tune(f *wire.ClientFrame) {
	if boundBytes(h, f) {
		h.send(h.protocol.ConnectionTuneOK(f.ID, f.MaxBytesPerSecond))
		return
	}
	if realtime.IsSelection(f.Channel) {
		tunePattern(h, f)
		return
	}
	ch, err := h.channel(f.Channel)
	var applied hub.Want
	if err == nil {
		applied, err = h.client.Connection().Tune(ch, f.Sub, func(w hub.Want) (hub.Want, error) { return changed(w, &f.Options) })
	}
	if err != nil {
		h.reportSub(f.ID, f.Channel, f.Sub, "tuning", err)
		return
	}
	h.send(h.named(h.protocol.TuneOK(f.ID, ch, tuned(&applied)), f.Sub))
}

// tunePattern is tune for all channels of a pattern.
func tunePattern(h *handler, f *wire.ClientFrame) {
	applied, err := hub.TunePattern(h.client.Connection(), realtime.Pattern(f.Channel), f.Sub, func(w hub.Want) (hub.Want, error) {
		if f.Options.Occupancy {
			return w, realtime.Errorf(realtime.CodeBadRequest, "occupancy: is not told of all channels of a pattern; leave it out")
		}
		return changed(w, &f.Options)
	})
	if err != nil {
		h.reportSub(f.ID, f.Channel, f.Sub, "tuning", err)
		return
	}
	h.send(h.named(h.protocol.PatternTuneOK(f.ID, f.Channel, tuned(&applied)), f.Sub))
}

// tuned is what a client is told of what is applied.
func tuned(w *hub.Want) wire.Tuned {
	return wire.Tuned{Filter: w.Filter, Fields: w.Fields, Keys: w.Keys, MaxRate: w.MaxRate, Paused: w.Paused}
}

// boundBytes bounds the bytes a second of the connection, if the frame says so.
func boundBytes(h *handler, f *wire.ClientFrame) bool {
	if f.MaxBytesPerSecond == 0 {
		return false
	}
	hub.SetBytesPerSecond(h.client.Connection(), f.MaxBytesPerSecond)
	return true
}

// changed returns what a client wants by what it has said before and what it says now.
func changed(w hub.Want, o *wire.Options) (hub.Want, error) {
	if o.Filter != nil {
		w.Filter = *o.Filter
	}
	if o.Fields != nil {
		w.Fields = *o.Fields
	}
	if o.MaxRate != nil {
		w.MaxRate = *o.MaxRate
	}
	w.Occupancy = w.Occupancy || o.Occupancy
	if o.Paused != nil {
		w.Paused = *o.Paused
	}
	if o.Keys != nil {
		w.Keys = *o.Keys
	}
	if len(o.AddKeys)+len(o.RemoveKeys) == 0 {
		return w, nil
	}
	if w.Keys == nil {
		return w, realtime.Errorf(realtime.CodeBadRequest, "keys: the subscription has all keys; to have some only, give a list")
	}
	keys := slices.DeleteFunc(slices.Concat(w.Keys, o.AddKeys), func(k string) bool { return slices.Contains(o.RemoveKeys, k) })
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) > realtime.MaxKeys {
		err := realtime.Errorf(realtime.CodeLimited, "keys: must be at most %d, would be %d", realtime.MaxKeys, len(keys))
		err.Limit = "keys"
		return w, err
	}
	w.Keys = keys
	return w, nil
}
