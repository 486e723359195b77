// Package docs contains only tests that compare the pages of docs with what they describe: the costs of a deployment, the
// permissions in it, and the commands that a page shows.
package docs
