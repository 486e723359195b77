package httpapi

import (
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// connectionList is a page of connections.
type connectionList struct {
	Connections []realtime.ConnectionDoc `json:"connections"`
	Next        string                   `json:"next,omitempty"`
}

func (a *api) listConnections(c *call) error {
	q, err := c.query("user", "group", "after", "limit")
	if err != nil {
		return err
	}
	limit, err := pageSize(q)
	if err != nil {
		return err
	}
	page, err := a.o.Registry.Connections(c.r.Context(), c.tenantID, realtime.ConnectionQuery{
		User: q.Get("user"), Group: q.Get("group"), After: q.Get("after"), Limit: limit,
	})
	if err != nil {
		return err
	}
	list := connectionList{Connections: page.Connections, Next: page.Next}
	if list.Connections == nil {
		list.Connections = []realtime.ConnectionDoc{}
	}
	return c.answer(http.StatusOK, list)
}

func (a *api) getConnection(c *call) error {
	doc, err := a.connection(c)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, doc)
}

// connection returns the document of the connection that the path names.
func (a *api) connection(c *call) (*realtime.ConnectionDoc, error) {
	page, err := a.o.Registry.Connections(c.r.Context(), c.tenantID, realtime.ConnectionQuery{ID: c.r.PathValue("connection"), Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Connections) == 0 {
		return nil, realtime.Errorf(realtime.CodeNotFound, "connection: is unknown")
	}
	return &page.Connections[0], nil
}

// closeConnection closes a socket with the code that tells its client to stop.
func (a *api) closeConnection(c *call) error {
	doc, err := a.connection(c)
	if err != nil {
		return err
	}
	if err := a.o.Publisher.SendClose(c.r.Context(), c.tenant, realtime.Target{Connection: doc.ID}, realtime.CodeForbidden, time.Time{}); err != nil {
		return withoutTopic(err)
	}
	a.logChange(c, "a connection was closed", realtime.KeyConnection, doc.ID)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// loggedOut answers a logout.
type loggedOut struct {
	User          string    `json:"user"`
	RevokedBefore time.Time `json:"revokedBefore"`
}

// logOut ends the user's tokens and sockets, in this order: a socket that was told first could come back
// with the token that is about to end.
func (a *api) logOut(c *call) error {
	to := realtime.Target{User: c.r.PathValue("user")}
	if err := to.Check(); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	if err := a.o.Revocations.Revoke(c.r.Context(), c.tenantID, to.User, now, now.Add(a.o.TokenLife)); err != nil {
		return err
	}
	if err := a.o.Publisher.SendClose(c.r.Context(), c.tenant, to, realtime.CodeUnauthorized, now); err != nil {
		return withoutTopic(err)
	}
	a.logChange(c, "a user was logged out", realtime.KeyUser, to.User)
	return c.answer(http.StatusOK, loggedOut{User: to.User, RevokedBefore: now})
}
