// Package telemetry turns what the framework reports into metrics that can be
// scraped.
package telemetry
