package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/show"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

func newKeys(s std) *cobra.Command {
	cmd := group("keys", "List, add, rotate and withdraw the keys of a tenant",
		"keys calls the management API with an operator's token; tidewire token makes one.\nA key verifies the tokens of a tenant, and signs them if it is a secret or a private\nkey: the first that can sign does.\n")
	cmd.AddCommand(newKeyCommand(s, "list", "Show the keys", "", func(ctx context.Context, api *client.API, k *keyChange) (*client.Keys, error) {
		return api.Keys(ctx, k.tenant)
	}), newKeyCommand(s, "add", "Add a key, which signs from then on", "KID", func(ctx context.Context, api *client.API, k *keyChange) (*client.Keys, error) {
		return api.AddKey(ctx, k.tenant, &client.NewKey{Alg: "HS256", KID: k.kid})
	}), newKeyCommand(s, "rotate", "Add a key in the place of another, which is good for a while longer", "KID", func(ctx context.Context, api *client.API, k *keyChange) (*client.Keys, error) {
		return api.RotateKey(ctx, k.tenant, k.kid, &client.NewKey{Overlap: realtime.Duration(k.overlap)})
	}), newKeyCommand(s, "withdraw", "Remove a key, and close the connections whose token it signed", "KID", func(ctx context.Context, api *client.API, k *keyChange) (*client.Keys, error) {
		return api.WithdrawKey(ctx, k.tenant, k.kid)
	}))
	return cmd
}

// keyChange is what is to be done with a tenant's keys.
type keyChange struct {
	tenant, kid string
	overlap     time.Duration
}

func newKeyCommand(s std, verb, short, takes string, do func(context.Context, *client.API, *keyChange) (*client.Keys, error)) *cobra.Command {
	q, k := &survey{operation: operation{access: access{std: s}}}, &keyChange{}
	number := map[bool]int{true: 0, false: 1}[takes == ""]
	cmd := &cobra.Command{
		Use: verb + " --tenant TENANT " + takes, Short: short,
		Long:    "keys " + verb + " prints the keys of the tenant, one a line, the one that signs first. A secret\nthat the server has made is printed once, when the key is added.\n",
		Example: "  tidewire keys " + verb + " --tenant acme " + map[bool]string{true: "k2", false: ""}[takes != ""],
		Args:    exactly(number, number, map[bool]string{true: "one KID", false: "no arguments"}[takes != ""]),
	}
	cmd.Flags().BoolVar(&q.json, "json", false, "print one JSON document")
	if verb == "rotate" {
		cmd.Flags().DurationVar(&k.overlap, "overlap", 24*time.Hour, "how long the old key is good; 0s removes it")
	}
	return q.command(cmd, "an operator's token", func(args []string) error {
		if k.overlap < 0 {
			return usage.Errorf("--overlap: must not be negative, got %s", k.overlap)
		}
		for _, kid := range args {
			k.kid = kid
		}
		return nil
	}, func(ctx context.Context, api *client.API, _ []string) (client.Heard, error) {
		k.tenant = q.tenant
		keys, err := do(ctx, api, k)
		if err != nil {
			return client.Heard{}, fmt.Errorf("%s: %w", q.tenant, err)
		}
		if q.json {
			return client.Heard{Complete: true}, json.NewEncoder(s.out).Encode(keys) //nolint:gosec // it is shown once, to who has had it made
		}
		return client.Heard{Complete: true}, show.Keys(s.out, keys)
	})
}
