// Package stream opens the stream of the broker by which a topic is followed, behind a beacon, again and again until that is done; and, of a broker that
// can bring single channels, it sees to it that those are brought that are wanted, and no others.
package stream
