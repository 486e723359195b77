// Package keeper writes the checkpoints of keyed state: it reads what was published to each topic that carries durable state, folds it to the newest
// change of each key, saves that in bulk with a watermark, and acknowledges it after that.
//
//	topic --> reading "keeper" --> fold: newest of each key --> StateWriter.Save(changes, mark) --> acknowledge
//
// A Run makes one round over all topics, some of them at once. Somebody calls it again and again: Cloud Scheduler every minute, or
// Every within a process. So a key is written once a round at most, however often it changes.
//
// The watermark is the time at which a marker was stored that the round has published itself: the round reads until it has come back, and until nothing
// that is older has come for as long as the broker says that this may take. The order of a broker holds within a channel only, so this is not
// proof: one channel that stalls for longer is what a hub's margin is for. A round whose stream was interrupted moves no watermark, and
// leaves its claim until what it may have lost comes again.
//
// Whoever dies at any point loses nothing: what it has not acknowledged comes again to the next one, which saves it over what is stored already.
// There is one round of a topic at a time, by a claim in the store; another one that is made at the same time leaves the topic out, and one
// that has lost its claim saves nothing over what its successor has saved.
//
// A namespace that gets state later is read back over what its topic still keeps. Its state is whole from the beginning of that on; what was
// published before is not known, and not told. Until it has settled the store tells of it as of one that nobody keeps. The same becomes of all
// namespaces of a topic of which messages were lost, because no round was made for longer than the broker keeps them.
package keeper
