package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/contexts"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/devstate"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// contexts returns where the contexts are kept.
func (s std) contexts() (contexts.Folder, error) {
	folder, err := devstate.Find(s.state)
	return contexts.Folder(folder.Path()), err
}

// changeContexts has change change what is kept.
func (s std) changeContexts(change func(*contexts.File) error) error {
	folder, err := s.contexts()
	if err != nil {
		return err
	}
	file, err := folder.Load()
	if err == nil {
		err = change(&file)
	}
	if err != nil {
		return err
	}
	return folder.Save(file)
}

func (s std) contextNames(*cobra.Command) []string {
	folder, err := s.contexts()
	if err != nil {
		return nil
	}
	file, err := folder.Load()
	if err != nil {
		return nil
	}
	return file.Names()
}

func newContext(s std) *cobra.Command {
	cmd := group("context", "Keep where deployments are, and choose one",
		"A context is a deployment by name: its URL, a token, and the tenant that commands\nare about. The one in use stands in for --url, --token and --tenant where neither\nflags nor environment say otherwise. Contexts are kept in a file that only you can\nread.\n")
	cmd.AddCommand(newContextAdd(s), newContextList(s), s.onContext("use", "Use a context from now on", func(f *contexts.File, name string) { f.InUse = name }),
		s.onContext("remove", "Remove a context", func(f *contexts.File, name string) {
			if delete(f.Contexts, name); f.InUse == name {
				f.InUse = ""
			}
		}))
	return cmd
}

func newContextAdd(s std) *cobra.Command {
	a := access{std: s}
	var tenant string
	var c contexts.Context
	cmd := &cobra.Command{
		Use:   "add NAME --url URL [--tenant TENANT] [--token-file FILE]",
		Short: "Keep a deployment under a name, and use it",
		Long:  "add keeps a deployment under a name, in the place of what was kept under it, and\nuses it from now on. The token is kept with it.\n",
		Example: "  tidewire context add production --url https://api.example.com --tenant acme --token-file token\n" +
			"  tidewire context add local --url http://127.0.0.1:8080",
		Args:              exactly(1, 1, "one NAME"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) (err error) {
			if err := contexts.Check(args[0]); err != nil {
				return err
			}
			c.URL, c.Tenant = a.url, tenant
			for _, at := range []struct{ flag, url string }{{"url", c.URL}, {"api-url", c.API}, {"ingest-url", c.Ingest}} {
				u, err := url.Parse(at.url)
				if (at.url != "" || at.flag == "url") && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
					return usage.Errorf("--%s: must be an http or https URL, got %q", at.flag, at.url)
				}
			}
			if tenant != "" {
				if err := realtime.CheckTenantID(tenant); err != nil {
					return usage.Errorf("--tenant: %w", err)
				}
			}
			if c.Token, err = a.secret("token", a.token, a.file, ""); err == nil {
				c.GoogleToken, err = a.secret("google-token", a.google, a.fileOfG, "")
			}
			if err != nil {
				return err
			}
			return s.changeContexts(func(f *contexts.File) error {
				f.Contexts[args[0]], f.InUse = c, args[0]
				return nil
			})
		},
	}
	a.flags(cmd, "where the gateway or the management API is", "token to call it with")
	a.googleFlags(cmd)
	cmd.Flags().StringVar(&c.API, "api-url", "", "where the management API is, if not at --url")
	cmd.Flags().StringVar(&c.Ingest, "ingest-url", "", "where the function is that takes events, if not at --url")
	complete(cmd, "api-url", fixed())
	complete(cmd, "ingest-url", fixed())
	cmd.Flags().StringVar(&tenant, "tenant", "", "tenant that commands are about")
	complete(cmd, "tenant", s.devTenants)
	return cmd
}

func (s std) onContext(use, short string, change func(*contexts.File, string)) *cobra.Command {
	cmd := &cobra.Command{
		Use: use + " NAME", Short: short, Long: use + " takes the name of a context; list shows them.\n", Example: "  tidewire context " + use + " production",
		Args: exactly(1, 1, "one NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return s.changeContexts(func(f *contexts.File) error {
				if _, _, err := f.Get(args[0]); err != nil {
					return err
				}
				change(f, args[0])
				return nil
			})
		},
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.contextNames(cmd), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

func newContextList(s std) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the contexts", Long: "list prints the contexts, the one in use with a star, without tokens.\n", Example: "  tidewire context list", Args: exactly(0, 0, "no arguments"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			folder, err := s.contexts()
			if err != nil {
				return err
			}
			file, err := folder.Load()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
			for _, name := range file.Names() {
				c := file.Contexts[name]
				if asJSON {
					err = json.NewEncoder(w).Encode(map[string]any{"name": name, "url": c.URL, "tenant": c.Tenant, "token": c.Token != "", "inUse": name == file.InUse})
				} else {
					mark := map[bool]string{true: "*", false: ""}[name == file.InUse]
					_, err = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", mark, name, c.URL, c.Tenant)
				}
				if err != nil {
					return err
				}
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document a line, for each context")
	return cmd
}
