# Walls that would be met under load or during a release: a plan warns of them, and goes on. What Cloud Run would refuse at once is an
# error of the output capacity. docs/operations.md has the numbers.

check "sockets" {
  assert {
    condition     = !contains(keys(module.plan.capacity.walls), "sockets")
    error_message = lookup(module.plan.capacity.walls, "sockets", "")
  }
}

check "cpu" {
  assert {
    condition     = !contains(keys(module.plan.capacity.walls), "cpu")
    error_message = lookup(module.plan.capacity.walls, "cpu", "")
  }
}

check "memory" {
  assert {
    condition     = !contains(keys(module.plan.capacity.walls), "memory")
    error_message = lookup(module.plan.capacity.walls, "memory", "")
  }
}

check "subscriptions" {
  assert {
    condition     = !contains(keys(module.plan.capacity.walls), "subscriptions")
    error_message = lookup(module.plan.capacity.walls, "subscriptions", "")
  }
}

check "budget" {
  assert {
    condition     = !contains(keys(module.plan.capacity.walls), "budget")
    error_message = lookup(module.plan.capacity.walls, "budget", "")
  }
}
