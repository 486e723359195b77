// Package tenantcache holds what a process remembers of tenants' documents, above any driver.
package tenantcache
