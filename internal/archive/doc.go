// Archive makes the source archive that Cloud Functions builds functions from:
//
//	go run ./internal/archive [-o bin/functions.zip]
//
// The buildpack wants exactly one package in the root of the archive, not a main, beside go.mod and go.sum; nothing
// above that root exists for it, and whatever is in the archive it also resolves. So the archive is this module with
// functions/*.go lifted to its root, and of everything else the files that package functions is compiled of on the platform
// of Cloud Functions, in their folders. There are no tests in it.
//
// The same files give the same archive byte for byte, with the same release of Go; the hash that is printed
// is that of names and contents alone, and names a version of the source to Terraform.
package main
