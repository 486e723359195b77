// Package retained reads the history of channels from what their topics keep: beyond the record of any instance, and without one. A
// Reader opens a stream of its own for each reading, from a moment on and of one channel, and is done when a fence has come back that it
// published before: then everything has come that was published until then.
//
//	page -> reading -> fence published -> stream opened -> messages -> record -> fence is back -> page
//
// Publications with a Condition are decided as hubs decide them, by what the log says of their keys from a while before what is asked for.
// Where that does not tell, the history begins behind them, and is not complete.
//
// What came is kept as a record for a moment, so that the next page need not read it again, and so that one function says what a
// viewer is shown of it, here and in a hub: record.Visible. Concurrent questions about a channel share one reading.
package retained
