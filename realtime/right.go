package realtime

// Right is something that a connection was granted and that lasts: a subscription, which is
// ActionSubscribe, a watch of a channel's presence, which is ActionPresence, or having entered it, which is ActionEnter. What else comes to last is
// added to Rights and end, and so to all that may take it away.
type Right struct {
	Action  Action
	Channel Channel
}
