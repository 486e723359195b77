// Package egress keeps requests to URLs that somebody else has chosen on the public Internet.
//
// Such a URL would otherwise lead to what only this process can reach: the metadata server, databases, other services of a private network. The address
// is judged after the name was resolved, at each connect, by the function that is about to connect: a name that leads elsewhere the next time (DNS
// rebinding) gains nothing.
package egress
