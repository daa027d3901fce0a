# What runs when: state machines, schedules, triggers.

# Workflow logs.
resource "aws_sfn_state_machine" "logs" {
  name     = "${local.prefix}logs"
  role_arn = aws_iam_role.workflow_logs.arn

  definition = templatefile("${path.module}/workflows/logs.asl.json", {
    prefix = local.prefix
  })

  depends_on = [aws_iam_role_policy.workflow_logs]

  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.workflow_logs.arn}:*"
    include_execution_data = var.log_execution_data
    level                  = var.workflow_log_level
  }
}

resource "aws_cloudwatch_log_group" "workflow_logs" {
  name              = "/aws/vendedlogs/states/${local.prefix}logs"
  retention_in_days = var.log_retention_days
}

# Workflow log-aggregator.
resource "aws_sfn_state_machine" "log_aggregator" {
  name     = "${local.prefix}logs-log-aggregator"
  role_arn = aws_iam_role.workflow_log_aggregator.arn

  definition = templatefile("${path.module}/workflows/log-aggregator.asl.json", {
    prefix = local.prefix
  })

  depends_on = [aws_iam_role_policy.workflow_log_aggregator]

  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.workflow_log_aggregator.arn}:*"
    include_execution_data = var.log_execution_data
    level                  = var.workflow_log_level
  }
}

resource "aws_cloudwatch_log_group" "workflow_log_aggregator" {
  name              = "/aws/vendedlogs/states/${local.prefix}logs-log-aggregator"
  retention_in_days = var.log_retention_days
}

# Schedule logs starts workflow logs (rate(5 minutes), counted as on the machine).
resource "aws_scheduler_schedule" "logs" {
  name                         = "${local.prefix}logs-logs"
  schedule_expression          = lookup(var.schedule_expressions, "logs", "cron(0/5 * * * ? *)")
  schedule_expression_timezone = "UTC"
  state                        = var.schedules_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.logs.arn
    role_arn = aws_iam_role.schedule_logs.arn
    input    = "{\"slot\": \"<aws.scheduler.scheduled-time>\"}"

    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

# Seals the partitions that have been closed since.
resource "aws_scheduler_schedule" "sealing" {
  name                = "${local.prefix}logs-sealing"
  schedule_expression = "cron(11 * * * ? *)"
  state               = var.sealing_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.sealing.arn
    role_arn = aws_iam_role.schedule_sealing.arn
    input    = "{}"

    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

# Trigger log-aggregator: a new object in logs starts workflow log-aggregator.
resource "aws_cloudwatch_event_rule" "log_aggregator" {
  name = "${local.prefix}logs-log-aggregator"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = {
        name = [aws_s3_bucket.lake.id]
      }
      object = {
        key = [
          {
            prefix = "raw/logs/"
          },
        ]
      }
    }
  })
}

resource "aws_cloudwatch_event_target" "log_aggregator" {
  rule      = aws_cloudwatch_event_rule.log_aggregator.name
  target_id = "workflow"
  arn       = aws_sfn_state_machine.log_aggregator.arn
  role_arn  = aws_iam_role.trigger_log_aggregator.arn

  input_transformer {
    input_paths = {
      key  = "$.detail.object.key"
      size = "$.detail.object.size"
    }

    input_template = "{\"table\": \"logs\", \"key\": <key>, \"size\": <size>}"
  }

  retry_policy {
    maximum_retry_attempts       = 8
    maximum_event_age_in_seconds = 86400
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}
