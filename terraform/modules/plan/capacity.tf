# How much the deployment carries, and where its walls are. internal/capacity has the same arithmetic for tidewire doctor; a test
# compares the two.
locals {
  # Cloud Run's autoscaler aims at 60 % of the maximum concurrency, over a minute: it starts another instance while this one has room.
  autoscaler_aim = 0.6

  cpu_most    = { for p in local.programs : p => var.sizes[p].max * tonumber(var.sizes[p].cpu) }
  memory_most = { for p in local.programs : p => var.sizes[p].max * (endswith(var.sizes[p].memory, "Gi") ? tonumber(trimsuffix(var.sizes[p].memory, "Gi")) : tonumber(trimsuffix(var.sizes[p].memory, "Mi")) / 1024) }

  # Topics that a gateway follows at most: those of all tenants, but no more than it has sockets.
  own_tenants = max(length(local.own), var.expected.tenants)
  followed    = min(local.own_tenants + var.shards, var.concurrency)

  figures = {
    sockets_per_instance = floor(var.concurrency * local.autoscaler_aim)
    sockets              = var.sizes.gateway.max * floor(var.concurrency * local.autoscaler_aim)
    sockets_most         = var.sizes.gateway.max * var.concurrency
    cpu                  = sum(values(local.cpu_most))
    memory_gib           = sum(values(local.memory_most))
    subscriptions        = var.sizes.gateway.max * local.followed
    # A revision that was replaced keeps its gateways until their sockets have ended, an hour at most. What others have under way ends at once.
    cpu_release           = sum(values(local.cpu_most)) + local.cpu_most["gateway"]
    memory_release_gib    = sum(values(local.memory_most)) + local.memory_most["gateway"]
    subscriptions_release = 2 * var.sizes.gateway.max * local.followed
  }

  # Cloud Run refuses a revision whose instances could be more than the quota.
  refused = merge(
    { for p in local.programs : "cpu-${p}" => "${p}: ${var.sizes[p].max} instances of ${var.sizes[p].cpu} vCPU are more than the region's quota of ${var.quota.cpu} vCPU, and Cloud Run refuses the revision: lower sizes.${p}.max, or have the quota raised and say so in quota.cpu." if local.cpu_most[p] > var.quota.cpu },
    { for p in local.programs : "memory-${p}" => "${p}: ${var.sizes[p].max} instances of ${var.sizes[p].memory} are more than the region's quota of ${var.quota.memory_gib} GiB, and Cloud Run refuses the revision: lower sizes.${p}.max, or have the quota raised and say so in quota.memory_gib." if local.memory_most[p] > var.quota.memory_gib },
  )

  # What is met only under load.
  walls = { for key, wall in {
    sockets = {
      met  = var.expected.sockets > local.figures.sockets
      text = "${var.expected.sockets} sockets are expected, and ${var.sizes.gateway.max} gateways carry ${local.figures.sockets} (${local.figures.sockets_per_instance} each, 60 % of ${var.concurrency}). Beyond ${local.figures.sockets_most} Cloud Run answers 429: raise sizes.gateway.max."
    }
    cpu = {
      met  = local.figures.cpu_release > var.quota.cpu
      text = "During a release up to ${local.figures.cpu_release} vCPU may run (gateways count twice for an hour), and the region's quota is ${var.quota.cpu}: instances beyond it do not start. Lower sizes, or have the quota raised and say so in quota.cpu."
    }
    memory = {
      met  = local.figures.memory_release_gib > var.quota.memory_gib
      text = "During a release up to ${local.figures.memory_release_gib} GiB may be in use (gateways count twice for an hour), and the region's quota is ${var.quota.memory_gib}: instances beyond it do not start. Lower sizes, or have the quota raised and say so in quota.memory_gib."
    }
    subscriptions = {
      met  = local.figures.subscriptions_release > var.subscriptions
      text = "During a release up to ${local.figures.subscriptions_release} subscriptions may exist (${local.followed} topics times ${var.sizes.gateway.max} gateways, twice for an hour), and the budget is ${var.subscriptions}: beyond it no further topic is followed. Pool small tenants (shards), or use fewer, larger gateways."
    }
    budget = {
      met  = var.subscriptions > var.quota.subscriptions
      text = "The budget of ${var.subscriptions} subscriptions is more than the project's quota of ${var.quota.subscriptions}: lower subscriptions."
    }
  } : key => wall.text if wall.met }
}
