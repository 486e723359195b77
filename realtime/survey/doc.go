// Package survey answers who is present, what is wanted, what is read and what would become of an event on all instances, for a process that follows no topic and has no connections: the management
// API. It publishes a question to the topic, and the instances that follow it answer, each for itself (package census).
//
//	question -> who follows the topic? -> line open -> query published -> answers -> what they make together
//
// An answer says whether it is complete. It is not if an instance that follows the topic, and lives by its lease, has not answered in time, and then names it: so
// nobody takes silence for absence.
//
// A line is a stream of the answers alone, one for each tenant that is asked about. It stays open for a while after the last question, and what was answered a
// moment ago is answered again: so polling makes neither a subscription nor a question each time. If nobody follows the topic, neither is made.
package survey
