// Package lifecycle counts the clients of a gateway in and out, so that a gateway that drains knows when nobody is left, and the
// last request of an instance can be held open until what the instance holds elsewhere is released.
package lifecycle
