# Where data live: buckets and tables.

# The lake: raw objects as they arrived, and what did not fit.
resource "aws_s3_bucket" "lake" {
  bucket        = local.lake_bucket
  force_destroy = var.delete_data_on_destroy
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket     = aws_s3_bucket.lake.id
  depends_on = [aws_s3_bucket_versioning.lake]

  rule {
    id     = "raw-logs"
    status = "Enabled"

    filter {
      prefix = "raw/logs/"
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "sealed-logs"
    status = "Enabled"

    filter {
      prefix = "sealed/logs/"
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "quarantine-logs"
    status = "Enabled"

    filter {
      prefix = "quarantine/logs/"
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "raw-log_templates"
    status = "Enabled"

    filter {
      prefix = "raw/log_templates/"
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "sealed-log_templates"
    status = "Enabled"

    filter {
      prefix = "sealed/log_templates/"
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "quarantine-log_templates"
    status = "Enabled"

    filter {
      prefix = "quarantine/log_templates/"
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "tidy"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }
}

data "aws_iam_policy_document" "lake_bucket" {
  dynamic "statement" {
    for_each = var.require_tls ? [true] : []

    content {
      sid       = "OnlyOverTls"
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "lake" {
  count      = var.require_tls ? 1 : 0
  bucket     = aws_s3_bucket.lake.id
  policy     = data.aws_iam_policy_document.lake_bucket.json
  depends_on = [aws_s3_bucket_public_access_block.lake]
}

resource "aws_s3_bucket_logging" "lake" {
  bucket        = aws_s3_bucket.lake.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "s3/lake/"
  depends_on    = [aws_s3_bucket_policy.logs]
}

# Every new object is an event, which starts the workflows that wait for it.
resource "aws_s3_bucket_notification" "lake" {
  bucket      = aws_s3_bucket.lake.id
  eventbridge = true
}

# What queries in Athena answered.
resource "aws_s3_bucket" "results" {
  bucket        = "${local.bucket_prefix}-results-${local.bucket_suffix}"
  force_destroy = var.delete_data_on_destroy
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket                  = aws_s3_bucket.results.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "results" {
  bucket = aws_s3_bucket.results.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  bucket     = aws_s3_bucket.results.id
  depends_on = [aws_s3_bucket_versioning.results]

  rule {
    id     = "expire"
    status = "Enabled"

    filter {
      prefix = ""
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "tidy"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }
}

data "aws_iam_policy_document" "results_bucket" {
  dynamic "statement" {
    for_each = var.require_tls ? [true] : []

    content {
      sid       = "OnlyOverTls"
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [aws_s3_bucket.results.arn, "${aws_s3_bucket.results.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "results" {
  count      = var.require_tls ? 1 : 0
  bucket     = aws_s3_bucket.results.id
  policy     = data.aws_iam_policy_document.results_bucket.json
  depends_on = [aws_s3_bucket_public_access_block.results]
}

resource "aws_s3_bucket_logging" "results" {
  bucket        = aws_s3_bucket.results.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "s3/results/"
  depends_on    = [aws_s3_bucket_policy.logs]
}

# Who asked for what: access logs of the buckets, and the audit trail.
resource "aws_s3_bucket" "logs" {
  bucket        = "${local.bucket_prefix}-logs-${local.bucket_suffix}"
  force_destroy = var.delete_data_on_destroy
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket     = aws_s3_bucket.logs.id
  depends_on = [aws_s3_bucket_versioning.logs]

  rule {
    id     = "expire"
    status = "Enabled"

    filter {
      prefix = ""
    }

    expiration {
      days = 90
    }
  }

  rule {
    id     = "tidy"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }
}

data "aws_iam_policy_document" "logs_bucket" {
  dynamic "statement" {
    for_each = var.require_tls ? [true] : []

    content {
      sid       = "OnlyOverTls"
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [aws_s3_bucket.logs.arn, "${aws_s3_bucket.logs.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }

  statement {
    sid       = "AccessLogs"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/s3/*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [aws_s3_bucket.lake.arn, aws_s3_bucket.results.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  statement {
    sid       = "TrailLooks"
    actions   = ["s3:GetBucketAcl"]
    resources = ["${aws_s3_bucket.logs.arn}"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }

  statement {
    sid       = "TrailWrites"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/AWSLogs/${local.account}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket     = aws_s3_bucket.logs.id
  policy     = data.aws_iam_policy_document.logs_bucket.json
  depends_on = [aws_s3_bucket_public_access_block.logs]
}

# Hot table LogMinutes: the newest items, by key.
resource "aws_dynamodb_table" "LogMinutes" {
  name                        = "${local.prefix}LogMinutes"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "service"
  range_key                   = "minute"
  deletion_protection_enabled = !var.delete_data_on_destroy

  attribute {
    name = "service"
    type = "S"
  }

  attribute {
    name = "minute"
    type = "S"
  }

  attribute {
    name = "day"
    type = "S"
  }

  attribute {
    name = "at"
    type = "N"
  }

  global_secondary_index {
    name            = "DayIndex"
    hash_key        = "day"
    range_key       = "at"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }
}
