package main

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// server answers Terraform. It is safe for concurrent use.
type server struct {
	provider
	ephemeral map[string]*tfprotov5.Schema
	foretold  bool                   // plans say what Google computes, as an apply would
	secrets   string                 // the file that is told what write-only arguments are given, or ""
	project   atomic.Pointer[string] // that of the provider's configuration
	fields    atomic.Int32           // changes of google_firestore_field that are under way
}

var errNever = errors.New("the stub is never asked for this")

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	return nil, errNever
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	r := &tfprotov5.GetProviderSchemaResponse{
		// Terraform need not ask each of the processes that it starts.
		ServerCapabilities: &tfprotov5.ServerCapabilities{GetProviderSchemaOptional: true},
		Provider:           configuration(),
		ResourceSchemas:    map[string]*tfprotov5.Schema{}, DataSourceSchemas: map[string]*tfprotov5.Schema{},
		EphemeralResourceSchemas: maps.Clone(s.ephemeral),
	}
	for name, d := range s.Resources {
		r.ResourceSchemas[name] = d.schema
	}
	for name, d := range s.Data {
		r.DataSourceSchemas[name] = d.schema
	}
	return r, nil
}

// configuration is what a provider takes, as far as it is used.
func configuration() *tfprotov5.Schema {
	return &tfprotov5.Schema{Block: &tfprotov5.SchemaBlock{Attributes: []*tfprotov5.SchemaAttribute{
		{Name: "project", Type: tftypes.String, Optional: true},
		{Name: "region", Type: tftypes.String, Optional: true},
		{Name: "billing_project", Type: tftypes.String, Optional: true},
		{Name: "user_project_override", Type: tftypes.Bool, Optional: true},
		{Name: "default_labels", Type: tftypes.Map{ElementType: tftypes.String}, Optional: true},
	}}}
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s *server) ConfigureProvider(_ context.Context, r *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	config, err := r.Config.Unmarshal(configuration().ValueType())
	if err != nil {
		return nil, err
	}
	project := text(config, "project")
	s.project.Store(&project)
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

// ValidateResourceTypeConfig adds to what Terraform finds by the schema which texts an argument may be.
func (s *server) ValidateResourceTypeConfig(_ context.Context, r *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	d, ok := s.Resources[r.TypeName]
	if !ok {
		return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
	}
	config, err := r.Config.Unmarshal(d.schema.ValueType())
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ValidateResourceTypeConfigResponse{Diagnostics: impossible(config, d.Block, tftypes.NewAttributePath())}, nil
}

func (s *server) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	t := s.Resources[r.TypeName].schema.ValueType()
	v, err := r.RawState.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	d, err := tfprotov5.NewDynamicValue(t, v)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &d}, err
}

func (s *server) UpgradeResourceIdentity(context.Context, *tfprotov5.UpgradeResourceIdentityRequest) (*tfprotov5.UpgradeResourceIdentityResponse, error) {
	return nil, errNever
}

// ReadResource says that everything is as it was left.
func (s *server) ReadResource(_ context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: r.CurrentState}, nil
}

// PlanResourceChange takes what is asked for; what Google computes is not known before a resource is made.
func (s *server) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	d := s.Resources[r.TypeName]
	t := d.schema.ValueType()
	proposed, err := r.ProposedNewState.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	prior, err := r.PriorState.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	made := null
	switch {
	case prior.IsNull() && s.foretold:
		made = s.computed(r.TypeName, proposed)
	case prior.IsNull():
		made = unknown
	}
	if err := s.tell(r, d); err != nil {
		return nil, err
	}
	planned, err := fill(proposed, d.Block, isNull, made)
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(t, planned)
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: &state, RequiresReplace: replaced(r.TypeName, prior, proposed)}, err
}

// replaced is what cannot be changed. The schema does not say it of any attribute; these are those that matter here.
func replaced(resource string, prior, proposed tftypes.Value) []*tftypes.AttributePath {
	if prior.IsNull() || proposed.IsNull() {
		return nil
	}
	var paths []*tftypes.AttributePath
	if resource == "google_secret_manager_secret_version" {
		paths = append(paths, tftypes.NewAttributePath().WithAttributeName("secret_data_wo_version"))
	}
	if text(prior, "name") != text(proposed, "name") {
		paths = append(paths, tftypes.NewAttributePath().WithAttributeName("name"))
	}
	return paths
}

// ApplyResourceChange makes up what was not known. Like a new Firestore database it refuses to change two fields at once.
func (s *server) ApplyResourceChange(_ context.Context, r *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	if r.TypeName == "google_firestore_field" {
		defer s.fields.Add(-1)
		if s.fields.Add(1) > 1 {
			return &tfprotov5.ApplyResourceChangeResponse{NewState: r.PriorState, Diagnostics: []*tfprotov5.Diagnostic{{
				Severity: tfprotov5.DiagnosticSeverityError, Summary: "Error 409: Please retry, underlying data changed",
			}}}, nil
		}
		time.Sleep(5 * time.Millisecond) // as long as others that are not held back need to come
	}
	d := s.Resources[r.TypeName]
	t := d.schema.ValueType()
	planned, err := r.PlannedState.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	applied, err := fill(planned, d.Block, isUnknown, s.computed(r.TypeName, planned))
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(t, applied)
	return &tfprotov5.ApplyResourceChangeResponse{NewState: &state}, err
}

func (s *server) ImportResourceState(context.Context, *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	return nil, errNever
}

func (s *server) MoveResourceState(context.Context, *tfprotov5.MoveResourceStateRequest) (*tfprotov5.MoveResourceStateResponse, error) {
	return nil, errNever
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (s *server) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	d := s.Data[r.TypeName]
	t := d.schema.ValueType()
	config, err := r.Config.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	read, err := fill(config, d.Block, isNull, s.computed(r.TypeName, config))
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(t, read)
	return &tfprotov5.ReadDataSourceResponse{State: &state}, err
}

func (s *server) GetFunctions(context.Context, *tfprotov5.GetFunctionsRequest) (*tfprotov5.GetFunctionsResponse, error) {
	return &tfprotov5.GetFunctionsResponse{}, nil
}

func (s *server) CallFunction(context.Context, *tfprotov5.CallFunctionRequest) (*tfprotov5.CallFunctionResponse, error) {
	return nil, errNever
}

func (s *server) ValidateEphemeralResourceConfig(context.Context, *tfprotov5.ValidateEphemeralResourceConfigRequest) (*tfprotov5.ValidateEphemeralResourceConfigResponse, error) {
	return &tfprotov5.ValidateEphemeralResourceConfigResponse{}, nil
}

// secret is what the stub's passwords are, so that a test can look for it where it must not be.
const secret = "this-password-is-in-no-plan-and-in-no-state-0123"

func (s *server) OpenEphemeralResource(_ context.Context, r *tfprotov5.OpenEphemeralResourceRequest) (*tfprotov5.OpenEphemeralResourceResponse, error) {
	t := s.ephemeral[r.TypeName].ValueType()
	config, err := r.Config.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	fields := map[string]tftypes.Value{}
	if err := config.As(&fields); err != nil {
		return nil, err
	}
	fields["result"] = tftypes.NewValue(tftypes.String, secret)
	result, err := tfprotov5.NewDynamicValue(t, tftypes.NewValue(t, fields))
	return &tfprotov5.OpenEphemeralResourceResponse{Result: &result}, err
}

func (s *server) RenewEphemeralResource(context.Context, *tfprotov5.RenewEphemeralResourceRequest) (*tfprotov5.RenewEphemeralResourceResponse, error) {
	return nil, errNever
}

func (s *server) CloseEphemeralResource(context.Context, *tfprotov5.CloseEphemeralResourceRequest) (*tfprotov5.CloseEphemeralResourceResponse, error) {
	return &tfprotov5.CloseEphemeralResourceResponse{}, nil
}
