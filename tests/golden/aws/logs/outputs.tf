output "region" {
  description = "Where it runs"
  value       = local.region
}

output "name_prefix" {
  description = "What every name begins with"
  value       = local.prefix
}

output "functions" {
  description = "Functions, by task"

  value = {
    log-generator  = aws_lambda_function.log_generator.function_name
    log-aggregator = aws_lambda_function.log_aggregator.function_name
    sealing        = aws_lambda_function.sealing.function_name
  }
}

output "state_machines" {
  description = "State machines, by workflow"

  value = {
    logs           = aws_sfn_state_machine.logs.arn
    log-aggregator = aws_sfn_state_machine.log_aggregator.arn
  }
}

output "rules" {
  description = "Rules on new objects, by trigger"

  value = {
    log-aggregator = aws_cloudwatch_event_rule.log_aggregator.name
  }
}

output "schedules" {
  description = "Schedules"

  value = {
    logs = aws_scheduler_schedule.logs.name
  }
}

output "dead_letters" {
  description = "The queue of what failed"
  value       = aws_sqs_queue.dead_letters.url
}

output "lake_bucket" {
  description = "The lake"
  value       = aws_s3_bucket.lake.id
}

output "database" {
  description = "The lake's tables, for Athena"
  value       = aws_glue_catalog_database.lake.name
}

output "workgroup" {
  description = "Where queries run"
  value       = aws_athena_workgroup.queries.name
}

output "hot_tables" {
  description = "Hot tables"

  value = {
    LogMinutes = aws_dynamodb_table.LogMinutes.name
  }
}

output "topics" {
  description = "Topics"

  value = {
    infrastructure-alerts = aws_sns_topic.infrastructure_alerts.arn
  }
}
