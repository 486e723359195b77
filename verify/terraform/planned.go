package terraform

// Planned is what the module terraform/modules/plan decides.
type Planned struct {
	Topics             map[string]Topic             `json:"topics"` // by name
	Environments       map[string]map[string]string `json:"environments"`
	SecretEnvironments map[string]map[string]string `json:"secret_environments"` // variable to secret
	Accounts           map[string]string            `json:"accounts"`
	Grants             map[string]Grant             `json:"grants"`
	Fields             map[string]Field             `json:"fields"`
	Tenants            map[string]TenantPlan        `json:"tenants"`
	Public             []string                     `json:"public"`
	Programs           Programs                     `json:"programs"`
	Lost               Lost                         `json:"lost"`
}

// Topic is a topic of tenants.
type Topic struct {
	Tenant           *string           `json:"tenant"` // nil: a shared one
	Shard            *int              `json:"shard"`  // nil: a tenant's own
	RetentionSeconds int               `json:"retention_seconds"`
	Labels           map[string]string `json:"labels"`
}

// Grant is what an account may do.
type Grant struct {
	Account      string `json:"account"` // its short name
	Role         string `json:"role"`
	ResourceKind string `json:"resource_kind"`
	Resource     string `json:"resource"`
}

// Field is the setting of a field in Firestore.
type Field struct {
	Collection string `json:"collection"`
	Field      string `json:"field"`
	TTL        bool   `json:"ttl"`
	Group      bool   `json:"group"`
	Plain      bool   `json:"plain"`
	Array      bool   `json:"array"`
}

// TenantPlan is a tenant with every default filled in.
type TenantPlan struct {
	Placement        string  `json:"placement"`
	RetentionSeconds int     `json:"retention_seconds"`
	Topic            *string `json:"topic"` // nil: a shared one
}

// Programs are the names of services and functions in Cloud Run, by their short names.
type Programs struct {
	Services  map[string]string `json:"services"`
	Functions map[string]string `json:"functions"`
}

// Lost is what carries connections whose instance died.
type Lost struct {
	Topic            string `json:"topic"`
	Subscription     string `json:"subscription"`
	DeadTopic        string `json:"dead_topic"`
	DeadSubscription string `json:"dead_subscription"`
}
