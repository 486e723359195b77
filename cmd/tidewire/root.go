package main

import (
	"errors"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

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

// differsError is a dry run that found something to change.
type differsError struct{ error }

func exitCode(err error) int {
	var known *realtime.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage.Error{}):
		return exitUsage
	case errors.As(err, &differsError{}):
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
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Errorf("unknown command %q; see tidewire --help", args[0])
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
	root.AddCommand(newInit(s), newDev(s), newToken(s), newPublish(s), newTail(s), newHistory(s), newCall(s), newPresence(s), newDemand(s), newChannels(s), newExplain(s), newState(s), newTenants(s), newDoctor(s))
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
