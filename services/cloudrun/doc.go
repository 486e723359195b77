// Package cloudrun is what the mains of the services on Cloud Run share: configuration from the
// environment, with every fault at once; logs in Cloud Logging's shape; the backend; and the container
// contract, which is to listen on PORT, and to have ended ten seconds after SIGTERM.
//
// Only mains use it: the framework reads no environment.
package cloudrun
