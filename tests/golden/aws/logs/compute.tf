# What does the work: functions, their libraries and logs, and the queue of what failed.

# Libraries that several tasks share.
resource "aws_lambda_layer_version" "libraries" {
  layer_name               = "${local.prefix}logs-libraries"
  filename                 = "${path.module}/layers/libraries.zip"
  source_code_hash         = filebase64sha256("${path.module}/layers/libraries.zip")
  compatible_runtimes      = ["python3.13"]
  compatible_architectures = [var.architecture]
}

# Task log-generator: Writes the simulated lines of the last five minutes that are over.
resource "aws_lambda_function" "log_generator" {
  function_name    = "${local.prefix}logs-log-generator"
  description      = "Writes the simulated lines of the last five minutes that are over."
  role             = aws_iam_role.task_log_generator.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/log-generator.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/log-generator.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 256
  timeout          = 60
  depends_on       = [aws_iam_role_policy.task_log_generator]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "log-generator"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "log-generator", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_log_generator.name
  }
}

resource "aws_lambda_function_event_invoke_config" "log_generator" {
  function_name                = aws_lambda_function.log_generator.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_log_generator" {
  name              = "/aws/lambda/${local.prefix}logs-log-generator"
  retention_in_days = var.log_retention_days
}

# Task log-aggregator: Counts a new object's lines, errors and latencies by service and minute, and mines its templates.
resource "aws_lambda_function" "log_aggregator" {
  function_name    = "${local.prefix}logs-log-aggregator"
  description      = "Counts a new object's lines, errors and latencies by service and minute, and mines its templates."
  role             = aws_iam_role.task_log_aggregator.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/log-aggregator.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/log-aggregator.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 256
  timeout          = 300
  depends_on       = [aws_iam_role_policy.task_log_aggregator]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "log-aggregator"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
      PENSTOCK_HOT_TABLES = jsonencode({
        LogMinutes = aws_dynamodb_table.LogMinutes.name
      })
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "log-aggregator", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_log_aggregator.name
  }
}

resource "aws_lambda_function_event_invoke_config" "log_aggregator" {
  function_name                = aws_lambda_function.log_aggregator.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_log_aggregator" {
  name              = "/aws/lambda/${local.prefix}logs-log-aggregator"
  retention_in_days = var.log_retention_days
}

# Task sealing: Seals the lake's closed partitions: one Parquet file each
resource "aws_lambda_function" "sealing" {
  function_name    = "${local.prefix}logs-sealing"
  description      = "Seals the lake's closed partitions: one Parquet file each"
  role             = aws_iam_role.task_sealing.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/sealing.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/sealing.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 1769
  timeout          = 900
  depends_on       = [aws_iam_role_policy.task_sealing]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "sealing"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "sealing", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_sealing.name
  }

  ephemeral_storage {
    size = 10240
  }
}

resource "aws_lambda_function_event_invoke_config" "sealing" {
  function_name                = aws_lambda_function.sealing.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_sealing" {
  name              = "/aws/lambda/${local.prefix}logs-sealing"
  retention_in_days = var.log_retention_days
}

# What could not be delivered or done, for two weeks: `penstock status` counts it.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.prefix}logs-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "RulesSendWhatFailed"
        Effect = "Allow"
        Principal = {
          Service = "events.amazonaws.com"
        }
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.dead_letters.arn
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = [aws_cloudwatch_event_rule.log_aggregator.arn]
          }
        }
      },
    ]
  })
}
