// Package hook is the contract between a gateway and the program it runs in: Hooks, which the program implements, and
// Caller, through which the gateway calls them with a deadline and survives their panics.
//
// Package gateway has its types as its own: gateway.Hooks, gateway.HookFuncs, gateway.ConnectEvent and so on.
package hook
