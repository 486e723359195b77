package limit

import "github.com/tidewire/tidewire/realtime"

// look is how many others are looked at, and forgotten if they are idle, when one is
// added. The tables thus settle at some four thirds of those that are not idle.
const look = 4

// tenant finds or adds a tenant and sees to it that its newest document counts. l.mu is held.
func (l *Limiter) tenant(doc *realtime.Tenant) *tenant {
	t := l.tenants[doc.ID]
	if t == nil {
		forget(l.tenants, (*tenant).idle, l.now())
		t = &tenant{id: doc.ID, limiter: l, users: map[string]*user{}}
		l.tenants[doc.ID] = t
	}
	if t.doc != doc && !doc.OlderThan(t.doc) {
		t.doc = doc
		t.figures.Store(newFigures(doc.Limits))
	}
	return t
}

// user finds a user or makes one, which is forgotten unless it is kept. l.mu is held.
func (t *tenant) user(id string) *user {
	if u := t.users[id]; u != nil {
		return u
	}
	return &user{}
}

// keep remembers a user who was let through. l.mu is held.
func (t *tenant) keep(id string, u *user, now int64) {
	if t.users[id] == nil {
		forget(t.users, (*user).idle, now)
		t.users[id] = u
	}
}

// forget looks at some entries, at random, and removes those that are idle.
func forget[E any](table map[string]E, idle func(E, int64) bool, now int64) {
	looked := 0
	for id, e := range table {
		if looked++; looked > look {
			return
		}
		if idle(e, now) {
			delete(table, id)
		}
	}
}

func (t *tenant) idle(now int64) bool {
	forget(t.users, (*user).idle, now)
	return t.open == 0 && len(t.users) == 0 && allFull(&t.shared, now)
}

func (u *user) idle(now int64) bool { return u.open == 0 && allFull(&u.shared, now) }

func allFull(buckets *[numKinds]bucket, now int64) bool {
	for i := range buckets {
		if !buckets[i].isFull(now) {
			return false
		}
	}
	return true
}
