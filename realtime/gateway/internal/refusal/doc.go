// Package refusal has the errors that a gateway tells its clients, and decides what of any other error a client may see.
package refusal
