# What runs when: state machines, schedules, triggers.

# Workflow metrics.
resource "aws_sfn_state_machine" "metrics" {
  name     = "${local.prefix}metrics"
  role_arn = aws_iam_role.workflow_metrics.arn

  definition = templatefile("${path.module}/workflows/metrics.asl.json", {
    prefix = local.prefix
  })

  depends_on = [aws_iam_role_policy.workflow_metrics]

  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.workflow_metrics.arn}:*"
    include_execution_data = var.log_execution_data
    level                  = var.workflow_log_level
  }
}

resource "aws_cloudwatch_log_group" "workflow_metrics" {
  name              = "/aws/vendedlogs/states/${local.prefix}metrics"
  retention_in_days = var.log_retention_days
}

# Workflow log-processor.
resource "aws_sfn_state_machine" "log_processor" {
  name     = "${local.prefix}metrics-log-processor"
  role_arn = aws_iam_role.workflow_log_processor.arn

  definition = templatefile("${path.module}/workflows/log-processor.asl.json", {
    prefix = local.prefix
  })

  depends_on = [aws_iam_role_policy.workflow_log_processor]

  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.workflow_log_processor.arn}:*"
    include_execution_data = var.log_execution_data
    level                  = var.workflow_log_level
  }
}

resource "aws_cloudwatch_log_group" "workflow_log_processor" {
  name              = "/aws/vendedlogs/states/${local.prefix}metrics-log-processor"
  retention_in_days = var.log_retention_days
}

# Schedule metrics starts workflow metrics (rate(3 hours), counted as on the machine).
resource "aws_scheduler_schedule" "metrics" {
  name                         = "${local.prefix}metrics-metrics"
  schedule_expression          = lookup(var.schedule_expressions, "metrics", "cron(0 0/3 * * ? *)")
  schedule_expression_timezone = "UTC"
  state                        = var.schedules_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.metrics.arn
    role_arn = aws_iam_role.schedule_metrics.arn
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

# Trigger log-processor: a new object in infra_metrics starts workflow log-processor.
resource "aws_cloudwatch_event_rule" "log_processor" {
  name = "${local.prefix}metrics-log-processor"

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
            prefix = "raw/infra_metrics/"
          },
        ]
      }
    }
  })
}

resource "aws_cloudwatch_event_target" "log_processor" {
  rule      = aws_cloudwatch_event_rule.log_processor.name
  target_id = "workflow"
  arn       = aws_sfn_state_machine.log_processor.arn
  role_arn  = aws_iam_role.trigger_log_processor.arn

  input_transformer {
    input_paths = {
      key  = "$.detail.object.key"
      size = "$.detail.object.size"
    }

    input_template = "{\"table\": \"infra_metrics\", \"key\": <key>, \"size\": <size>}"
  }

  retry_policy {
    maximum_retry_attempts       = 8
    maximum_event_age_in_seconds = 86400
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}
