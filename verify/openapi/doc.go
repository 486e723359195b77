// Package openapi contains only tests. They have what others have published read realtime/httpapi/openapi.json: a linter finds nothing wrong with it, and a
// client that a generator has made of it manages a tenant.
package openapi
