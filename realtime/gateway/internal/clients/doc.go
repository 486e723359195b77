// Package clients has the admitted clients of a gateway. Each joins the Hub and the registry of connections, may renew
// its token, and leaves. While any are connected, a Set looks at their tenants' documents: it puts new limits in force, checks tokens
// and origins again, and closes the clients that may not stay or whose tenant has moved to another topic.
package clients
