// Package docs holds no code, only tests that compare pages of docs with what they speak of: what a deployment costs, who
// may do what in it, and the commands that a page has its reader type.
package docs
