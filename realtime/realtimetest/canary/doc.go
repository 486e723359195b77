// Package canary tries whether a server shows anybody what is not theirs.
//
// Every publication carries random words of 128 bits: in its data, the names in it, its tags, key, type and source. Some viewers
// may see it, others may not. A World publishes, lets its viewers do what viewers do (read live, resume, replay, ask for other rates, lose
// rights and get others), and captures every byte that each viewer's connections are sent, below the protocol. A word
// among them that the viewer's rights did not show at that moment is a leak, whatever form it has: as it
// is, escaped, in base64, in a part. What rights do show has to arrive, so that a server that is silent does not pass.
//
//	World -> Server.Publish -> the server -> conn -> Tap -> protocol -> frames: what has arrived
//	  |                                               '-> every byte, by the rights in force: what must not be there
//	  '----> Act: what a viewer does next, on which path
//
// A capture is judged when its connection has ended. Where rights change, what lies between the question and the answer is judged by those
// before and those after together; from the answer on by the new ones alone, replays of what was shown before included. IDs of publications hold no words: positions are made of them, and
// positions are everybody's.
//
// What loses by its condition is nobody's: its words are to be on no wire, on whatever path.
//
// Acts are pluggable: each is a name and a function. Which of the stock ones a server can be tried with its Features say.
package canary
