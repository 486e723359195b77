package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	s := &server{foretold: os.Getenv("TIDEWIRE_FORETOLD") != "", secrets: os.Getenv("TIDEWIRE_SECRETS")}
	name := "random"
	if filepath.Base(binary) == "terraform-provider-google" {
		name = "google"
		if s.provider, err = readProvider(os.Getenv("TIDEWIRE_SCHEMA")); err != nil {
			return err
		}
	} else {
		s.ephemeral = password()
	}
	return tf5server.Serve("registry.terraform.io/hashicorp/"+name, func() tfprotov5.ProviderServer { return s })
}
