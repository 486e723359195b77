// Package pubsubemulator works around what the emulator of Pub/Sub lacks and the service has, so that a Hub loses nothing on it.
//
// The emulator knows no seek: a new subscription gets the whole history of its topic unasked, except for some of what is published while
// it is made. And it never brings again what was under way when a pull was interrupted. Broker makes up for both. It is put around a
// broker where an emulator is named, and nowhere else.
package pubsubemulator
