package demo

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	tidewire "github.com/tidewire/tidewire/clients/go"

	"github.com/tidewire/tidewire/realtime"
)

// watchedNamespaces are those of which a Producer makes what somebody looks at: the many values of which a page shows few.
func watchedNamespaces() []string {
	return []string{"prices", "charts", "books", "sensors", "vehicles", "crawl"}
}

// Watch knows at which prices, sensors and vehicles somebody looks, on all gateways, for a Producer that sends no others. As long as nobody can know it, everything is looked
// at: before the gateway has told, while the connection is broken, and for good if the gateway refuses to tell. So is everything else. Run follows it.
type Watch struct {
	// Client says how the gateway is reached. The token needs the demand for all of these namespaces.
	Client tidewire.Options
	Logger *slog.Logger // is told if the gateway refuses; nil is nobody

	views sync.Map    // *tidewire.KeyedView by namespace; without one nothing is known
	open  atomic.Bool // the connection is
}

// Run follows what is looked at until ctx ends, and then returns nil.
func (w *Watch) Run(ctx context.Context) error {
	o := w.Client
	o.OnState = func(s tidewire.State) { w.open.Store(s.Phase == tidewire.PhaseLive) }
	client, err := tidewire.New(o)
	if err != nil {
		return err
	}
	defer client.Close()
	var following sync.WaitGroup
	defer following.Wait()
	for _, name := range watchedNamespaces() {
		view, err := client.View(tidewire.DemandChannel(name), tidewire.ViewOptions{})
		if err != nil {
			return err
		}
		w.views.Store(name, view)
		following.Go(func() { w.follow(ctx, name, view) })
	}
	// A gateway that refuses ends the views, and so follow; one that cannot be reached is tried again until ctx ends.
	_ = client.Connect(ctx)
	<-ctx.Done()
	return nil
}

// follow keeps the view of a namespace up to date.
func (w *Watch) follow(ctx context.Context, name string, view *tidewire.KeyedView) {
	defer view.Close()
	defer w.views.Delete(name)
	for {
		if _, err := view.Changes(ctx); err != nil {
			if ctx.Err() == nil && w.Logger != nil {
				w.Logger.Warn("nobody says what is looked at; everything is produced", realtime.KeyError, err)
			}
			return
		}
	}
}

// Wants reports whether somebody looks at a key of a channel.
func (w *Watch) Wants(channel, key string) bool {
	name, _, _ := strings.Cut(channel, ":")
	known, is := w.views.Load(name)
	if !is || !w.open.Load() {
		return true
	}
	view := known.(*tidewire.KeyedView) //nolint:forcetypeassert // Run stores nothing else
	if !ready(view) {
		return true
	}
	m, read := view.Get(channel)
	if !read {
		return false
	}
	d, err := m.Demand()
	if err != nil || d.Keys == nil {
		return true
	}
	_, tracked := d.Keys[key]
	return tracked
}

// Read reports whether somebody is known to read a channel.
func (w *Watch) Read(channel string) bool {
	name, _, _ := strings.Cut(channel, ":")
	known, is := w.views.Load(name)
	if !is || !w.open.Load() {
		return false
	}
	view := known.(*tidewire.KeyedView) //nolint:forcetypeassert // Run stores nothing else
	_, read := view.Get(channel)
	return ready(view) && read
}

func ready(view *tidewire.KeyedView) bool {
	select {
	case <-view.Ready():
		return true
	default:
		return false
	}
}
