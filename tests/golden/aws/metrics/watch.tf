# Who is told of what: topics, alarms, dashboards, the audit trail, the budget.

# Topic infra-monitoring-alerts: who is told.
resource "aws_sns_topic" "infra_monitoring_alerts" {
  name = "${local.prefix}infra-monitoring-alerts"
}

resource "aws_sns_topic_policy" "infra_monitoring_alerts" {
  arn = aws_sns_topic.infra_monitoring_alerts.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AlarmsOfThisAccount"
        Effect = "Allow"
        Principal = {
          Service = "cloudwatch.amazonaws.com"
        }
        Action   = "sns:Publish"
        Resource = aws_sns_topic.infra_monitoring_alerts.arn
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
        }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "infra_monitoring_alerts" {
  for_each  = toset(lookup(var.subscriptions, "infra-monitoring-alerts", []))
  topic_arn = aws_sns_topic.infra_monitoring_alerts.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_log_metric_filter" "killed_collect_cpu" {
  name           = "${local.prefix}metrics-collect_cpu-killed"
  log_group_name = aws_cloudwatch_log_group.task_collect_cpu.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}metrics-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_collect_memory" {
  name           = "${local.prefix}metrics-collect_memory-killed"
  log_group_name = aws_cloudwatch_log_group.task_collect_memory.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}metrics-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_collect_disk" {
  name           = "${local.prefix}metrics-collect_disk-killed"
  log_group_name = aws_cloudwatch_log_group.task_collect_disk.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}metrics-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_collect_network" {
  name           = "${local.prefix}metrics-collect_network-killed"
  log_group_name = aws_cloudwatch_log_group.task_collect_network.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}metrics-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_log_processor" {
  name           = "${local.prefix}metrics-log-processor-killed"
  log_group_name = aws_cloudwatch_log_group.task_log_processor.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}metrics-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_notify_success" {
  name           = "${local.prefix}metrics-notify_success-killed"
  log_group_name = aws_cloudwatch_log_group.task_notify_success.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}metrics-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_notify_failure" {
  name           = "${local.prefix}metrics-notify_failure-killed"
  log_group_name = aws_cloudwatch_log_group.task_notify_failure.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}metrics-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "HighCPUUtilization" {
  alarm_name          = "${local.prefix}HighCPUUtilization"
  alarm_description   = "CPU usage exceeded 80% threshold"
  namespace           = "${local.prefix}InfraMonitoring"
  metric_name         = "CPUUtilization"
  statistic           = "Maximum"
  period              = 10800
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 80
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "WARNING"
  }
}

resource "aws_cloudwatch_metric_alarm" "DataCollectorErrors" {
  alarm_name        = "${local.prefix}DataCollectorErrors"
  alarm_description = "A collector failed"
  namespace         = "${local.prefix}InfraMonitoring"
  metric_name       = "DataCollectorErrors"

  dimensions = {
    FunctionName = "data-collector"
  }

  statistic           = "Sum"
  period              = 10800
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_metric_alarm" "LogProcessorErrors" {
  alarm_name        = "${local.prefix}LogProcessorErrors"
  alarm_description = "The log processor failed"
  namespace         = "${local.prefix}InfraMonitoring"
  metric_name       = "LogProcessorErrors"

  dimensions = {
    FunctionName = "log-processor"
  }

  statistic           = "Sum"
  period              = 10800
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_metric_alarm" "DynamoDBThrottling" {
  alarm_name        = "${local.prefix}DynamoDBThrottling"
  alarm_description = "Writes to the hot table were throttled"
  namespace         = "${local.prefix}InfraMonitoring"
  metric_name       = "DynamoDBThrottles"

  dimensions = {
    TableName = "InfraMetrics"
  }

  statistic           = "Sum"
  period              = 10800
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "HighMemoryUtilization" {
  alarm_name          = "${local.prefix}HighMemoryUtilization"
  alarm_description   = "Memory usage exceeded 90% threshold"
  namespace           = "${local.prefix}InfraMonitoring"
  metric_name         = "MemoryUtilization"
  statistic           = "Maximum"
  period              = 10800
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 90
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "WARNING"
  }
}

resource "aws_cloudwatch_metric_alarm" "LambdaDuration" {
  alarm_name        = "${local.prefix}LambdaDuration"
  alarm_description = "Collectors took longer than 3000 ms"
  namespace         = "${local.prefix}InfraMonitoring"
  metric_name       = "Duration"

  dimensions = {
    FunctionName = "data-collector"
  }

  statistic           = "Average"
  period              = 10800
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 3000
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "WARNING"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_task_collect_cpu" {
  alarm_name        = "${local.prefix}dead-man-task-collect_cpu"
  alarm_description = "No success of collect_cpu in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Task     = "collect_cpu"
    Pipeline = "metrics"
  }

  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 24
  datapoints_to_alarm = 24
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]
  ok_actions          = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_dataset_infra_metrics" {
  alarm_name        = "${local.prefix}dead-man-dataset-infra_metrics"
  alarm_description = "No success of infra_metrics in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Dataset  = "infra_metrics"
    Pipeline = "metrics"
  }

  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 24
  datapoints_to_alarm = 24
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]
  ok_actions          = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_task_collect_memory" {
  alarm_name        = "${local.prefix}dead-man-task-collect_memory"
  alarm_description = "No success of collect_memory in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Task     = "collect_memory"
    Pipeline = "metrics"
  }

  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 24
  datapoints_to_alarm = 24
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]
  ok_actions          = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_task_collect_disk" {
  alarm_name        = "${local.prefix}dead-man-task-collect_disk"
  alarm_description = "No success of collect_disk in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Task     = "collect_disk"
    Pipeline = "metrics"
  }

  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 24
  datapoints_to_alarm = 24
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]
  ok_actions          = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_task_collect_network" {
  alarm_name        = "${local.prefix}dead-man-task-collect_network"
  alarm_description = "No success of collect_network in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Task     = "collect_network"
    Pipeline = "metrics"
  }

  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 24
  datapoints_to_alarm = 24
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]
  ok_actions          = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_task_log_processor" {
  alarm_name        = "${local.prefix}dead-man-task-log-processor"
  alarm_description = "No success of log-processor in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Task     = "log-processor"
    Pipeline = "metrics"
  }

  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 24
  datapoints_to_alarm = 24
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]
  ok_actions          = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_dataset_InfraMetrics" {
  alarm_name        = "${local.prefix}dead-man-dataset-InfraMetrics"
  alarm_description = "No success of InfraMetrics in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Dataset  = "InfraMetrics"
    Pipeline = "metrics"
  }

  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 24
  datapoints_to_alarm = 24
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]
  ok_actions          = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

# A task that was killed cannot report itself; its log does.
resource "aws_cloudwatch_metric_alarm" "killed" {
  alarm_name          = "${local.prefix}metrics-killed"
  alarm_description   = "A task ran out of time or memory, or could not be started; its log says which"
  namespace           = "Penstock"
  metric_name         = "${local.prefix}metrics-killed"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name        = "${local.prefix}metrics-dead-letters"
  alarm_description = "Something could not be delivered or done; `penstock status` shows what"
  namespace         = "AWS/SQS"
  metric_name       = "ApproximateNumberOfMessagesVisible"

  dimensions = {
    QueueName = aws_sqs_queue.dead_letters.name
  }

  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infra_monitoring_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_dashboard" "infra_monitoring" {
  dashboard_name = "${local.prefix}infra-monitoring"

  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "metric"
        x      = 0
        y      = 0
        width  = 8
        height = 6
        properties = {
          title   = "CPU"
          view    = "timeSeries"
          stat    = "Average"
          period  = 10800
          region  = local.region
          metrics = [["${local.prefix}InfraMonitoring", "CPUUtilization"]]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 0
        width  = 8
        height = 6
        properties = {
          title   = "Memory"
          view    = "timeSeries"
          stat    = "Average"
          period  = 10800
          region  = local.region
          metrics = [["${local.prefix}InfraMonitoring", "MemoryUtilization"]]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 0
        width  = 8
        height = 6
        properties = {
          title   = "Disk"
          view    = "timeSeries"
          stat    = "Average"
          period  = 10800
          region  = local.region
          metrics = [["${local.prefix}InfraMonitoring", "DiskIOPS"]]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 6
        width  = 8
        height = 6
        properties = {
          title   = "Network"
          view    = "timeSeries"
          stat    = "Average"
          period  = 10800
          region  = local.region
          metrics = [["${local.prefix}InfraMonitoring", "NetworkThroughput"]]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 6
        width  = 8
        height = 6
        properties = {
          title   = "Collectors' duration"
          view    = "timeSeries"
          stat    = "Average"
          period  = 10800
          region  = local.region
          metrics = [["${local.prefix}InfraMonitoring", "Duration", "FunctionName", "data-collector"]]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 6
        width  = 8
        height = 6
        properties = {
          title  = "Errors and throttles"
          view   = "timeSeries"
          stat   = "Sum"
          period = 10800
          region = local.region
          metrics = [
            ["${local.prefix}InfraMonitoring", "DataCollectorErrors", "FunctionName", "data-collector"],
            ["${local.prefix}InfraMonitoring", "LogProcessorErrors", "FunctionName", "log-processor"],
            ["${local.prefix}InfraMonitoring", "DynamoDBThrottles", "TableName", "InfraMetrics"],
          ]
        }
      },
      {
        type   = "alarm"
        x      = 0
        y      = 12
        width  = 8
        height = 6
        properties = {
          title = "Alarms"
          alarms = [
            aws_cloudwatch_metric_alarm.HighCPUUtilization.arn,
            aws_cloudwatch_metric_alarm.DataCollectorErrors.arn,
            aws_cloudwatch_metric_alarm.LogProcessorErrors.arn,
            aws_cloudwatch_metric_alarm.DynamoDBThrottling.arn,
            aws_cloudwatch_metric_alarm.HighMemoryUtilization.arn,
            aws_cloudwatch_metric_alarm.LambdaDuration.arn,
          ]
        }
      },
    ]
  })
}

# Who changed what in the account. An account's first trail is free of charge, in every region.
resource "aws_cloudtrail" "audit" {
  name                          = "${local.prefix}metrics-audit"
  s3_bucket_name                = aws_s3_bucket.logs.id
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  depends_on                    = [aws_s3_bucket_policy.logs]
}

# Counts what has this pipeline's tag: make `pipeline` a cost-allocation tag in Billing, once.
resource "aws_budgets_budget" "monthly" {
  count        = var.monthly_budget_usd == null ? 0 : 1
  name         = "${local.prefix}metrics-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = ["user:pipeline$metrics"]
  }

  dynamic "notification" {
    for_each = length(var.budget_emails) > 0 ? [true] : []

    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = 80
      threshold_type             = "PERCENTAGE"
      notification_type          = "ACTUAL"
      subscriber_email_addresses = var.budget_emails
    }
  }

  dynamic "notification" {
    for_each = length(var.budget_emails) > 0 ? [true] : []

    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = 100
      threshold_type             = "PERCENTAGE"
      notification_type          = "ACTUAL"
      subscriber_email_addresses = var.budget_emails
    }
  }
}
