package main

import (
	"errors"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/apply"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/devserver"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// std is what a command is given by its process.
type std struct {
	in       io.Reader
	out, err io.Writer
	state    string // folder for what dev keeps; empty is one in the user's own
	environment
	emulators devserver.Emulators
}

// environment is what commands read from the environment where no flag says otherwise. An empty variable is like none.
type environment struct {
	url         string // TIDEWIRE_URL
	token       string // TIDEWIRE_TOKEN
	googleToken string // TIDEWIRE_GOOGLE_TOKEN
	project     string // GOOGLE_CLOUD_PROJECT
	context     string // TIDEWIRE_CONTEXT
	tenant      string // of the context
}

// The exit codes, for people's scripts.
const (
	exitFailed      = 1 // anything else
	exitUsage       = 2 // the call's words are off
	exitRefused     = 3 // the server refused: token, grant, bad event
	exitUnavailable = 4 // not reachable, over a limit or draining: try again later
	exitDiffers     = 5 // a dry run found something that would change
	exitNotApplied  = 6 // publish --if: the condition does not hold
)

const exitHelp = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (token, grant, bad
event), 4 not available now (try again later).`

func exitCode(err error) int {
	var known *realtime.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage.Error{}):
		return exitUsage
	case errors.As(err, &apply.DiffersError{}):
		return exitDiffers
	case errors.As(err, &notAppliedError{}):
		return exitNotApplied
	case client.Temporary(err):
		return exitUnavailable
	case errors.As(err, &known) && known.Code != realtime.CodeInternal:
		return exitRefused
	}
	return exitFailed
}

func newRoot(s std) *cobra.Command {
	root := &cobra.Command{
		Use:   "tidewire",
		Short: "Real-time dashboards for many users and many tenants",
		Long: "tidewire runs Tidewire in one process for local work, and sends to and reads\n" +
			"from any gateway.\n" + exitHelp,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Errorf("unknown command %q%s; see tidewire --help", args[0], suggestions(cmd, args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newInit(s), newDev(s), newToken(s), newPublish(s), newTail(s), newHistory(s), newCall(s), newPresence(s), newDemand(s), newChannels(s), newExplain(s), newState(s), newTenants(s), newDoctor(s), newKeys(s), newContext(s))
	return root
}

// version is what the Go toolchain wrote into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + " " + info.GoVersion
}

// exactly refuses a number of arguments other than those from low to high.
func exactly(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || high >= 0 && len(args) > high {
			return explainSwallowed(cmd, usage.Errorf("%s: takes %s; see %s --help", cmd.Name(), what, cmd.CommandPath()))
		}
		return nil
	}
}

// group is a command that has others and does nothing itself.
func group(use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long + exitHelp,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Errorf("unknown command %q%s; see tidewire %s --help", args[0], suggestions(cmd, args[0]), use)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
}

// suggestions says which command may have been meant.
func suggestions(cmd *cobra.Command, word string) string {
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	all := cmd.SuggestionsFor(word)
	if len(all) == 0 {
		return ""
	}
	return " (did you mean " + strings.Join(all, " or ") + "?)"
}
