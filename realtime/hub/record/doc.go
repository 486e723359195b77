// Package record is what an instance remembers of channels, so that clients can resume.
//
// A Set has the records that come of one stream of a topic: a Record for each channel, and a Quota for each tenant, which
// bounds what its records take together. When a topic is followed anew, the Set of the new stream replaces the older one, and
// until the older one is let go both count against the same bounds.
//
// A Record begins as a buffer: a replay brings what is older mixed with what is new. Make makes the record of it once all of it
// has come. From then on Judge says of each message whether it is new, repeated, or shows that something is missing;
// Append keeps it; and Resume says from where on a reader goes on. What is kept are Publications (Entry), each with its
// encodings, one for each protocol, made when the first reader needs it.
//
// Nothing here knows readers, streams or locks: a Set and all that belongs to it are guarded by one lock of its Owner, who
// hears what is evicted.
package record
