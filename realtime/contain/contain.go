package contain

import (
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/tidewire/tidewire/realtime"
)

// Do calls do and returns nil. If do panics, Do ends the panic: it logs it with its stack and
// args (keys and values, as slog has them), counts it in CountPanics with what as the reason, and
// returns an error with CodeInternal that may be shown to a client. The caller then ends the one thing
// that do was about, because its state cannot be trusted any more.
//
// what is one of the constants. Locks that do takes must be released by defer, or they
// stay locked. Do may be called concurrently, and stands a logger and metrics that panic.
func Do(log *slog.Logger, count realtime.Metrics, what realtime.Reason, do func(), args ...any) (err *realtime.Error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = realtime.Errorf(realtime.CodeInternal, "something went wrong")
			Report(log, count, what, fault, args)
		}
	}()
	do()
	return nil
}

// What a panic has ended: the reasons of CountPanics.
const (
	Connection = realtime.ReasonConnection // the handling of one connection, which is closed
	Channel    = realtime.ReasonChannel    // what came for one channel, whose readers are told gap
	Topic      = realtime.ReasonTopic      // what came for a topic, which is followed anew
	Broker     = realtime.ReasonBroker     // a call of the broker, which counts as failed
	Hook       = realtime.ReasonHook       // a hook of the program's own, which counts as refused
	Request    = realtime.ReasonRequest    // one HTTP request
	Sweep      = realtime.ReasonSweep      // what is done from time to time, which is done again later
	Metrics    = realtime.ReasonReport     // metrics or a tracer, which miss something
)

// Report logs and counts a panic that the caller has recovered, as Do does. It stands a logger and metrics that panic.
func Report(log *slog.Logger, count realtime.Metrics, what realtime.Reason, fault any, args []any) {
	stack := string(debug.Stack())
	func() {
		defer func() { _ = recover() }() // nobody is left to be told
		count.Add(realtime.CountPanics, "", what, 1)
	}()
	defer func() { _ = recover() }()
	log.Error("a panic was contained", append(args, realtime.KeyReason, string(what), realtime.KeyError, fmt.Sprint(fault), realtime.KeyStack, stack)...)
}
