# Told of by e-mail, and to whoever administers the billing account. Whoever applies needs roles/billing.costsManager on that account.
resource "google_billing_budget" "project" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "${var.name} in ${var.project}"

  budget_filter {
    projects = ["projects/${var.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.budget.amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1
    spend_basis       = "FORECASTED_SPEND"
  }

  # A budget takes five channels at most, and only those of e-mail.
  dynamic "all_updates_rule" {
    for_each = length(var.notification_emails) == 0 ? [] : [""]
    content {
      monitoring_notification_channels = slice([for channel in google_monitoring_notification_channel.email : channel.name], 0, min(5, length(var.notification_emails)))
    }
  }
}
