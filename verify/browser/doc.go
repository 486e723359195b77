// Package browser drives the dashboard in a real Chromium, served by a real
// `tidewire dev` with its replay of recorded prices, through a network that can
// be cut. It has tests only:
//
//	go test ./verify/browser
//	go test ./verify/browser -run Looks -screenshots DIR
package browser
