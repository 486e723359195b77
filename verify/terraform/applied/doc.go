// Package applied has no code, only tests: Terraform itself validates, plans and applies the roots, on a stub of the
// providers (verify/terraform/stub). They show what depends on Terraform's own evaluation: that there is no cycle, that a second
// plan changes nothing, what a change touches, and that a secret gets into no plan and no state. They do not show
// that Google takes any of it.
package applied
