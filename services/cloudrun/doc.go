// Package cloudrun has what the services on Cloud Run share: configuration from the environment, logs in
// the format of Cloud Logging, the backend, and Cloud Run's container contract. A service listens on PORT and
// ends within ten seconds of SIGTERM.
//
// Configuration errors are reported all at once. Only the main packages of services use this package: the framework itself
// does not read the environment.
package cloudrun
