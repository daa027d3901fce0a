region      = "us-east-1"
name_prefix = ""
tags        = {}

subscriptions = {
  infra-monitoring-alerts = []
}

budget_emails = []
