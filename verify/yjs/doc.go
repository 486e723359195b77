// Package yjs tests the door for clients of Yjs with these clients themselves, unmodified: yjs and y-websocket from npm, in Node.
package yjs
