package main

import (
	"strconv"

	"github.com/spf13/cobra"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/tail"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

func newTail(s std) *cobra.Command {
	from := access{std: s}
	t := &tail.Tail{Out: s.out, Err: s.err}
	cmd := &cobra.Command{
		Use:   "tail [--since POSITION] [--rewind N|DURATION] [--state] [--filter EXPRESSION] CHANNEL...",
		Short: "Print what is published to channels",
		Long: "tail prints the messages of channels, and direct events for its user, until it is\n" +
			"interrupted. Each line is one message; with --json, each line is the server's\n" +
			"message, snapshot or direct frame, unchanged.\n\n" +
			"A CHANNEL may be a pattern: 'prices:*' is every channel with one more segment, and\n" +
			"'prices:**' with any number. The token must grant the whole pattern. Quote it, or\n" +
			"the shell may replace it. --since and --rewind are for channels only.\n\n" +
			"--rewind begins with what was published before, as far as the gateway remembers it;\n" +
			"tidewire history reads what is older.\n\n" +
			"--state, --filter, --keys, --fields and --max-rate are options of the subscription:\n" +
			"docs/delivery.md explains them. They apply to all channels. --max-bytes is of the\n" +
			"connection.\n\n" +
			"On standard error it says when it is connected, when it reconnects, and when\n" +
			"something was missed. It reconnects and resumes by itself. It gives up when\n" +
			"retrying cannot help: the token or a channel is refused, the address is not a\n" +
			"gateway, or its first " + strconv.Itoa(tail.FirstTries) + " tries to connect fail.\n" + accessHelp + exitHelp,
		Example: "  tidewire tail prices:equities\n" +
			"  tidewire tail 'prices:*'\n" +
			"  tidewire tail --rewind 5m alerts:eu\n" +
			"  tidewire tail --state --filter \"tags.region == 'eu'\" --max-rate 2 fleet:eu",
		Args:              exactly(1, -1, "one CHANNEL or more"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, channels []string) error {
			if err := checkTail(cmd, t, channels); err != nil {
				return err
			}
			if err := from.resolve(cmd.Context()); err != nil {
				return err
			}
			if err := client.CheckAddress(from.url); err != nil {
				return err
			}
			t.Server, t.Token, t.Channels = from.url, from.token, channels
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return t.Run(ctx)
		},
	}
	from.flags(cmd, "where the gateway is", "token that may subscribe")
	tailFlags(cmd, t)
	return cmd
}

func tailFlags(cmd *cobra.Command, t *tail.Tail) {
	f := cmd.Flags()
	f.StringVar(&t.Options.Since, "since", "", "position to start from")
	f.BoolVar(&t.JSON, "json", false, "print frames")
	f.BoolVar(&t.Pretty, "pretty", false, "print data indented, over several lines")
	f.BoolVar(&t.Options.State, "state", false, "first print the newest message of each key, then what changes")
	f.StringVar(&t.Options.Filter, "filter", "", "print messages for which this is true, such as \"tags.desk == 'eu'\"")
	f.StringSliceVar(&t.Options.Keys, "keys", nil, "print messages with these keys; GBP* is every key that begins so")
	f.StringSliceVar(&t.Options.Fields, "fields", nil, "print these members of data only")
	f.String("rewind", "", "begin with what was published before: a number of messages, or a duration such as 5m")
	complete(cmd, "rewind", fixed())
	f.Float64Var(&t.Options.MaxRate, "max-rate", 0, "print what is new at most this many times a second, 0.05 to 1000")
	f.Int64Var(&t.MaxBytes, "max-bytes", 0, "read at most this many bytes a second, of all channels together, from 1000")
}

// checkTail refuses what the flags cannot mean together, and channels that cannot be read.
func checkTail(cmd *cobra.Command, t *tail.Tail, channels []string) error {
	if _, err := realtime.ParsePosition(t.Options.Since); err != nil {
		return usage.Errorf("--since: %w", err)
	}
	if t.JSON && t.Pretty {
		return usage.Errorf("--pretty: must not be used together with --json")
	}
	if rewind := cmd.Flag("rewind").Value.String(); rewind != "" {
		r, err := realtime.ParseRewind(rewind)
		if err != nil {
			return usage.Errorf("--%w", err)
		}
		t.Options.Rewind = r
	}
	if cmd.Flags().Changed("max-rate") {
		if err := realtime.CheckRate("--max-rate", t.Options.MaxRate); err != nil {
			return usage.Errorf("%w", err)
		}
	}
	if cmd.Flags().Changed("max-bytes") {
		if err := realtime.CheckBytesPerSecond("--max-bytes", t.MaxBytes); err != nil {
			return usage.Errorf("%w", err)
		}
	}
	for _, name := range channels {
		if err := checkRead(name, &t.Options); err != nil {
			return err
		}
	}
	return nil
}

// checkRead refuses what cannot be read: by its name, or with these options.
func checkRead(name string, o *tidewire.SubscribeOptions) error {
	if !o.Rewind.IsZero() && (o.State || realtime.IsSelection(name)) {
		return usage.Errorf("--rewind: must not be used together with --state or a pattern")
	}
	if !realtime.IsSelection(name) {
		if _, err := realtime.NewReadable("any", name); err != nil {
			return usage.Errorf("CHANNEL: %w", err)
		}
		return nil
	}
	if o.Since != "" {
		return usage.Errorf("--since: must not be used together with a pattern, which has a position for each channel")
	}
	if err := realtime.CheckSelection(name); err != nil {
		return usage.Errorf("CHANNEL: %w", err)
	}
	return nil
}
