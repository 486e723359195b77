// Package web is what the browser gets: the dashboard page, its modules and
// the browser client, embedded, under a strict Content-Security-Policy.
//
// The page is plain ES modules. pages/dashboard.js binds channels to widgets
// and is the one to copy. Each widget in pages/widgets has mount, update and
// unmount, and does not use sockets. pages/tidewire.css has the
// colours, sizes and times that all pages share.
//
//	mux.Handle("/v1/", gateway)
//	mux.Handle("/", web.Handler(web.Options{}))
package web
