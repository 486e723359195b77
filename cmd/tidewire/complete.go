package main

import (
	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devstate"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// complete has the shell complete the values of a flag. Of channels, users and tokens nobody here knows any.
func complete(cmd *cobra.Command, flag string, values func(*cobra.Command) []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return values(cmd), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // there is no such flag: a fault of this program, which every test finds
	}
}

func fixed(values ...string) func(*cobra.Command) []string {
	return func(*cobra.Command) []string { return values }
}

// parts are those of the management API.
func parts() []string {
	var all []string
	for _, p := range httpapi.Parts() {
		all = append(all, string(p))
	}
	return all
}

// devURLs are where devs run.
func (s std) devURLs(cmd *cobra.Command) []string {
	kept, err := devstate.Find(s.state)
	if err != nil {
		return nil
	}
	alive, err := kept.Alive(cmd.Context())
	if err != nil {
		return nil
	}
	var all []string
	for _, r := range alive {
		all = append(all, r.URL)
	}
	return all
}

// devTenants are the tenants of the devs that run.
func (s std) devTenants(cmd *cobra.Command) []string {
	kept, err := devstate.Find(s.state)
	if err != nil {
		return nil
	}
	alive, err := kept.Alive(cmd.Context())
	if err != nil {
		return nil
	}
	var all []string
	for _, r := range alive {
		if tenants, err := kept.Tenants(r.Tenants, r.Demo); err == nil {
			all = append(all, tenants.IDs()...)
		}
	}
	return all
}
