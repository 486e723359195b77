// Package web is what the browser gets: the dashboards, their modules and
// the browser client, embedded, under a strict Content-Security-Policy.
//
// The page is plain ES modules. Each module in pages/dashboards binds channels to widgets
// and is one to copy. Each widget in pages/widgets has mount, update and
// unmount, and does not use sockets. pages/shell is what all dashboards stand in.
// pages/tidewire.css has the colours, sizes and times that all share.
//
//	mux.Handle("/v1/", gateway)
//	mux.Handle("/", web.Handler(web.Options{}))
package web
