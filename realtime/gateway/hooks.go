package gateway

import "github.com/tidewire/tidewire/realtime/gateway/hook"

// What a program of your own implements and is given, from package hook.
type (
	// Hooks are the decisions that a gateway asks your own program for.
	Hooks = hook.Hooks
	// PatternHooks are Hooks that decide about subscriptions to patterns.
	PatternHooks = hook.PatternHooks
	// SelectiveHooks are Hooks that are asked about some things only.
	SelectiveHooks = hook.SelectiveHooks
	// HookQuestion is what Hooks may be asked about.
	HookQuestion = hook.Question
	// HookFuncs implements Hooks with functions, as many as you need.
	HookFuncs = hook.Funcs
	// ConnectEvent is a client that wants to connect.
	ConnectEvent = hook.ConnectEvent
	// ConnectResult is what a client has beyond its token.
	ConnectResult = hook.ConnectResult
	// Client is the connection a hook is called for.
	Client = hook.Client
)

// MaxMetaBytes bounds the names and values of ConnectResult.Meta together.
const MaxMetaBytes = hook.MaxMetaBytes
