// Package browsertest drives the dashboard in a real Chromium, served by a real
// `tidewire dev` with its replay of recorded prices, through a network that can
// be cut. It has tests only:
//
//	go test ./services/dashboard/browsertest
//	go test ./services/dashboard/browsertest -run Looks -screenshots DIR
package browsertest
