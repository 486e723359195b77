package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
)

// keyed is what the commands of keyed state share.
type keyed struct{ operation }

func newState(s std) *cobra.Command {
	cmd := group("state", "Read and write the keyed state of channels",
		"state calls the management API with an operator's token, or with one of the tenant\n"+
			"whose claim manage contains state, to read, and publish, to write; tidewire token\n"+
			"makes both. The channel's namespace must have state.\n")
	cmd.AddCommand(newStateGet(s), newStateSet(s), newStateDelete(s), newStateClear(s))
	return cmd
}

// flags adds those of every command.
func (k *keyed) flags(cmd *cobra.Command) {
	k.access.flags(cmd, "where the management API is", "an operator's token, or one with the part of manage")
	k.googleFlags(cmd)
	cmd.Flags().BoolVar(&k.json, "json", false, "answer in JSON, one value per line")
	cmd.Long += accessHelp + exitHelp
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return k.devTenants(cmd), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

func newStateGet(s std) *cobra.Command {
	k := &keyed{operation{access: access{std: s}}}
	var prefix string
	cmd := &cobra.Command{
		Use:   "get TENANT CHANNEL",
		Short: "Print the stored entries of a channel",
		Long: "get prints the entries of a channel that are stored, ordered by key: the key, a tab\n" +
			"and the data. They are a minute or two older than what readers have, and a second\n" +
			"with tidewire dev; tidewire tail --state shows the state itself. With --json it\n" +
			"writes each entry as the API has it, with position, time, tags and so on.\n",
		Example: "  tidewire state get acme fleet:eu --prefix v",
		Args:    exactly(2, 2, "TENANT and CHANNEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.with(cmd.Context(), func(api *client.API) error {
				_, err := api.State(cmd.Context(), args[0], args[1], prefix, k.print)
				return err
			})
		},
	}
	k.flags(cmd)
	cmd.Flags().StringVar(&prefix, "prefix", "", "only keys that begin with it")
	complete(cmd, "prefix", fixed())
	return cmd
}

// print prints entries. A key holds no control characters, so that the first tab ends it.
func (k *keyed) print(entries []client.StateEntry) error {
	for _, e := range entries {
		var err error
		if k.json {
			enc := json.NewEncoder(k.out)
			enc.SetEscapeHTML(false)
			err = enc.Encode(e)
		} else {
			_, err = fmt.Fprintf(k.out, "%s\t%s\n", e.Key, e.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func newStateSet(s std) *cobra.Command {
	k := &keyed{operation{access: access{std: s}}}
	var tags []string
	var text bool
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "set TENANT CHANNEL KEY DATA",
		Short: "Set the value of a key",
		Long: "set publishes DATA as the value of KEY. DATA has the same form as for publish. Readers\n" +
			"get it at once. It prints the id of the event.\n",
		Example: "  tidewire state set acme fleet:eu v17 '{\"lat\":48.1}' --ttl 2m",
		Args:    exactly(4, 4, "TENANT, CHANNEL, KEY and DATA"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := dataOf(args[3], text)
			if err != nil {
				return err
			}
			if err := checkTTL(ttl); err != nil {
				return err
			}
			value := client.StateValue{Data: data}
			if ttl > 0 {
				value.TTL = ttl.String()
			}
			if value.Tags, err = parseTags(tags); err != nil {
				return err
			}
			return k.publish(cmd.Context(), func(api *client.API) (string, error) {
				return api.SetState(cmd.Context(), args[0], args[1], args[2], value)
			})
		},
	}
	k.flags(cmd)
	f := cmd.Flags()
	f.DurationVar(&ttl, "ttl", 0, "how long the value is valid, from 1s to 744h (default: as the namespace says)")
	f.StringArrayVar(&tags, "tag", nil, "tag, k=v; may be repeated")
	f.BoolVar(&text, "text", false, "send DATA as a string, whatever it looks like")
	complete(cmd, "ttl", fixed())
	complete(cmd, "tag", fixed())
	return cmd
}

func newStateDelete(s std) *cobra.Command {
	k := &keyed{operation{access: access{std: s}}}
	cmd := &cobra.Command{
		Use:     "delete TENANT CHANNEL KEY",
		Short:   "Remove the entry of a key",
		Long:    "delete publishes that KEY has no value any more. That it has none is no error. It\nprints the id of the event.\n",
		Example: "  tidewire state delete acme fleet:eu v17",
		Args:    exactly(3, 3, "TENANT, CHANNEL and KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.publish(cmd.Context(), func(api *client.API) (string, error) {
				return api.DeleteState(cmd.Context(), args[0], args[1], args[2])
			})
		},
	}
	k.flags(cmd)
	return cmd
}

func newStateClear(s std) *cobra.Command {
	k := &keyed{operation{access: access{std: s}}}
	cmd := &cobra.Command{
		Use:     "clear TENANT CHANNEL",
		Short:   "Remove all entries of a channel",
		Long:    "clear publishes that no key of the channel has a value any more. It prints the id of\nthe event.\n",
		Example: "  tidewire state clear acme fleet:eu",
		Args:    exactly(2, 2, "TENANT and CHANNEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.publish(cmd.Context(), func(api *client.API) (string, error) {
				return api.ClearState(cmd.Context(), args[0], args[1])
			})
		},
	}
	k.flags(cmd)
	return cmd
}

// publish publishes, and prints the id of the event.
func (k *keyed) publish(ctx context.Context, call func(*client.API) (string, error)) error {
	return k.with(ctx, func(api *client.API) error {
		id, err := call(api)
		if err != nil {
			return err
		}
		if k.json {
			return json.NewEncoder(k.out).Encode(map[string]string{"id": id})
		}
		_, err = fmt.Fprintln(k.out, id)
		return err
	})
}
