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
    collect_cpu     = aws_lambda_function.collect_cpu.function_name
    collect_memory  = aws_lambda_function.collect_memory.function_name
    collect_disk    = aws_lambda_function.collect_disk.function_name
    collect_network = aws_lambda_function.collect_network.function_name
    log-processor   = aws_lambda_function.log_processor.function_name
    notify_success  = aws_lambda_function.notify_success.function_name
    notify_failure  = aws_lambda_function.notify_failure.function_name
  }
}

output "state_machines" {
  description = "State machines, by workflow"

  value = {
    metrics       = aws_sfn_state_machine.metrics.arn
    log-processor = aws_sfn_state_machine.log_processor.arn
  }
}

output "rules" {
  description = "Rules on new objects, by trigger"

  value = {
    log-processor = aws_cloudwatch_event_rule.log_processor.name
  }
}

output "schedules" {
  description = "Schedules"

  value = {
    metrics = aws_scheduler_schedule.metrics.name
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
    InfraMetrics = aws_dynamodb_table.InfraMetrics.name
  }
}

output "topics" {
  description = "Topics"

  value = {
    infra-monitoring-alerts = aws_sns_topic.infra_monitoring_alerts.arn
  }
}
