package main

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
)

// told is what a write-only argument of a resource is given. No plan holds it, so that a test which starts a program with it asks the stub.
type told struct {
	Type     string `json:"type"`
	Of       string `json:"of"` // the secret, as the resource names it
	Argument string `json:"argument"`
	Value    string `json:"value"`
}

// tell appends to the file of secrets what a resource is given in its write-only arguments, a line each. Passwords among it are the stub's.
func (s *server) tell(r *tfprotov5.PlanResourceChangeRequest, d described) (err error) {
	if s.secrets == "" {
		return nil
	}
	config, err := r.Config.Unmarshal(d.schema.ValueType())
	if err != nil || config.IsNull() {
		return err
	}
	proposed, err := r.ProposedNewState.Unmarshal(d.schema.ValueType())
	if err != nil {
		return err
	}
	for name := range d.Block.Attributes {
		value := text(config, name)
		if !writeOnly(name) || value == "" {
			continue
		}
		line, err := json.Marshal(told{r.TypeName, text(proposed, "secret"), name, value})
		if err != nil {
			return err
		}
		f, err := os.OpenFile(s.secrets, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(append(line, '\n'))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
