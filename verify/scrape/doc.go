// Package scrape has tests only: Prometheus' own parser reads the page of package realtime/telemetry/scrape.
package scrape
