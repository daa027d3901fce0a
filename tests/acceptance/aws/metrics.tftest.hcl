# What the variables of a deployment of the metrics pipeline do, without an account.

mock_provider "aws" {
  source = "./mocks"
}

run "as_written" {
  assert {
    condition     = aws_s3_bucket.lake.bucket == "metrics-lake-123456789012-us-east-1"
    error_message = "The lake is named after pipeline, account and region: ${aws_s3_bucket.lake.bucket}"
  }
  assert {
    condition     = aws_lambda_function.collect_cpu.function_name == "metrics-collect_cpu"
    error_message = "Functions have the names that workflows call."
  }
  assert {
    condition     = aws_sfn_state_machine.metrics.definition == replace(file("workflows/metrics.asl.json"), "$${prefix}", "")
    error_message = "Without a prefix the workflow is, byte for byte, the one that ran on the machine."
  }
  assert {
    condition     = aws_scheduler_schedule.metrics.state == "ENABLED"
    error_message = "The clock starts workflows."
  }
  assert {
    condition     = length(aws_s3_bucket_policy.lake) == 1 && length(aws_sns_topic_subscription.infra_monitoring_alerts) == 0
    error_message = "TLS is asked for; nobody is mailed before an address is given."
  }
  assert {
    condition     = aws_cloudwatch_log_group.task_collect_cpu.retention_in_days == 30
    error_message = "Logs are kept for thirty days."
  }
  assert {
    condition     = aws_dynamodb_table.InfraMetrics.deletion_protection_enabled && !aws_s3_bucket.lake.force_destroy
    error_message = "Data outlive a destroy."
  }
}

run "twice_in_an_account" {
  variables {
    name_prefix = "dev-"
  }
  assert {
    condition     = aws_lambda_function.collect_cpu.function_name == "dev-metrics-collect_cpu"
    error_message = "The prefix is before the name of a function."
  }
  assert {
    condition = (
      jsondecode(aws_sfn_state_machine.metrics.definition).States.CollectMetrics.Branches[0].States.collect_cpu.Parameters.FunctionName
      == "dev-metrics-collect_cpu"
    )
    error_message = "Workflows call the functions of their own deployment."
  }
  assert {
    condition     = length(regexall("\"metrics-", aws_sfn_state_machine.metrics.definition)) == 0
    error_message = "No function of another deployment is called."
  }
  assert {
    condition     = aws_dynamodb_table.InfraMetrics.name == "dev-InfraMetrics" && startswith(aws_s3_bucket.lake.bucket, "dev-metrics-lake-")
    error_message = "Data of two deployments are apart."
  }
  assert {
    condition = (
      aws_lambda_function.collect_cpu.environment[0].variables.PENSTOCK_METRICS_PREFIX == "dev-"
      && alltrue([
        for alarm in [aws_cloudwatch_metric_alarm.DataCollectorErrors, aws_cloudwatch_metric_alarm.dead_man_task_collect_cpu] :
        startswith(alarm.namespace, "dev-")
      ])
    )
    error_message = "So are their metrics."
  }
}

run "all_that_can_be_chosen" {
  variables {
    region                 = "eu-central-1"
    lake_bucket            = "a-lake-of-my-own"
    require_tls            = false
    schedules_enabled      = false
    schedule_expressions   = { metrics = "rate(1 day)" }
    subscriptions          = { infra-monitoring-alerts = ["a@example.com", "b@example.com"] }
    monthly_budget_usd     = null
    log_retention_days     = 7
    delete_data_on_destroy = true
    task_environment       = { collect_cpu = { PENSTOCK_FLEET = "20:7" } }
    permissions_boundary   = "arn:aws:iam::123456789012:policy/boundary"
  }
  assert {
    condition     = aws_s3_bucket.lake.bucket == "a-lake-of-my-own" && endswith(aws_s3_bucket.logs.bucket, "-eu-central-1")
    error_message = "The lake's name is the user's to choose."
  }
  assert {
    condition     = length(aws_s3_bucket_policy.lake) == 0 && aws_s3_bucket_policy.logs.bucket != ""
    error_message = "A policy without a statement is left out; that of the logs has others."
  }
  assert {
    condition     = aws_scheduler_schedule.metrics.state == "DISABLED" && aws_scheduler_schedule.metrics.schedule_expression == "rate(1 day)"
    error_message = "Schedules can be stopped, and moved."
  }
  assert {
    condition     = toset([for one in aws_sns_topic_subscription.infra_monitoring_alerts : one.endpoint]) == toset(["a@example.com", "b@example.com"])
    error_message = "Each address is subscribed once."
  }
  assert {
    condition     = length(aws_budgets_budget.monthly) == 0
    error_message = "No budget when null."
  }
  assert {
    condition     = aws_cloudwatch_log_group.workflow_metrics.retention_in_days == 7
    error_message = "Logs are kept as long as was chosen."
  }
  assert {
    condition     = !aws_dynamodb_table.InfraMetrics.deletion_protection_enabled && aws_s3_bucket.lake.force_destroy
    error_message = "Data can be destroyed when that is asked for."
  }
  assert {
    condition     = aws_lambda_function.collect_cpu.environment[0].variables.PENSTOCK_FLEET == "20:7"
    error_message = "Tasks get the user's variables."
  }
  assert {
    condition     = !contains(keys(aws_lambda_function.collect_disk.environment[0].variables), "PENSTOCK_FLEET")
    error_message = "Only those tasks that were named do."
  }
  assert {
    condition     = aws_iam_role.task_collect_cpu.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    error_message = "Roles can be bounded."
  }
}

run "names_that_aws_would_refuse" {
  command = plan
  variables {
    name_prefix        = "-dev"
    log_retention_days = 31
    architecture       = "riscv"
    workflow_log_level = "LOUD"
  }
  expect_failures = [
    var.name_prefix,
    var.log_retention_days,
    var.architecture,
    var.workflow_log_level,
  ]
}
