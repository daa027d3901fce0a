# Who may do what: one role a task, a workflow, a schedule, a trigger.

# What task log-generator may do: what its may= says, and write its log.
resource "aws_iam_role" "task_log_generator" {
  name                 = "${local.prefix}logs-log-generator"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "task_log_generator" {
  name = "task"
  role = aws_iam_role.task_log_generator.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "AppendLogs"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/raw/logs/*"]
      },
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.task_log_generator.arn}:*"]
      },
      {
        Sid      = "KeepWhatFailed"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead_letters.arn]
      },
    ]
  })
}

# What task log-aggregator may do: what its may= says, and write its log.
resource "aws_iam_role" "task_log_aggregator" {
  name                 = "${local.prefix}logs-log-aggregator"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "task_log_aggregator" {
  name = "task"
  role = aws_iam_role.task_log_aggregator.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "AppendLogTemplates"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/raw/log_templates/*"]
      },
      {
        Sid      = "QuarantineLogs"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/quarantine/logs/*"]
      },
      {
        Sid      = "ReadLogs"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/raw/logs/*"]
      },
      {
        Sid      = "PutLogMinutes"
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem", "dynamodb:BatchWriteItem"]
        Resource = [aws_dynamodb_table.LogMinutes.arn]
      },
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.task_log_aggregator.arn}:*"]
      },
      {
        Sid      = "KeepWhatFailed"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead_letters.arn]
      },
    ]
  })
}

# What task sealing may do: what its may= says, and write its log.
resource "aws_iam_role" "task_sealing" {
  name                 = "${local.prefix}logs-sealing"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "task_sealing" {
  name = "task"
  role = aws_iam_role.task_sealing.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "QuarantineLogTemplates"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/quarantine/log_templates/*"]
      },
      {
        Sid      = "ReadLogTemplates"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/raw/log_templates/*"]
      },
      {
        Sid      = "QuarantineLogs"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/quarantine/logs/*"]
      },
      {
        Sid      = "ReadLogs"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/raw/logs/*"]
      },
      {
        Sid      = "KeepSealed"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/sealed/logs/*", "${aws_s3_bucket.lake.arn}/sealed/log_templates/*"]
      },
      {
        Sid    = "KeepQuarantine"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:DeleteObject"]
        Resource = [
          "${aws_s3_bucket.lake.arn}/quarantine/logs/*",
          "${aws_s3_bucket.lake.arn}/quarantine/log_templates/*",
        ]
      },
      {
        Sid      = "ListWhatIsDue"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [aws_s3_bucket.lake.arn]
        Condition = {
          StringLike = {
            "s3:prefix" = [
              "raw/logs/*",
              "sealed/logs/*",
              "quarantine/logs/*",
              "raw/log_templates/*",
              "sealed/log_templates/*",
              "quarantine/log_templates/*",
            ]
          }
        }
      },
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.task_sealing.arn}:*"]
      },
      {
        Sid      = "KeepWhatFailed"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead_letters.arn]
      },
    ]
  })
}

# What workflow logs may do: call its own tasks, and write its log.
resource "aws_iam_role" "workflow_logs" {
  name                 = "${local.prefix}logs-workflow"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "states.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
        }
      },
    ]
  })
}

# logs:CreateLogDelivery, logs:GetLogDelivery, logs:UpdateLogDelivery, logs:DeleteLogDelivery, logs:ListLogDeliveries, logs:PutResourcePolicy, logs:DescribeResourcePolicies, logs:DescribeLogGroups: Step Functions sets its log delivery up by actions that have no resource level
resource "aws_iam_role_policy" "workflow_logs" {
  name = "service"
  role = aws_iam_role.workflow_logs.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "InvokeTasks"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [aws_lambda_function.log_generator.arn]
      },
      {
        Sid    = "DeliverLogs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery",
          "logs:GetLogDelivery",
          "logs:UpdateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:DescribeResourcePolicies",
          "logs:DescribeLogGroups",
        ]
        Resource = "*"
      },
    ]
  })
}

# What workflow log-aggregator may do: call its own tasks, and write its log.
resource "aws_iam_role" "workflow_log_aggregator" {
  name                 = "${local.prefix}logs-log-aggregator-workflow"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "states.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
        }
      },
    ]
  })
}

# logs:CreateLogDelivery, logs:GetLogDelivery, logs:UpdateLogDelivery, logs:DeleteLogDelivery, logs:ListLogDeliveries, logs:PutResourcePolicy, logs:DescribeResourcePolicies, logs:DescribeLogGroups: Step Functions sets its log delivery up by actions that have no resource level
resource "aws_iam_role_policy" "workflow_log_aggregator" {
  name = "service"
  role = aws_iam_role.workflow_log_aggregator.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "InvokeTasks"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [aws_lambda_function.log_aggregator.arn]
      },
      {
        Sid    = "DeliverLogs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery",
          "logs:GetLogDelivery",
          "logs:UpdateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:DescribeResourcePolicies",
          "logs:DescribeLogGroups",
        ]
        Resource = "*"
      },
    ]
  })
}

# What schedule logs may do: start its workflow.
resource "aws_iam_role" "schedule_logs" {
  name                 = "${local.prefix}logs-logs-schedule"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "scheduler.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "schedule_logs" {
  name = "service"
  role = aws_iam_role.schedule_logs.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "StartWorkflow"
        Effect   = "Allow"
        Action   = ["states:StartExecution"]
        Resource = [aws_sfn_state_machine.logs.arn]
      },
      {
        Sid      = "KeepWhatFailed"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead_letters.arn]
      },
    ]
  })
}

# What the schedule of sealing may do: start its function.
resource "aws_iam_role" "schedule_sealing" {
  name                 = "${local.prefix}logs-sealing-schedule"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "scheduler.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "schedule_sealing" {
  name = "service"
  role = aws_iam_role.schedule_sealing.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "StartSealing"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [aws_lambda_function.sealing.arn]
      },
      {
        Sid      = "KeepWhatFailed"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead_letters.arn]
      },
    ]
  })
}

# What trigger log-aggregator may do: start its workflow.
resource "aws_iam_role" "trigger_log_aggregator" {
  name                 = "${local.prefix}logs-log-aggregator-trigger"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Principal = {
          Service = "events.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "trigger_log_aggregator" {
  name = "service"
  role = aws_iam_role.trigger_log_aggregator.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "StartWorkflow"
        Effect   = "Allow"
        Action   = ["states:StartExecution"]
        Resource = [aws_sfn_state_machine.log_aggregator.arn]
      },
    ]
  })
}
