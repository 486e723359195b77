package realtime

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Contain calls do and returns nil. If do panics, Contain ends the panic: it logs it with its stack and
// args (keys and values, as slog has them), counts it in CountPanics with what as the reason, and
// returns an error with CodeInternal that may be shown to a client. The caller then ends the one thing
// that do was about, because its state cannot be trusted any more.
//
// what is one of the Panic constants. Locks that do takes must be released by defer, or they
// stay locked. Contain may be called concurrently, and stands a logger and metrics that panic.
func Contain(log *slog.Logger, count Metrics, what string, do func(), args ...any) (err *Error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = Errorf(CodeInternal, "something went wrong")
			report(log, count, what, fault, args)
		}
	}()
	do()
	return nil
}

// What a panic has ended: the reasons of CountPanics.
const (
	PanicConnection = "connection" // the handling of one connection, which is closed
	PanicChannel    = "channel"    // what came for one channel, whose readers are told gap
	PanicTopic      = "topic"      // what came for a topic, which is followed anew
	PanicBroker     = "broker"     // a call of the broker, which counts as failed
	PanicHook       = "hook"       // a hook of the program's own, which counts as refused
	PanicRequest    = "request"    // one HTTP request
	PanicSweep      = "sweep"      // what is done from time to time, which is done again later
	PanicReport     = "report"     // metrics or a tracer, which miss something
)

// report tells of a panic. What it tells it to may be what panics.
func report(log *slog.Logger, count Metrics, what string, fault any, args []any) {
	stack := string(debug.Stack())
	func() {
		defer func() { _ = recover() }() // nobody is left to be told
		count.Add(CountPanics, "", what, 1)
	}()
	defer func() { _ = recover() }()
	log.Error("a panic was contained", append(args, KeyReason, what, KeyError, fmt.Sprint(fault), KeyStack, stack)...)
}
