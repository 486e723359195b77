// Package devserver is tidewire dev: gateway, ingest, management API and dashboards in one process, at one address.
package devserver
