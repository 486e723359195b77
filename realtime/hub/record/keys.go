package record

// keys are the numbers of the newest entries of each key, while a replay needs them: nil otherwise.
type keys map[string]uint64

// Superseded reports whether there is a newer entry of a key than one with that number.
func (r *Record) Superseded(key string, number uint64) bool {
	if key == "" {
		return false
	}
	if r.keys == nil {
		r.keys = keysOf(&r.Window)
	}
	return r.keys[key] > number
}

// ForgetKeys says that nobody asks for what is superseded any more.
func (r *Record) ForgetKeys() { r.keys = nil }

func keysOf(w *Window) keys {
	all := make(keys, w.Len())
	for i := range w.Len() {
		if e := w.At(i); e.Key != "" {
			all[e.Key] = w.first + uint64(i)
		}
	}
	return all
}

// noted returns the keys with the newest entry of one.
func (k keys) noted(w *Window, key string, number uint64) keys {
	if k == nil || key == "" {
		return k
	}
	if len(k) > 2*w.Len()+64 {
		k = keysOf(w) // without the keys of entries that are gone
	}
	k[key] = number
	return k
}
