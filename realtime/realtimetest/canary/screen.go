package canary

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// screened is what is to be on a screen of a publication.
func (v view) screened(main *word) string {
	text := main.text
	for _, column := range []string{Hidden, Deep} {
		if within(v.rights[0].Columns, column) && within(v.rights[1].Columns, column) && within(v.rights[2].Columns, column) {
			text += " " + column
		}
	}
	return text
}

// rows returns what a viewer has to be shown of a channel with state.
func (w *World) rows(channel string, of view) map[string]string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	last := map[string]*word{}
	for _, made := range w.log {
		if made.of.Key != "" && made.of.Channel.Name() == channel {
			last[made.of.Key] = made
		}
	}
	want := map[string]string{}
	for key, made := range last {
		if made.of.Op == realtime.OpSet && of.shows(made) {
			want[key] = of.screened(made)
		}
	}
	return want
}

// checkScreen waits until what a viewer with state is shown is what it has to be.
func (v *Viewer) checkScreen() error {
	for _, channel := range slices.Sorted(maps.Keys(v.told.reads)) {
		want, differs := v.world.rows(channel, v.told.view()), ""
		err := v.conn.wait(v.world.options.Patience, "what is to be shown", func() bool {
			differs = v.conn.screen.Differs(channel, want)
			return differs == ""
		})
		if err != nil {
			return fmt.Errorf("%s is shown wrongly: %s: %w\n%s", channel, differs, err, story(v, channel))
		}
	}
	return nil
}
