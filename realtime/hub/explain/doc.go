// Package explain says who would be given an event that is published to a channel, who would not, and which rule decides it. Nothing is sent, counted or
// kept.
//
// A Work is the question at one instance. It is told of the subscriptions and connections that there are, under the lock that guards them, and judges them a part
// at a time, so that no hold of the lock is long.
package explain
