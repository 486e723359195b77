// Package vectors has tests only: what the module of the framework keeps a copy of, or has a smaller implementation of, so that who imports it need not
// require the whole, is compared with the whole.
package vectors
