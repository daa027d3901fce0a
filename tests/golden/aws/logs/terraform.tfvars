region      = "us-east-1"
name_prefix = ""
tags        = {}

subscriptions = {
  infrastructure-alerts = []
}

budget_emails = []
