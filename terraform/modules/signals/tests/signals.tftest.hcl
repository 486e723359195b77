variables {
  project          = "my-project"
  uptime_check_ids = { gateway = "gateway-check", probe = "probe-check" }
}

# An alert without a runbook wakes somebody who then knows nothing.
run "every_alert_has_a_runbook" {
  command = plan

  assert {
    condition     = alltrue([for key, alert in output.alerts : alert.runbook == "https://github.com/tidewire/tidewire/blob/main/docs/operations.md#${key}"])
    error_message = "A runbook is the heading that has the alert's name."
  }
  assert {
    condition     = alltrue([for key, alert in output.alerts : length([for line in split("\n", file("../../../docs/operations.md")) : line if line == "### ${key}"]) == 1])
    error_message = "docs/operations.md has one heading for each alert."
  }
  assert {
    condition     = alltrue([for alert in output.alerts : contains(["CRITICAL", "ERROR", "WARNING"], alert.severity) && length(alert.summary) > 20])
    error_message = "Every alert has a severity and says what has happened."
  }
}

run "every_condition_is_of_one_kind" {
  command = plan

  assert {
    condition = alltrue(flatten([for alert in output.alerts : [for condition in alert.conditions :
      length([for kind in ["promql", "threshold"] : kind if condition[kind] != null]) == 1
    ]]))
    error_message = "A condition has one of promql and threshold."
  }
  assert {
    condition     = alltrue([for alert in output.alerts : length(alert.conditions) >= 1 && length(alert.conditions) <= 6])
    error_message = "Cloud Monitoring takes 1 to 6 conditions a policy."
  }
}

# A policy with a condition in PromQL may hold no other one: the API refuses it.
run "a_condition_in_promql_is_alone" {
  command = plan

  assert {
    condition     = alltrue([for policy in output.policies : length(policy.conditions) == 1 || alltrue([for condition in policy.conditions : condition.promql == null])])
    error_message = "Policies that the API refuses: ${join(", ", [for key, policy in output.policies : key if length(policy.conditions) > 1])}."
  }
  assert {
    condition     = sum([for policy in output.policies : length(policy.conditions)]) == sum([for alert in output.alerts : length(alert.conditions)])
    error_message = "A condition is in no policy, or in two."
  }
  assert {
    condition     = alltrue([for key in ["janitor-failing", "janitor-not-running", "probe-failing", "gateway-saturated-cpu-above-85", "sockets-fell"] : contains(keys(output.policies), key)])
    error_message = "Policies are named after alert and condition: ${join(", ", keys(output.policies))}."
  }
  assert {
    condition     = endswith(output.policies["janitor-failing"].runbook, "#janitor")
    error_message = "All policies of an alert have its runbook."
  }
}

run "both_windows_of_the_objective_are_one_policy" {
  command = plan

  variables {
    slo = true
  }

  assert {
    condition     = length(output.policies["delivery-latency-fast"].conditions) == 2 && output.policies["delivery-latency-fast"].combine == "AND"
    error_message = "Both windows have to burn."
  }
}

# What is absent fires nothing by itself: these series vanish with what they are about.
run "missing_is_seen_as_well_as_failing" {
  command = plan

  assert {
    condition     = alltrue([for key in ["janitor", "keeper", "probe"] : can(output.alerts[key].conditions["failing"]) && can(output.alerts[key].conditions["not running"])])
    error_message = "The janitor, the keeper and the probe are alerted on when they fail, and when they do not run."
  }
  assert {
    condition     = alltrue([for key in ["janitor", "keeper", "probe"] : strcontains(output.alerts[key].conditions["not running"].promql, "or vector(0)")])
    error_message = "A series that is not there has to count as 0."
  }
}

run "no_selector_is_left_in_a_query" {
  command = plan

  assert {
    condition     = alltrue([for query in concat(values(output.queries.charts), values(output.queries.alerts)) : !strcontains(query, "@") && !strcontains(query, "'")])
    error_message = "Selectors and quotes are put in."
  }
  assert {
    condition     = alltrue([for query in values(output.queries.alerts) : !strcontains(query, "$")])
    error_message = "An alert knows no menu of tenants."
  }
  assert {
    condition     = length([for query in values(output.queries.charts) : query if strcontains(query, "$${tenant}")]) >= 15
    error_message = "The menu of tenants narrows the charts."
  }
}

# Two deployments may share a project.
run "names_follow_the_deployment" {
  command = plan

  variables {
    name = "staging"
  }

  assert {
    condition     = alltrue([for query in concat(values(output.queries.charts), values(output.queries.alerts)) : !strcontains(query, "tidewire-")])
    error_message = "A query asks for another deployment."
  }
  assert {
    condition     = alltrue([for key in keys(output.log_metrics) : startswith(key, "staging-")])
    error_message = "Metrics of log lines begin with the deployment's name."
  }
}

run "what_is_read_is_what_is_made" {
  command = plan

  assert {
    condition     = length(setsubtract(output.metrics.log, keys(output.log_metrics))) == 0
    error_message = "A query reads a metric of log lines that is not made: ${join(", ", setsubtract(output.metrics.log, keys(output.log_metrics)))}."
  }
  assert {
    condition     = length(setsubtract(keys(output.log_metrics), output.metrics.log)) == 0
    error_message = "Nothing reads a metric of log lines: ${join(", ", setsubtract(keys(output.log_metrics), output.metrics.log))}."
  }
}

run "fifty_widgets_pass" {
  command = plan

  variables {
    extra_widgets = [for i in range(3) : { title = "mine ${i}", text = { content = "x" } }]
  }

  assert {
    condition     = length(jsondecode(output.dashboard_json).mosaicLayout.tiles) == 50
    error_message = "This is to be the most that Cloud Monitoring takes; it is ${length(jsondecode(output.dashboard_json).mosaicLayout.tiles)}."
  }
}

run "fifty_one_fail" {
  command = plan

  variables {
    extra_widgets = [for i in range(4) : { title = "mine ${i}", text = { content = "x" } }]
  }

  expect_failures = [output.dashboard_json]
}

run "tiles_do_not_overlap" {
  command = plan

  variables {
    extra_widgets = [for i in range(3) : { title = "mine ${i}", text = { content = "x" } }]
  }

  assert {
    condition = alltrue(flatten([for i, a in jsondecode(output.dashboard_json).mosaicLayout.tiles : [
      for j, b in jsondecode(output.dashboard_json).mosaicLayout.tiles :
      i >= j || try(a.xPos, 0) >= try(b.xPos, 0) + b.width || try(b.xPos, 0) >= try(a.xPos, 0) + a.width || try(a.yPos, 0) >= try(b.yPos, 0) + b.height || try(b.yPos, 0) >= try(a.yPos, 0) + a.height
    ]]))
    error_message = "Two tiles lie over each other."
  }
  assert {
    condition     = alltrue([for tile in jsondecode(output.dashboard_json).mosaicLayout.tiles : try(tile.xPos, 0) + tile.width <= 48])
    error_message = "A tile reaches out of the 48 columns."
  }
  # What Cloud Monitoring leaves out of its answers would be a difference in every plan.
  assert {
    condition     = length(regexall("(\\[\\]|\\{\\}|:0[,}]|:null)", output.dashboard_json)) == 0
    error_message = "The dashboard has something empty in it."
  }
  assert {
    condition     = alltrue(flatten([for tile in jsondecode(output.dashboard_json).mosaicLayout.tiles : [for set in try(tile.widget.xyChart.dataSets, []) : set.timeSeriesQuery.unitOverride != ""]]))
    error_message = "Every chart has a unit."
  }
}

# Before Cloud Monitoring has seen the metric it takes no objective: burn is computed all the same.
run "burn_without_an_objective" {
  command = plan

  assert {
    condition     = strcontains(output.alerts["delivery-latency-fast"].conditions["burning"].promql, "histogram_quantile(0.856,")
    error_message = "A burn of 14.4 at 99 % is a share of 14.4 %, so the quantile 0.856."
  }
  assert {
    condition     = strcontains(output.alerts["delivery-latency-slow"].conditions["burning"].promql, "histogram_quantile(0.94,")
    error_message = "A burn of 6 at 99 % is a share of 6 %, so the quantile 0.94."
  }
}

run "burn_of_the_objective" {
  command = plan

  variables {
    slo = true
  }

  assert {
    condition     = sort([for condition in output.alerts["delivery-latency-fast"].conditions : condition.threshold.filter])[0] == "select_slo_burn_rate(\"projects/my-project/services/tidewire-delivery/serviceLevelObjectives/tidewire-delivery-latency\", \"300s\")"
    error_message = "The fast burn looks at five minutes too."
  }
  assert {
    condition     = alltrue([for key in ["delivery-latency-fast", "delivery-latency-slow"] : output.alerts[key].combine == "AND" && length(output.alerts[key].conditions) == 2])
    error_message = "Both windows have to burn."
  }
}

# With a goal so low that nothing can burn so fast, it takes that every delivery is slow.
run "a_low_goal" {
  command = plan

  variables {
    objective = { goal = 0.9 }
  }

  assert {
    condition     = strcontains(output.alerts["delivery-latency-fast"].conditions["burning"].promql, "histogram_quantile(0,")
    error_message = "A quantile is not below 0."
  }
}

run "no_check_no_alert" {
  command = plan

  variables {
    uptime_check_ids = { gateway = "gateway-check" }
  }

  assert {
    condition     = !contains(keys(output.alerts), "probe") && contains(keys(output.alerts), "gateway-down")
    error_message = "Without a probe there is nothing to alert on."
  }
}

run "alerts_follow_the_limits" {
  command = plan

  variables {
    gateway              = { concurrency = 500, max_instances = 40 }
    subscriptions_budget = 1000
  }

  assert {
    condition     = endswith(output.alerts["gateway-concurrency"].conditions["sockets"].promql, "> 450")
    error_message = "90 % of 500 is 450."
  }
  assert {
    condition     = endswith(output.alerts["gateway-instances"].conditions["instances near the most"].promql, "> 35.5")
    error_message = "36 of 40 is near the most."
  }
  assert {
    condition     = endswith(output.alerts["subscriptions-budget"].conditions["budget above 80 %"].promql, "> 800")
    error_message = "80 % of 1000 is 800."
  }
}

# Pub/Sub may take a minute to begin a replay, and a run of each of three places meets that.
run "one_slow_follow_calls_nobody" {
  command = plan

  assert {
    condition     = output.policies["probe-failing"].conditions["failing"].duration >= 60 + 2 * 60
    error_message = "A minute in which a replay does not begin, and the runs of two places, are not an alarm."
  }
}

run "refuses_names" {
  command = plan

  variables {
    name    = "Tidewire"
    project = "p"
  }

  expect_failures = [var.name, var.project]
}

run "refuses_limits" {
  command = plan

  variables {
    gateway              = { concurrency = 1001, max_instances = 0 }
    subscriptions_budget = 10001
    objective            = { goal = 1, days = 31, seconds = 0 }
    uptime_check_ids     = { api = "x" }
    runbooks_url         = "http://example.com/#x"
    extra_widgets        = ["no widget"]

    probe_failing_seconds = 60
  }

  expect_failures = [var.probe_failing_seconds, var.gateway, var.subscriptions_budget, var.objective, var.uptime_check_ids, var.runbooks_url, var.extra_widgets]
}

# Charts of what is not there would be empty, and there is room for no more than 50.
run "crawler_and_filter_are_shown_where_they_are" {
  command = plan
  variables {
    functions = ["crawler", "filter"]
  }
  assert {
    condition     = length([for tile in jsondecode(output.dashboard_json).mosaicLayout.tiles : tile if contains(["Pages crawled, a minute", "Oldest message of the filter"], try(tile.widget.title, ""))]) == 2 && length(jsondecode(output.dashboard_json).mosaicLayout.tiles) == 49
    error_message = "Two charts more, and room for one of your own: ${length(jsondecode(output.dashboard_json).mosaicLayout.tiles)}"
  }
  assert {
    condition     = contains(keys(output.alerts), "dead-letters") && contains(keys(output.alerts), "filter-behind") && contains(keys(output.log_metrics), "tidewire-crawler-read")
    error_message = "They have their alerts and metrics."
  }
}

run "the_crawler_alone" {
  command = plan
  variables {
    functions = ["crawler"]
  }
  assert {
    condition     = contains(keys(output.alerts), "dead-letters") && !contains(keys(output.alerts), "filter-behind") && length(jsondecode(output.dashboard_json).mosaicLayout.tiles) == 48
    error_message = "A filter that is not there is never behind."
  }
}

run "neither" {
  command = plan
  assert {
    condition     = !contains(keys(output.alerts), "dead-letters") && length(jsondecode(output.dashboard_json).mosaicLayout.tiles) == 47 && !contains(keys(output.log_metrics), "tidewire-crawler-read")
    error_message = "Nothing is made for what is not there."
  }
}
