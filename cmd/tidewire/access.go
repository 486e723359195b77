package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/contexts"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/devstate"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
)

// access is which server a command talks to, and as whom. Flags win over the environment. A token in the environment
// or in a file is not in the list of processes, as one in a flag is.
type access struct {
	std
	cmd             *cobra.Command
	url             string
	token, file     string
	google, fileOfG string // the identity token for Cloud Run's IAM
	stdin           bool   // standard input holds what the command sends, and no token
	named           string // the context to take the place of what neither flags nor environment say
	service         contexts.Service
}

const accessHelp = `
The command takes the server from --url or TIDEWIRE_URL, and the token from --token,
--token-file or TIDEWIRE_TOKEN; without a URL, from --context or the context in use
(see tidewire context). Other users of the machine can see a token in a flag, but not
in the environment or in a file.
`

// flags adds --url, --token and --token-file to cmd. server is what the URL is that of.
func (a *access) flags(cmd *cobra.Command, server, token string) {
	a.cmd = cmd
	f := cmd.Flags()
	f.StringVar(&a.url, "url", "", server+" (default: TIDEWIRE_URL)")
	f.StringVar(&a.token, "token", "", token+" (default: TIDEWIRE_TOKEN)")
	f.StringVar(&a.file, "token-file", "", "file with the token, or - for standard input")
	f.StringVar(&a.named, "context", "", "context to use (default: TIDEWIRE_CONTEXT, or the one that context use has chosen)")
	complete(cmd, "context", a.contextNames)
	complete(cmd, "url", a.devURLs)
	complete(cmd, "token", fixed())
}

// googleFlags adds those of a server behind Cloud Run's IAM.
func (a *access) googleFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.google, "google-token", "", "identity token for an API behind Cloud Run's IAM: gcloud auth print-identity-token (default: TIDEWIRE_GOOGLE_TOKEN)")
	f.StringVar(&a.fileOfG, "google-token-file", "", "file with the identity token")
}

// resolve fills in what no flag gave. The error is a usage.Error, and holds no token.
func (a *access) resolve(ctx context.Context) (err error) {
	if err := a.adopt(); err != nil {
		return err
	}
	if a.url, err = a.one("url", a.url, a.environment.url); err != nil {
		return err
	}
	if a.token, err = a.secret("token", a.token, a.file, a.environment.token); err != nil {
		return err
	}
	switch {
	case a.url == "":
		return usage.Errorf("%s: no URL: use --url or set TIDEWIRE_URL%s", a.cmd.Name(), a.where(ctx))
	case a.token == "":
		return usage.Errorf("%s: no token: set TIDEWIRE_TOKEN, or use --token-file or --token; tidewire token makes one", a.cmd.Name())
	}
	if a.cmd.Flag("google-token") == nil {
		return nil
	}
	a.google, err = a.secret("google-token", a.google, a.fileOfG, a.environment.googleToken)
	return err
}

// adopt has the context stand in for an environment that names no server. What a context says of tokens is for its own server alone. A command that needs to
// know the tenant before it resolves the rest adopts it first; it may be done twice.
func (a *access) adopt() error {
	asked := a.named != "" || a.environment.context != ""
	if a.cmd.Flags().Changed("url") || a.named == "" && a.environment.url != "" {
		if a.named != "" {
			return usage.Errorf("--url and --context: use only one of them")
		}
		return nil
	}
	folder, err := a.contexts()
	if err != nil {
		if asked {
			return err
		}
		return nil // then there is none
	}
	file, err := folder.Load()
	if err != nil {
		return err
	}
	c, ok, err := file.Get(cmp.Or(a.named, a.environment.context))
	if err != nil || !ok {
		return err
	}
	a.environment.url = c.URLOf(a.service)
	a.environment.tenant = c.Tenant
	a.environment.token = cmp.Or(a.environment.token, c.Token)
	a.environment.googleToken = cmp.Or(a.environment.googleToken, c.GoogleToken)
	if a.named != "" { // who names one means its token too
		a.environment.token, a.environment.googleToken = cmp.Or(c.Token, a.environment.token), cmp.Or(c.GoogleToken, a.environment.googleToken)
	}
	return nil
}

// tenantOr is the tenant of a flag, or that of the context.
func (a *access) tenantOr(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	err := a.adopt()
	return a.environment.tenant, err
}

// one is the value of a flag if it was given, or else that of the environment. A flag that was given and is empty comes
// from a variable that is not set.
func (a *access) one(flag, value, environment string) (string, error) {
	if !a.cmd.Flags().Changed(flag) {
		return environment, nil
	}
	if strings.TrimSpace(value) == "" {
		return "", usage.Errorf("--%s: must not be empty; is a variable in the command not set?", flag)
	}
	return value, nil
}

// secret is a token: that of the flag, of the file, or of the environment. No error contains it.
func (a *access) secret(flag, value, file, environment string) (string, error) {
	from := "--" + flag
	token, err := a.one(flag, value, "")
	if err != nil {
		return "", err
	}
	switch named, err := a.one(flag+"-file", file, ""); {
	case err != nil:
		return "", err
	case named != "" && token != "":
		return "", usage.Errorf("--%s and --%s-file: use only one of them", flag, flag)
	case named == "-" && a.stdin:
		return "", usage.Errorf("--%s-file: must be a file, because the command reads standard input itself", flag)
	case named != "":
		from = "--" + flag + "-file"
		if token, err = readToken(a.in, named); err != nil {
			return "", usage.Errorf("%s: %w", from, err)
		}
	case token == "":
		from, token = "TIDEWIRE_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), environment
	}
	token = strings.TrimSpace(token)
	if strings.HasPrefix(token, "-") {
		return "", usage.Errorf("%s: must be a token, got a flag; is a variable in the command not set, and not in quotes?", from)
	}
	if strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return "", usage.Errorf("%s: must be one word of printable ASCII, got %d bytes with other characters", from, len(token))
	}
	return token, nil
}

// maxToken is how long a file with a token may be: longer than any server takes in a header.
const maxToken = 64 << 10

// readToken returns what a file holds, or standard input for "-".
func readToken(in io.Reader, name string) (string, error) {
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the caller says which file
		if err != nil {
			return "", err
		}
		defer f.Close() //nolint:errcheck // it was only read from
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxToken+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > maxToken:
		return "", fmt.Errorf("must be at most %d bytes", maxToken)
	case strings.TrimSpace(string(text)) == "":
		return "", fmt.Errorf("%q contains no token", name)
	}
	return string(text), nil
}

// explainSwallowed adds to an error about arguments that one of them may have become the token: $TOKEN, when it is not set and
// not in quotes, leaves --token with the next word.
func explainSwallowed(cmd *cobra.Command, err error) error {
	token := cmd.Flag("token")
	if err == nil || token == nil || !token.Changed || strings.Count(token.Value.String(), ".") == 2 {
		return err
	}
	return usage.Errorf("%w\nthe value of --token is not a JWT; is a variable in the command not set, and not in quotes?", err)
}

// where says where devs run, for somebody who named no address.
func (s std) where(ctx context.Context) string {
	kept, err := devstate.Find(s.state)
	if err != nil {
		return ""
	}
	alive, err := kept.Alive(ctx)
	if err != nil || len(alive) == 0 {
		return ""
	}
	return "; tidewire dev is at " + devstate.URLs(alive)
}
