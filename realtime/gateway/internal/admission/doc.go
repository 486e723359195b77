// Package admission decides who may connect to a gateway: it verifies the token, asks the tenant's document about
// token and page, counts the connection against the limits, and asks the program's Connect hook.
//
// It also bounds what clients cost before they have said who they are: how many wait to, how many tokens
// are verified at once, and how many sockets are kept only to tell their clients why they were refused.
package admission
