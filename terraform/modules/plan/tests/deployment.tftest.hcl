variables {
  project = "example-project"
  number  = "123456789012"
  region  = "europe-west1"
}

run "the_least" {
  command = plan
  assert {
    condition     = jsonencode(output.programs) == jsonencode({ functions = { ingest = "tidewire-ingest", janitor = "tidewire-janitor", keeper = "tidewire-keeper" }, services = { api = "tidewire-api", dashboard = "tidewire-dashboard", gateway = "tidewire-gateway" } })
    error_message = "Three services and three functions: ${jsonencode(output.programs)}"
  }
  assert {
    condition     = output.urls.gateway == "https://tidewire-gateway-123456789012.europe-west1.run.app"
    error_message = "The address is the one that Cloud Run will give: ${output.urls.gateway}"
  }
  assert {
    condition     = output.environments.gateway.TIDEWIRE_PROXIES == "1"
    error_message = "Cloud Run alone is before the gateway, and what else stands in X-Forwarded-For the client may have written."
  }
  assert {
    condition     = output.hook == null && !contains(keys(output.accounts), "push")
    error_message = "Nobody is told of lost connections without being named."
  }
  assert {
    condition     = output.environments.janitor.TIDEWIRE_LIFECYCLE_TOPIC == output.lost.topic && output.grants["janitor/lost"].resource == output.lost.topic
    error_message = "The janitor tells the topic that it may publish to."
  }
  assert {
    condition     = alltrue([for e in values(output.environments) : e.TIDEWIRE_BACKEND == "gcp:example-project" && e.TIDEWIRE_DATABASE == "tidewire"])
    error_message = "All are of one project and one database."
  }
  assert {
    condition     = join(" ", [for p, e in output.environments : p if lookup(e, "TIDEWIRE_TELEMETRY", "none") == "gcp"]) == "api dashboard gateway ingest"
    error_message = "Those are seen that send what can be seen: ${jsonencode(output.environments)}"
  }
  assert {
    condition     = !contains(keys(output.environments.api), "TIDEWIRE_OPERATORS") && output.secret_environments.api.TIDEWIRE_OPERATORS == "tidewire-operators"
    error_message = "The operators' keys come from Secret Manager and from nowhere else."
  }
}

# Whoever may read tenants' documents can read their keys.
run "the_dashboard_reads_nothing_without_the_demo" {
  command = plan
  assert {
    condition     = length([for g in values(output.grants) : g if g.account == "dashboard" && g.resource_kind == "database"]) == 0
    error_message = "Only the demo signs tokens."
  }
  assert {
    condition     = output.environments.dashboard.TIDEWIRE_DEMO == "false"
    error_message = "The demo is off unless it is asked for."
  }
}

run "the_dashboard_reads_with_the_demo" {
  command = plan
  variables {
    demo = true
  }
  assert {
    condition     = output.grants["dashboard/database"].role == "roles/datastore.viewer" && output.environments.dashboard.TIDEWIRE_DEMO == "true"
    error_message = "The demo reads the keys it signs with."
  }
  assert {
    condition     = output.environments.dashboard.TIDEWIRE_HOSTS == "tidewire-dashboard-123456789012.europe-west1.run.app"
    error_message = "The demo signs for pages of its own address alone."
  }
}

run "least_privilege" {
  command = plan
  variables {
    demo         = true
    probe_tenant = "probe"
    hook_url     = "https://hooks.example.com/lost?k=1"
  }
  assert {
    condition     = alltrue([for g in values(output.grants) : !contains(["roles/owner", "roles/editor", "roles/viewer"], g.role) && !endswith(lower(g.role), "admin")])
    error_message = "Nobody has a basic role, and nobody administers."
  }
  assert {
    condition     = alltrue([for g in values(output.grants) : contains(keys(output.accounts), g.account)])
    error_message = "Grants are for accounts that are made."
  }
  assert {
    condition     = alltrue([for g in values(output.grants) : contains(["project", "database", "topic", "secret", "service"], g.resource_kind)])
    error_message = "Grants are on what the root knows to grant on."
  }
  assert {
    condition     = join(" ", sort([for g in values(output.grants) : g.account if g.role == "roles/datastore.user"])) == "api gateway keeper"
    error_message = "Only the api, the gateway and the keeper write documents."
  }
  assert {
    condition     = join(" ", [for g in values(output.grants) : g.account if g.resource_kind == "secret"]) == "api"
    error_message = "Only the api reads who its operators are."
  }
  assert {
    condition     = alltrue([for r in values(output.roles) : alltrue([for p in r.permissions : !strcontains(p, "*") && !endswith(p, "setIamPolicy")])])
    error_message = "A custom role names its permissions, and grants nothing further."
  }
  assert {
    condition     = length(distinct(values(output.accounts))) == length(output.accounts) && alltrue([for id in values(output.accounts) : length(id) >= 6 && length(id) <= 30])
    error_message = "Each has an account of its own, of 6 to 30 characters."
  }
  assert {
    condition     = !contains(output.public, "janitor") && !contains(output.public, "keeper") && !contains(output.public, "probe")
    error_message = "Janitor and probe are called by Google's services alone."
  }
}

run "without_telemetry_nobody_may_write_any" {
  command = plan
  variables {
    telemetry = false
  }
  assert {
    condition     = alltrue([for g in values(output.grants) : !startswith(g.role, "roles/telemetry.")]) && output.environments.gateway.TIDEWIRE_TELEMETRY == "none"
    error_message = "Without telemetry there is nothing to be granted."
  }
}

run "behind_a_load_balancer" {
  command = plan
  variables {
    domains = { gateway = "live.example.com", dashboard = "dash.example.com" }
  }
  assert {
    condition     = output.environments.gateway.TIDEWIRE_PROXIES == "2"
    error_message = "The load balancer is one proxy more."
  }
  assert {
    condition     = output.environments.dashboard.TIDEWIRE_GATEWAY == "https://live.example.com"
    error_message = "Pages open sockets at the gateway's domain."
  }
  assert {
    condition     = output.environments.dashboard.TIDEWIRE_HOSTS == "dash.example.com,tidewire-dashboard-123456789012.europe-west1.run.app"
    error_message = "The dashboard is reached by both names."
  }
  assert {
    condition     = output.urls.api == "https://tidewire-api-123456789012.europe-west1.run.app"
    error_message = "What has no domain keeps Cloud Run's address."
  }
}

run "a_dashboard_behind_a_load_balancer_says_nothing_of_the_gateway" {
  command = plan
  variables {
    domains = { dashboard = "dash.example.com" }
  }
  assert {
    condition     = output.environments.gateway.TIDEWIRE_PROXIES == "1"
    error_message = "The gateway is not behind it."
  }
}

run "another_name" {
  command = plan
  variables {
    name = "a-name-of-20-letters"
  }
  assert {
    condition     = output.accounts.dashboard == "a-name-of-20-letters-dashboard" && output.lost.topic == "a-name-of-20-letters-lost"
    error_message = "Everything has the prefix."
  }
  assert {
    condition     = alltrue([for r in values(output.roles) : can(regex("^[a-zA-Z0-9_.]{3,64}$", r.id))])
    error_message = "A custom role's identifier holds no hyphen."
  }
  assert {
    condition     = alltrue([for host in values(output.hosts) : length(split(".", host)[0]) <= 63])
    error_message = "Cloud Run gives the address that holds the project's number if its first part has 63 characters at most."
  }
}

run "the_longest_names_of_buckets" {
  command = plan
  variables {
    project = "a-project-of-30-letters-012345"
    name    = "a-name-of-20-letters"
  }
  assert {
    condition     = alltrue([for bucket in values(output.buckets) : length(bucket) <= 63])
    error_message = "A bucket's name has 63 characters at most: ${jsonencode(output.buckets)}"
  }
}

run "a_name_that_ends_with_a_hyphen" {
  command = plan
  variables {
    name = "tidewire-"
  }
  expect_failures = [var.name]
}

run "a_name_of_21" {
  command = plan
  variables {
    name = "a-name-of-21-letters1"
  }
  expect_failures = [var.name]
}

run "a_name_that_topics_of_tenants_begin_with" {
  command = plan
  variables {
    name = "tw-prod"
  }
  expect_failures = [var.name]
}

run "a_name_that_pubsub_refuses" {
  command = plan
  variables {
    name = "google-wave"
  }
  expect_failures = [var.name]
}

run "the_default_database" {
  command = plan
  variables {
    database = "(default)"
  }
  assert {
    condition     = output.environments.api.TIDEWIRE_DATABASE == "(default)" && output.grants["api/database"].resource == "(default)"
    error_message = "The database without a name is one, too."
  }
}

run "a_database_of_three_letters" {
  command = plan
  variables {
    database = "abc"
  }
  expect_failures = [var.database]
}

run "a_project_by_its_number" {
  command = plan
  variables {
    project = "123456789012"
  }
  expect_failures = [var.project]
}

run "a_number_that_is_none" {
  command = plan
  variables {
    number = "example-project"
  }
  expect_failures = [var.number]
}

run "a_zone_for_a_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "the_wall_of_subscriptions" {
  command = plan
  variables {
    subscriptions = 10000
  }
  assert {
    condition     = output.environments.gateway.TIDEWIRE_SUBSCRIPTIONS == "10000"
    error_message = "The budget may be all there is."
  }
}

run "beyond_the_wall" {
  command = plan
  variables {
    subscriptions = 10001
  }
  expect_failures = [var.subscriptions]
}

run "no_subscriptions" {
  command = plan
  variables {
    subscriptions = 0
  }
  expect_failures = [var.subscriptions]
}

run "a_domain_with_a_scheme" {
  command = plan
  variables {
    domains = { gateway = "https://live.example.com" }
  }
  expect_failures = [var.domains]
}

run "a_domain_of_nobody" {
  command = plan
  variables {
    domains = { janitor = "janitor.example.com" }
  }
  expect_failures = [var.domains]
}

run "one_domain_for_two" {
  command = plan
  variables {
    domains = { gateway = "live.example.com", api = "live.example.com" }
  }
  expect_failures = [var.domains]
}

run "a_hook" {
  command = plan
  variables {
    hook_url = "https://hooks.example.com/lost"
  }
  assert {
    condition     = output.hook.url == "https://hooks.example.com/lost" && output.accounts.push == "tidewire-push"
    error_message = "The hook is pushed to by an account of its own."
  }
}

run "a_hook_without_tls" {
  command = plan
  variables {
    hook_url = "http://hooks.example.com/lost"
  }
  expect_failures = [var.hook_url]
}

run "a_probe" {
  command = plan
  variables {
    probe_tenant = "probe"
  }
  assert {
    condition     = output.environments.probe.TIDEWIRE_PROBE_TENANT == "probe" && output.accounts.probe == "tidewire-probe"
    error_message = "With its tenant there is a probe."
  }
}

run "a_probe_of_no_tenant" {
  command = plan
  variables {
    probe_tenant = "No Tenant"
  }
  expect_failures = [var.probe_tenant]
}

run "another_log_level" {
  command = plan
  variables {
    log_level = "loud"
  }
  expect_failures = [var.log_level]
}

# Firestore's fields: one for each time to live, one index over all collections.
run "fields" {
  command = plan
  assert {
    condition     = join(" ", sort([for k, f in output.fields : k if f.ttl])) == "channels.expireAt connections.expireAt instances.expireAt occupancies.expireAt state.expireAt users.expireAt"
    error_message = "Documents of connections, instances, users and state go by themselves."
  }
  assert {
    condition     = join(" ", [for k, f in output.fields : k if f.group]) == "connections.instance occupancies.dueAt"
    error_message = "The janitor asks all connections for their instance."
  }
  assert {
    condition     = alltrue([for f in values(output.fields) : !(f.plain && f.group)]) && alltrue([for f in values(output.fields) : f.plain if f.ttl])
    error_message = "What only grows has no index."
  }
}

# Who crawls or filters publishes as ingest does, and is called by Pub/Sub alone.
run "crawler_and_filter" {
  command = plan
  variables {
    crawler = { hosts = ["docs.example.com", "*.example.org"], delay_seconds = 0.5 }
    filter  = { rules = "{\"tenant\":\"acme\",\"rules\":[{\"channel\":\"all:x\"}]}", topic = "projects/devices/topics/readings" }
  }
  assert {
    condition     = output.environments.crawler.TIDEWIRE_CRAWLER_HOSTS == "docs.example.com,*.example.org" && output.environments.crawler.TIDEWIRE_CRAWLER_DELAY == "0.5s" && output.environments.crawler.TIDEWIRE_CRAWLER_TIME == "480s"
    error_message = "The crawler has its hosts, pause and time: ${jsonencode(output.environments.crawler)}"
  }
  assert {
    condition     = jsondecode(output.environments.filter.TIDEWIRE_FILTER_RULES).tenant == "acme"
    error_message = "The filter has its rules."
  }
  assert {
    condition     = output.triggers.crawler.existing == null && output.triggers.filter.existing == "projects/devices/topics/readings" && output.triggers.filter.ordered
    error_message = "A topic that exists is not made: ${jsonencode(output.triggers)}"
  }
  assert {
    condition     = !contains(output.public, "crawler") && !contains(output.public, "filter") && join(" ", sort([for g in values(output.grants) : g.resource if g.account == "trigger"])) == "tidewire-crawler tidewire-filter"
    error_message = "Pub/Sub's pushes alone may call them."
  }
  assert {
    condition     = join(" ", sort([for g in values(output.grants) : g.role if g.account == "crawler"])) == "roles/datastore.viewer roles/pubsub.publisher"
    error_message = "The crawler reads tenants and publishes, and nothing else."
  }
  assert {
    condition     = alltrue([for t in values(output.triggers) : t.max_attempts >= 5 && t.max_attempts <= 100 && t.ack_seconds <= 600])
    error_message = "Attempts and times are what Pub/Sub takes."
  }
}

run "without_them_there_is_nothing_of_them" {
  command = plan
  assert {
    condition     = length(output.triggers) == 0 && !contains(keys(output.accounts), "trigger") && !contains(keys(output.environments), "crawler")
    error_message = "They are off unless they are asked for."
  }
}

run "a_crawler_without_hosts" {
  command = plan
  variables {
    crawler = { hosts = [] }
  }
  expect_failures = [var.crawler]
}

run "a_crawler_of_everything" {
  command = plan
  variables {
    crawler = { hosts = ["*"] }
  }
  expect_failures = [var.crawler]
}

run "a_job_longer_than_pubsub_waits" {
  command = plan
  variables {
    crawler = { hosts = ["docs.example.com"], job_seconds = 541 }
  }
  expect_failures = [var.crawler]
}

run "jobs_of_everybody" {
  command = plan
  variables {
    crawler = { hosts = ["docs.example.com"], publishers = ["allUsers"] }
  }
  expect_failures = [var.crawler]
}

run "rules_that_are_none" {
  command = plan
  variables {
    filter = { rules = "{\"tenant\":\"acme\",\"rules\":[]}" }
  }
  expect_failures = [var.filter]
}

run "publishers_of_a_topic_that_exists" {
  command = plan
  variables {
    filter = { rules = "{\"tenant\":\"acme\",\"rules\":[{\"channel\":\"all:x\"}]}", topic = "projects/devices/topics/readings", publishers = ["user:ann@example.com"] }
  }
  expect_failures = [var.filter]
}
