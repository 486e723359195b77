// Package eventstream answers GET /v1/events: the messages of some channels as Server-Sent Events (the HTML standard,
// section 9.2).
package eventstream
