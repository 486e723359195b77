// Package cloudruntest has what the tests of the services share: the comparison of a service's configuration with
// its documentation, and a service that runs as a separate process, as on Cloud Run.
package cloudruntest
