# Who is told of what: topics, alarms, dashboards, the audit trail, the budget.

resource "aws_cloudwatch_log_metric_filter" "not_sealed" {
  name           = "${local.prefix}logs-not-sealed"
  log_group_name = aws_cloudwatch_log_group.task_sealing.name
  pattern        = "{ $.message = \"not sealed\" }"

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}logs-not-sealed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "quarantined" {
  name           = "${local.prefix}logs-quarantined"
  log_group_name = aws_cloudwatch_log_group.task_sealing.name
  pattern        = "{ $.message = \"partition\" && $.is_new IS TRUE && $.counts.quarantined > 0 }"

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}logs-quarantined"
    value     = "$.counts.quarantined"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "not_sealed" {
  alarm_name          = "${local.prefix}logs-not-sealed"
  alarm_description   = "A partition of the lake could not be sealed; the log of the function tells why"
  namespace           = "Penstock"
  metric_name         = "${local.prefix}logs-not-sealed"
  period              = 3600
  statistic           = "Sum"
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_metric_alarm" "no_sealing" {
  alarm_name        = "${local.prefix}logs-no-sealing"
  alarm_description = "Nobody has sealed the lake for 6 hours; queries read raw objects of some days only"
  namespace         = "AWS/Lambda"
  metric_name       = "Invocations"

  dimensions = {
    FunctionName = aws_lambda_function.sealing.function_name
  }

  period              = 21600
  statistic           = "Sum"
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

# Topic infrastructure-alerts: who is told.
resource "aws_sns_topic" "infrastructure_alerts" {
  name = "${local.prefix}infrastructure-alerts"
}

resource "aws_sns_topic_policy" "infrastructure_alerts" {
  arn = aws_sns_topic.infrastructure_alerts.arn

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
        Resource = aws_sns_topic.infrastructure_alerts.arn
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
        }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "infrastructure_alerts" {
  for_each  = toset(lookup(var.subscriptions, "infrastructure-alerts", []))
  topic_arn = aws_sns_topic.infrastructure_alerts.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_log_metric_filter" "killed_log_generator" {
  name           = "${local.prefix}logs-log-generator-killed"
  log_group_name = aws_cloudwatch_log_group.task_log_generator.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}logs-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_log_aggregator" {
  name           = "${local.prefix}logs-log-aggregator-killed"
  log_group_name = aws_cloudwatch_log_group.task_log_aggregator.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}logs-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "killed_sealing" {
  name           = "${local.prefix}logs-sealing-killed"
  log_group_name = aws_cloudwatch_log_group.task_sealing.name
  pattern        = "?\"Task timed out after\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\" ?\"Runtime.ImportModuleError\""

  metric_transformation {
    namespace = "Penstock"
    name      = "${local.prefix}logs-killed"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "HighErrorRate" {
  alarm_name          = "${local.prefix}HighErrorRate"
  alarm_description   = "More than 10 errors in 5 minutes"
  namespace           = "${local.prefix}InfrastructureLogs"
  metric_name         = "LogErrors"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "LambdaFailures" {
  alarm_name          = "${local.prefix}LambdaFailures"
  alarm_description   = "More than 5 tasks failed in 5 minutes"
  namespace           = "${local.prefix}InfrastructureLogs"
  metric_name         = "LambdaErrors"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_task_log_generator" {
  alarm_name        = "${local.prefix}dead-man-task-log-generator"
  alarm_description = "No success of log-generator in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Task     = "log-generator"
    Pipeline = "logs"
  }

  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]
  ok_actions          = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_dataset_logs" {
  alarm_name        = "${local.prefix}dead-man-dataset-logs"
  alarm_description = "No success of logs in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Dataset  = "logs"
    Pipeline = "logs"
  }

  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]
  ok_actions          = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_task_log_aggregator" {
  alarm_name        = "${local.prefix}dead-man-task-log-aggregator"
  alarm_description = "No success of log-aggregator in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Task     = "log-aggregator"
    Pipeline = "logs"
  }

  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]
  ok_actions          = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_dataset_log_templates" {
  alarm_name        = "${local.prefix}dead-man-dataset-log_templates"
  alarm_description = "No success of log_templates in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Dataset  = "log_templates"
    Pipeline = "logs"
  }

  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]
  ok_actions          = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_man_dataset_LogMinutes" {
  alarm_name        = "${local.prefix}dead-man-dataset-LogMinutes"
  alarm_description = "No success of LogMinutes in two cadences"
  namespace         = "${local.prefix}Penstock"
  metric_name       = "Successes"

  dimensions = {
    Dataset  = "LogMinutes"
    Pipeline = "logs"
  }

  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]
  ok_actions          = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "HIGH"
  }
}

# A task that was killed cannot report itself; its log does.
resource "aws_cloudwatch_metric_alarm" "killed" {
  alarm_name          = "${local.prefix}logs-killed"
  alarm_description   = "A task ran out of time or memory, or could not be started; its log says which"
  namespace           = "Penstock"
  metric_name         = "${local.prefix}logs-killed"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name        = "${local.prefix}logs-dead-letters"
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
  alarm_actions       = [aws_sns_topic.infrastructure_alerts.arn]

  tags = {
    severity = "CRITICAL"
  }
}

resource "aws_cloudwatch_dashboard" "Infrastructure_Monitoring" {
  dashboard_name = "${local.prefix}Infrastructure-Monitoring"

  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "metric"
        x      = 0
        y      = 0
        width  = 8
        height = 6
        properties = {
          title   = "Log Volume"
          view    = "timeSeries"
          stat    = "Sum"
          period  = 300
          region  = local.region
          metrics = [["${local.prefix}InfrastructureLogs", "LogVolume"]]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 0
        width  = 8
        height = 6
        properties = {
          title   = "Error Rate"
          view    = "singleValue"
          stat    = "Sum"
          period  = 300
          region  = local.region
          metrics = [["${local.prefix}InfrastructureLogs", "LogErrors"]]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 0
        width  = 8
        height = 6
        properties = {
          title   = "Lambda Invocations"
          view    = "timeSeries"
          stat    = "SampleCount"
          period  = 300
          region  = local.region
          metrics = [["${local.prefix}InfrastructureLogs", "LambdaDuration"]]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 6
        width  = 8
        height = 6
        properties = {
          title   = "Lambda failures"
          view    = "timeSeries"
          stat    = "Sum"
          period  = 300
          region  = local.region
          metrics = [["${local.prefix}InfrastructureLogs", "LambdaErrors"]]
        }
      },
      {
        type   = "alarm"
        x      = 8
        y      = 6
        width  = 8
        height = 6
        properties = {
          title  = "Alarms"
          alarms = [aws_cloudwatch_metric_alarm.HighErrorRate.arn, aws_cloudwatch_metric_alarm.LambdaFailures.arn]
        }
      },
    ]
  })
}

# Who changed what in the account. An account's first trail is free of charge, in every region.
resource "aws_cloudtrail" "audit" {
  name                          = "${local.prefix}logs-audit"
  s3_bucket_name                = aws_s3_bucket.logs.id
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  depends_on                    = [aws_s3_bucket_policy.logs]
}

# Counts what has this pipeline's tag: make `pipeline` a cost-allocation tag in Billing, once.
resource "aws_budgets_budget" "monthly" {
  count        = var.monthly_budget_usd == null ? 0 : 1
  name         = "${local.prefix}logs-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = ["user:pipeline$logs"]
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
