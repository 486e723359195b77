package acceptance

import (
	"context"
	"os"
	"os/exec"
)

// The variables that make this binary something else than a test: what it is, which server it talks to, and with which tokens.
const (
	childRole  = "TIDEWIRE_CHILD"
	childAddr  = "TIDEWIRE_CHILD_ADDR"
	childToken = "TIDEWIRE_CHILD_TOKEN"
	childBare  = "TIDEWIRE_CHILD_BARE"

	roleAttacker = "attacker"
	roleNoise    = "noise"
)

// child is a process of clients that ends with ctx at the latest, and comes after all others where processors are short. Those clients have
// their own machines: what they use of this one is not the server's to answer for.
func (p *process) child(ctx context.Context, role, token, bare string) *exec.Cmd {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	c := exec.CommandContext(ctx, "nice", "-n", "19", self)
	c.Env = append(os.Environ(), childRole+"="+role, childAddr+"="+p.addr, childToken+"="+token, childBare+"="+bare, "GOMEMLIMIT=off")
	c.Stderr = os.Stderr
	return c
}
