variables {
  project = "example-project"
  number  = "123456789012"
  region  = "europe-west1"
}

run "nothing_is_said" {
  command = plan
  assert {
    condition     = length(output.topics) == 0 && length(output.tenants) == 0
    error_message = "Without tenants and shards there are no topics."
  }
}

# What the program names a topic, and the settings that it gives one: otherwise the api would not find it.
run "a_tenant_has_a_topic" {
  command = plan
  variables {
    tenants = { acme = {} }
  }
  assert {
    condition     = jsonencode(output.topics) == jsonencode({ "tw-acme" = { tenant = "acme", shard = null, retention_seconds = 600, labels = { tidewire = "topic" } } })
    error_message = "The topic of acme is tw-acme and keeps ten minutes: ${jsonencode(output.topics)}"
  }
  assert {
    condition     = output.tenants["acme"].topic == "tw-acme" && output.tenants["acme"].placement == "own"
    error_message = "acme has a topic of its own by default."
  }
}

run "pooled_tenants_share_shards" {
  command = plan
  variables {
    shards  = 3
    tenants = { acme = {}, small = { placement = "pooled" }, tiny = { placement = "pooled" } }
  }
  assert {
    condition     = join(" ", sort(keys(output.topics))) == "tw-acme tw_pool_0 tw_pool_1 tw_pool_2"
    error_message = "There are acme's topic and three shared: ${join(" ", keys(output.topics))}"
  }
  assert {
    condition     = output.topics["tw_pool_2"].shard == 2 && output.topics["tw_pool_2"].tenant == null && output.tenants["tiny"].topic == null
    error_message = "A shard is nobody's."
  }
  assert {
    condition     = alltrue([for p in ["gateway", "api", "dashboard", "ingest"] : output.environments[p].TIDEWIRE_SHARDS == "3"])
    error_message = "Everybody who finds a tenant's topic has the same number of shards."
  }
}

# A removed tenant takes nothing of another's with it: all is keyed by the tenant.
run "a_tenant_less" {
  command = plan
  variables {
    shards  = 3
    tenants = { acme = {} }
  }
  assert {
    condition     = output.topics["tw-acme"] == run.pooled_tenants_share_shards.topics["tw-acme"] && length(output.topics) == 4
    error_message = "What is left is as it was."
  }
}

run "documents_have_placement_and_limits" {
  command = plan
  variables {
    shards = 1
    tenants = {
      acme  = { limits = { connections = 5000, publishesPerSecond = 500 } }
      small = { placement = "pooled" }
    }
  }
  assert {
    condition     = jsonencode(output.documents) == jsonencode({ acme = { limits = { connections = 5000, publishesPerSecond = 500 }, placement = "own" }, small = { placement = "pooled" } })
    error_message = "A document has what was said of the tenant, and nothing else: ${jsonencode(output.documents)}"
  }
}

run "pooled_without_shards" {
  command = plan
  variables {
    tenants = { small = { placement = "pooled" } }
  }
  expect_failures = [var.tenants]
}

run "pooled_with_a_retention_of_its_own" {
  command = plan
  variables {
    shards  = 1
    tenants = { small = { placement = "pooled", retention_seconds = 3600 } }
  }
  expect_failures = [var.tenants]
}

run "another_placement" {
  command = plan
  variables {
    tenants = { acme = { placement = "shared" } }
  }
  expect_failures = [var.tenants]
}

run "the_shortest_and_the_longest_identifier" {
  command = plan
  variables {
    tenants = { "7" = {}, "a-" = {}, "a23456789-123456789-123456789-123456789-123456789-123456789-123" = {} }
  }
  assert {
    condition     = contains(keys(output.topics), "tw-a23456789-123456789-123456789-123456789-123456789-123456789-123")
    error_message = "63 characters are an identifier."
  }
}

run "an_identifier_too_long" {
  command = plan
  variables {
    tenants = { "a23456789-123456789-123456789-123456789-123456789-123456789-1234" = {} }
  }
  expect_failures = [var.tenants]
}

run "an_identifier_with_an_underscore" {
  command = plan
  variables {
    tenants = { "pool_0" = {} }
  }
  expect_failures = [var.tenants]
}

run "an_identifier_in_capitals" {
  command = plan
  variables {
    tenants = { Acme = {} }
  }
  expect_failures = [var.tenants]
}

run "an_identifier_that_begins_with_a_hyphen" {
  command = plan
  variables {
    tenants = { "-acme" = {} }
  }
  expect_failures = [var.tenants]
}

run "an_empty_identifier" {
  command = plan
  variables {
    tenants = { "" = {} }
  }
  expect_failures = [var.tenants]
}

run "the_least_and_the_most_retention" {
  command = plan
  variables {
    tenants = { least = { retention_seconds = 600 }, most = { retention_seconds = 2678400 } }
  }
  assert {
    condition     = output.topics["tw-most"].retention_seconds == 2678400
    error_message = "A topic keeps messages for 31 days if it is asked to."
  }
}

run "retention_of_all_topics" {
  command = plan
  variables {
    retention_seconds = 86400
    shards            = 1
    tenants           = { acme = {}, longer = { retention_seconds = 172800 } }
  }
  assert {
    condition     = output.topics["tw-acme"].retention_seconds == 86400 && output.topics["tw_pool_0"].retention_seconds == 86400 && output.topics["tw-longer"].retention_seconds == 172800
    error_message = "Every topic keeps what all keep, and one more if it is asked to."
  }
  assert {
    condition     = alltrue([for p in ["gateway", "api", "ingest", "keeper"] : output.environments[p].TIDEWIRE_RETENTION == "86400s"])
    error_message = "Every program that reads the rules of tenants is told what topics keep."
  }
}

run "too_little_retention_of_all" {
  command = plan
  variables {
    retention_seconds = 599
  }
  expect_failures = [var.retention_seconds]
}

run "too_little_retention" {
  command = plan
  variables {
    tenants = { acme = { retention_seconds = 599 } }
  }
  expect_failures = [var.tenants]
}

run "too_much_retention" {
  command = plan
  variables {
    tenants = { acme = { retention_seconds = 2678401 } }
  }
  expect_failures = [var.tenants]
}

run "an_unknown_limit" {
  command = plan
  variables {
    tenants = { acme = { limits = { conections = 10 } } }
  }
  expect_failures = [var.tenants]
}

run "a_negative_limit" {
  command = plan
  variables {
    tenants = { acme = { limits = { connections = -1 } } }
  }
  expect_failures = [var.tenants]
}

run "half_a_connection" {
  command = plan
  variables {
    tenants = { acme = { limits = { connections = 0.5 } } }
  }
  expect_failures = [var.tenants]
}

run "limits_at_their_bounds" {
  command = plan
  variables {
    tenants = { acme = { limits = { messageBytes = 1048576, queueMessages = 64, queueBytes = 131072 } } }
  }
  assert {
    condition     = output.documents["acme"].limits.queueMessages == 64
    error_message = "The bounds themselves are allowed."
  }
}

run "a_message_too_large" {
  command = plan
  variables {
    tenants = { acme = { limits = { messageBytes = 1048577 } } }
  }
  expect_failures = [var.tenants]
}

run "a_queue_of_too_few_messages" {
  command = plan
  variables {
    tenants = { acme = { limits = { queueMessages = 63 } } }
  }
  expect_failures = [var.tenants]
}

run "a_queue_of_too_few_bytes" {
  command = plan
  variables {
    tenants = { acme = { limits = { queueBytes = 131071 } } }
  }
  expect_failures = [var.tenants]
}

run "the_most_tenants" {
  command = plan
  variables {
    tenants = { for n in range(200) : "t${n}" => {} }
  }
  assert {
    condition     = length(output.topics) == 200
    error_message = "200 tenants have 200 topics."
  }
}

run "too_many_tenants" {
  command = plan
  variables {
    tenants = { for n in range(201) : "t${n}" => {} }
  }
  expect_failures = [var.tenants]
}

run "the_most_shards" {
  command = plan
  variables {
    shards = 100
  }
  assert {
    condition     = contains(keys(output.topics), "tw_pool_99") && length(output.topics) == 100
    error_message = "100 shards are 100 topics, from 0 on."
  }
}

run "too_many_shards" {
  command = plan
  variables {
    shards = 101
  }
  expect_failures = [var.shards]
}

run "fewer_than_no_shards" {
  command = plan
  variables {
    shards = -1
  }
  expect_failures = [var.shards]
}
