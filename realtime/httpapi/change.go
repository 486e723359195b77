package httpapi

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

// ChangeHeader says in an answer what became of the tenant's document: created, changed or unchanged. Secrets
// count, which the answer does not show.
const ChangeHeader = "Tidewire-Change"

// change is a word of ChangeHeader.
type change string

const (
	created   change = "created"
	changed   change = "changed"
	unchanged change = "unchanged"
)

// scope is what a call may change.
type scope int

const (
	part   scope = iota // a field of a tenant that is there
	keys                // the keys of a tenant that is there
	upsert              // the document, which may be the first
)

// maxAttempts is how often a change is made again because somebody else has written meanwhile.
const maxAttempts = 10

// change writes what make makes of the stored document, over that state of it alone: if another writer comes
// in between, it is made again of what is there then, or refused if the caller named the state that it is for. It is
// the one way in which documents are written here.
func (a *api) change(c *call, what string, may scope, make func(stored *realtime.Tenant) (*realtime.Tenant, error)) error { //nolint:revive // make says it
	if c.tenantID == OperatorsTenant {
		return realtime.Errorf(realtime.CodeBadRequest, "tenant: %q is reserved for operators", c.tenantID)
	}
	for range maxAttempts {
		stored, there, err := a.stored(c)
		if err != nil {
			return err
		}
		if !there && may != upsert {
			return noSuchTenant()
		}
		if err := c.checkConditions(stored, there); err != nil {
			return err
		}
		doc, outcome, err := a.plan(c, stored, there, may, make)
		if err != nil {
			return err
		}
		if c.dry {
			return c.showPlan(stored, doc, there, outcome)
		}
		if may == upsert && a.o.Topics != nil && !doc.Deleted {
			if err := a.o.Topics.EnsureTopic(c.r.Context(), a.o.Placement(doc)); err != nil {
				return withoutTopic(err)
			}
		}
		if outcome != unchanged {
			if doc, err = a.o.Tenants.Put(c.r.Context(), doc); realtime.CodeOf(err) == realtime.CodeConflict {
				if err := c.wait(); err != nil {
					return err
				}
				continue // whether it may still be written the caller's conditions say
			}
			if err != nil {
				return err
			}
			a.logChange(c, what, realtime.KeyTopic, string(a.o.Placement(doc)))
		}
		return c.changed(doc, outcome)
	}
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the tenant's document keeps changing; try again", RetryAfter: time.Second}
}

// plan makes a document of the one stored and checks it.
func (a *api) plan(c *call, stored *realtime.Tenant, there bool, may scope, make func(*realtime.Tenant) (*realtime.Tenant, error)) (*realtime.Tenant, change, error) { //nolint:revive // make says it
	from := stored
	if !there {
		from = &realtime.Tenant{}
	}
	doc, err := make(from)
	if err != nil {
		return nil, "", err
	}
	if doc.Deleted {
		if !there {
			return nil, "", noSuchTenant()
		}
		doc = &realtime.Tenant{Deleted: true} // no key outlives its tenant
	}
	doc.ID, doc.Version = c.tenantID, stored.Version
	if err := noteMove(doc, from, !there, time.Now()); err != nil {
		return nil, "", err
	}
	switch may {
	case upsert:
		err = errors.Join(doc.CheckFor(a.o.Retention), auth.CheckKeys(doc), auth.CheckOrigins(doc), document.Check(doc))
	case keys:
		err = auth.CheckKeys(doc)
	case part: // who may only suspend has not written the rest
	}
	if err != nil {
		return nil, "", faults(err)
	}
	switch {
	case !there:
		return doc, created, nil
	case equal(stored, doc):
		return stored, unchanged, nil
	}
	return doc, changed, nil
}

// stored reads the document of the path's tenant as it is in the store, and reports whether there is one. One that was
// deleted is not there, but has a version that what replaces it needs.
func (a *api) stored(c *call) (doc *realtime.Tenant, there bool, err error) {
	doc, err = a.o.Tenants.Stored(c.r.Context(), c.tenantID)
	if realtime.CodeOf(err) == realtime.CodeNotFound {
		return &realtime.Tenant{}, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return doc, !doc.Deleted, nil
}

func noSuchTenant() error {
	return realtime.Errorf(realtime.CodeNotFound, "tenant: is unknown")
}

// wait lets those who write at a time come back at different ones.
func (c *call) wait() error {
	timer := time.NewTimer(rand.N(20 * time.Millisecond)) //nolint:gosec // it spreads load and keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.r.Context().Done():
		return c.r.Context().Err()
	}
}

// changed answers a change.
func (c *call) changed(doc *realtime.Tenant, outcome change) error {
	c.w.Header().Set(ChangeHeader, string(outcome))
	c.tag(doc)
	status := http.StatusOK
	if outcome == created {
		status = http.StatusCreated
	}
	if c.shown != nil {
		return c.answer(status, c.shown(doc))
	}
	return c.answer(status, withoutSecrets(doc))
}
