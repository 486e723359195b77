package realtime

// Right is something that a connection was granted and that lasts: a subscription, which is
// ActionSubscribe, or a watch of a channel's presence, which is ActionPresence. What else comes to last is
// added to Rights and end, and so to all that may take it away.
type Right struct {
	Action  Action
	Channel Channel
}

// Rights returns what the connection has that lasts, answered or not.
func (c *Connection) Rights() []Right {
	c.feed.lock()
	defer c.feed.unlock()
	return c.rights()
}

// rights is Rights; feed.mu is held.
func (c *Connection) rights() []Right {
	all := make([]Right, 0, 8)
	for _, name := range c.Channels() {
		all = append(all, Right{ActionSubscribe, name})
	}
	for name := range c.watches {
		all = append(all, Right{ActionPresence, name})
	}
	return all
}

// review looks at all that a connection has again, after what it is granted, or what its tenant
// allows, may have become less. What it may not have any more ends, and the client is told once. It is
// called whenever that may be so, with the lock of what changed it still held: at the renewal of a token and
// at a change of the tenant's document. A logout ends the connections themselves.
func (f *feed) review(c *Connection) (ended []Right) {
	p := c.Principal()
	for _, r := range c.rights() {
		f.steps++
		if !p.May(r.Action, r.Channel) && f.end(c, r) {
			ended = append(ended, r)
		}
	}
	return ended
}

// end takes a right away and tells the client. It is false for a subscribe that has yet to be asked:
// it will be refused.
func (f *feed) end(c *Connection, right Right) bool {
	why := Errorf(CodeForbidden, "channel: the token in force does not grant %s of %q", right.Action, right.Channel.Name())
	if right.Action == ActionPresence {
		f.unwatch(c, right.Channel)
	} else {
		r := c.takeIf(func(r *reader) bool { return r.name == right.Channel && (r.pending != nil || r.ch != nil) })
		if r == nil {
			return false
		}
		if r.pending != nil {
			f.refuse(r.pending, why) // which is how it is told
			return true
		}
		f.detach(r)
		c.box.forget(r.name)
	}
	f.push(c, &Delivery{Frame: c.protocol.Ended(right, why)})
	return true
}
