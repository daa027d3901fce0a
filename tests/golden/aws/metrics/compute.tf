# What does the work: functions, their libraries and logs, and the queue of what failed.

# Libraries that several tasks share.
resource "aws_lambda_layer_version" "libraries" {
  layer_name               = "${local.prefix}metrics-libraries"
  filename                 = "${path.module}/layers/libraries.zip"
  source_code_hash         = filebase64sha256("${path.module}/layers/libraries.zip")
  compatible_runtimes      = ["python3.13"]
  compatible_architectures = [var.architecture]
}

# Task collect_cpu: CPU use in percent.
resource "aws_lambda_function" "collect_cpu" {
  function_name    = "${local.prefix}metrics-collect_cpu"
  description      = "CPU use in percent."
  role             = aws_iam_role.task_collect_cpu.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/collect_cpu.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/collect_cpu.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 128
  timeout          = 30
  depends_on       = [aws_iam_role_policy.task_collect_cpu]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "collect_cpu"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "collect_cpu", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_collect_cpu.name
  }
}

resource "aws_lambda_function_event_invoke_config" "collect_cpu" {
  function_name                = aws_lambda_function.collect_cpu.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_collect_cpu" {
  name              = "/aws/lambda/${local.prefix}metrics-collect_cpu"
  retention_in_days = var.log_retention_days
}

# Task collect_memory: Memory use in percent.
resource "aws_lambda_function" "collect_memory" {
  function_name    = "${local.prefix}metrics-collect_memory"
  description      = "Memory use in percent."
  role             = aws_iam_role.task_collect_memory.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/collect_memory.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/collect_memory.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 128
  timeout          = 30
  depends_on       = [aws_iam_role_policy.task_collect_memory]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "collect_memory"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "collect_memory", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_collect_memory.name
  }
}

resource "aws_lambda_function_event_invoke_config" "collect_memory" {
  function_name                = aws_lambda_function.collect_memory.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_collect_memory" {
  name              = "/aws/lambda/${local.prefix}metrics-collect_memory"
  retention_in_days = var.log_retention_days
}

# Task collect_disk: Disk operations a second.
resource "aws_lambda_function" "collect_disk" {
  function_name    = "${local.prefix}metrics-collect_disk"
  description      = "Disk operations a second."
  role             = aws_iam_role.task_collect_disk.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/collect_disk.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/collect_disk.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 128
  timeout          = 30
  depends_on       = [aws_iam_role_policy.task_collect_disk]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "collect_disk"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "collect_disk", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_collect_disk.name
  }
}

resource "aws_lambda_function_event_invoke_config" "collect_disk" {
  function_name                = aws_lambda_function.collect_disk.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_collect_disk" {
  name              = "/aws/lambda/${local.prefix}metrics-collect_disk"
  retention_in_days = var.log_retention_days
}

# Task collect_network: Network bytes a second.
resource "aws_lambda_function" "collect_network" {
  function_name    = "${local.prefix}metrics-collect_network"
  description      = "Network bytes a second."
  role             = aws_iam_role.task_collect_network.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/collect_network.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/collect_network.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 128
  timeout          = 30
  depends_on       = [aws_iam_role_policy.task_collect_network]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "collect_network"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "collect_network", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_collect_network.name
  }
}

resource "aws_lambda_function_event_invoke_config" "collect_network" {
  function_name                = aws_lambda_function.collect_network.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_collect_network" {
  name              = "/aws/lambda/${local.prefix}metrics-collect_network"
  retention_in_days = var.log_retention_days
}

# Task log-processor: Checks and enriches each record of a new object; fills the hot table, the metrics and the quarantine.
resource "aws_lambda_function" "log_processor" {
  function_name    = "${local.prefix}metrics-log-processor"
  description      = "Checks and enriches each record of a new object; fills the hot table, the metrics and the quarantine."
  role             = aws_iam_role.task_log_processor.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/log-processor.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/log-processor.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 128
  timeout          = 900
  depends_on       = [aws_iam_role_policy.task_log_processor]

  environment {
    variables = merge({
      PENSTOCK_TASK        = "log-processor"
      PENSTOCK_LAKE_BUCKET = aws_s3_bucket.lake.id
      PENSTOCK_HOT_TABLES = jsonencode({
        InfraMetrics = aws_dynamodb_table.InfraMetrics.name
      })
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "log-processor", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_log_processor.name
  }
}

resource "aws_lambda_function_event_invoke_config" "log_processor" {
  function_name                = aws_lambda_function.log_processor.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_log_processor" {
  name              = "/aws/lambda/${local.prefix}metrics-log-processor"
  retention_in_days = var.log_retention_days
}

# Task notify_success: Says what was collected.
resource "aws_lambda_function" "notify_success" {
  function_name    = "${local.prefix}metrics-notify_success"
  description      = "Says what was collected."
  role             = aws_iam_role.task_notify_success.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/notify_success.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/notify_success.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 128
  timeout          = 30
  depends_on       = [aws_iam_role_policy.task_notify_success]

  environment {
    variables = merge({
      PENSTOCK_TASK = "notify_success"
      PENSTOCK_TOPICS = jsonencode({
        infra-monitoring-alerts = aws_sns_topic.infra_monitoring_alerts.arn
      })
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "notify_success", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_notify_success.name
  }
}

resource "aws_lambda_function_event_invoke_config" "notify_success" {
  function_name                = aws_lambda_function.notify_success.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_notify_success" {
  name              = "/aws/lambda/${local.prefix}metrics-notify_success"
  retention_in_days = var.log_retention_days
}

# Task notify_failure: Says that a collection failed, and why.
resource "aws_lambda_function" "notify_failure" {
  function_name    = "${local.prefix}metrics-notify_failure"
  description      = "Says that a collection failed, and why."
  role             = aws_iam_role.task_notify_failure.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "penstock.runtime.aws.entry.handler"
  filename         = "${path.module}/artifacts/notify_failure.zip"
  source_code_hash = filebase64sha256("${path.module}/artifacts/notify_failure.zip")
  layers           = [aws_lambda_layer_version.libraries.arn]
  memory_size      = 128
  timeout          = 30
  depends_on       = [aws_iam_role_policy.task_notify_failure]

  environment {
    variables = merge({
      PENSTOCK_TASK = "notify_failure"
      PENSTOCK_TOPICS = jsonencode({
        infra-monitoring-alerts = aws_sns_topic.infra_monitoring_alerts.arn
      })
    }, var.name_prefix == "" ? {} : { PENSTOCK_METRICS_PREFIX = var.name_prefix }, lookup(var.task_environment, "notify_failure", {}))
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.task_notify_failure.name
  }
}

resource "aws_lambda_function_event_invoke_config" "notify_failure" {
  function_name                = aws_lambda_function.notify_failure.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "task_notify_failure" {
  name              = "/aws/lambda/${local.prefix}metrics-notify_failure"
  retention_in_days = var.log_retention_days
}

# What could not be delivered or done, for two weeks: `penstock status` counts it.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.prefix}metrics-dead-letters"
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
            "aws:SourceArn" = [aws_cloudwatch_event_rule.log_processor.arn]
          }
        }
      },
    ]
  })
}
