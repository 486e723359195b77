// Package channel is what an instance makes of the channels of one stream of a topic: whom it gives what comes, and what it
// answers to those who ask.
//
// A Set has a Machine for each channel. A Machine takes in messages, questions and fences, goes from one State to another
// (states.go draws them), and keeps the Readers of its channel, each in a ReaderState of its own. What a Reader is given goes to the
// queue of its Client at once. All else that follows is gathered as Effects, which whoever holds the lock carries out:
// fences to be sent, connections to be flushed or closed, questions that have been answered.
//
// When a topic is followed anew, the Set of the new stream replaces the older one: readers move to it channel by channel.
//
// Nothing here knows brokers, connections or hubs. The Sets of a topic, their Machines, Readers, Questions and Effects are
// guarded by one lock of whoever makes them.
package channel
