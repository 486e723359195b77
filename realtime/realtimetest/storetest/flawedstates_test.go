package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// renamingStates makes every save newer than what is stored.
type renamingStates struct{ States }

func (r renamingStates) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) error {
	changes = slices.Clone(changes)
	for i := range changes {
		changes[i].Time = changes[i].Time.Add(time.Hour)
	}
	for i := range changes {
		if changes[i].ID == "0" {
			changes[i].Time = changes[i].Time.Add(time.Hour)
		}
	}
	return r.States.Save(ctx, topic, keeper, changes, mark)
}

// forgetfulStates leaves out the last of many changes.
type forgetfulStates struct{ States }

func (f forgetfulStates) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) error {
	if len(changes) > 2 {
		changes = changes[:len(changes)-1]
	}
	return f.States.Save(ctx, topic, keeper, changes, mark)
}

// sharedStates lets anybody save.
type sharedStates struct{ States }

func (s sharedStates) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) error {
	err := s.States.Save(ctx, topic, keeper, changes, mark)
	if realtime.CodeOf(err) == realtime.CodeConflict {
		for i := range 3 {
			other := fmt.Sprintf("k%d", i)
			if s.States.Save(ctx, topic, other, changes, mark) == nil {
				return nil
			}
		}
	}
	return err
}

// keepingStates tells of every channel what was saved.
type keepingStates struct{ States }

func (k keepingStates) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) error {
	if mark != nil {
		m := *mark
		m.Since = map[realtime.NamespaceRef]time.Time{{Tenant: "acme", Namespace: "*"}: time.UnixMilli(1), {Tenant: "globex", Namespace: "*"}: time.UnixMilli(1)}
		mark = &m
	}
	return k.States.Save(ctx, topic, keeper, changes, mark)
}
