# What can be asked: tables over the lake, for Athena.

# The tables of the lake.
resource "aws_glue_catalog_database" "lake" {
  name        = replace("${local.prefix}logs", "-", "_")
  description = "Logs of servers, applications and network devices, every five minutes"
}

# Table logs_quarantine: what did not fit, and why.
resource "aws_glue_catalog_table" "logs_quarantine" {
  name          = "logs_quarantine"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                    = "TRUE"
    classification              = "json"
    "projection.enabled"        = "true"
    "projection.year.type"      = "integer"
    "projection.year.range"     = var.partition_years
    "projection.year.digits"    = "4"
    "projection.month.type"     = "integer"
    "projection.month.range"    = "1,12"
    "projection.month.digits"   = "2"
    "projection.day.type"       = "integer"
    "projection.day.range"      = "1,31"
    "projection.day.digits"     = "2"
    "projection.hour.type"      = "integer"
    "projection.hour.range"     = "0,23"
    "projection.hour.digits"    = "2"
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/quarantine/logs/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
  }

  partition_keys {
    name = "year"
    type = "string"
  }

  partition_keys {
    name = "month"
    type = "string"
  }

  partition_keys {
    name = "day"
    type = "string"
  }

  partition_keys {
    name = "hour"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/quarantine/logs/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    columns {
      name = "reason"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    columns {
      name = "line"
      type = "bigint"
    }

    columns {
      name = "raw"
      type = "string"
    }

    columns {
      name = "encoding"
      type = "string"
    }

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"

      parameters = {
        "ignore.malformed.json" = "TRUE"
        "case.insensitive"      = "FALSE"
      }
    }
  }
}

# Table raw_logs: raw records as they arrived.
resource "aws_glue_catalog_table" "raw_logs" {
  name          = "raw_logs"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                    = "TRUE"
    classification              = "json"
    "projection.enabled"        = "true"
    "projection.year.type"      = "integer"
    "projection.year.range"     = var.partition_years
    "projection.year.digits"    = "4"
    "projection.month.type"     = "integer"
    "projection.month.range"    = "1,12"
    "projection.month.digits"   = "2"
    "projection.day.type"       = "integer"
    "projection.day.range"      = "1,31"
    "projection.day.digits"     = "2"
    "projection.hour.type"      = "integer"
    "projection.hour.range"     = "0,23"
    "projection.hour.digits"    = "2"
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/raw/logs/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
  }

  partition_keys {
    name = "year"
    type = "string"
  }

  partition_keys {
    name = "month"
    type = "string"
  }

  partition_keys {
    name = "day"
    type = "string"
  }

  partition_keys {
    name = "hour"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/raw/logs/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    columns {
      name = "timestamp"
      type = "timestamp"
    }

    columns {
      name = "severity"
      type = "string"
    }

    columns {
      name = "service"
      type = "string"
    }

    columns {
      name = "host"
      type = "string"
    }

    columns {
      name = "device_type"
      type = "string"
    }

    columns {
      name = "message"
      type = "string"
    }

    columns {
      name = "latency_ms"
      type = "double"
    }

    columns {
      name = "status"
      type = "bigint"
    }

    columns {
      name = "trace_id"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    columns {
      name = "template"
      type = "string"
    }

    columns {
      name = "attributes"
      type = "map<string,string>"
    }

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"

      parameters = {
        "ignore.malformed.json" = "TRUE"
        "case.insensitive"      = "FALSE"
      }
    }
  }
}

# Table sealed_logs: closed partitions, one Parquet file each.
resource "aws_glue_catalog_table" "sealed_logs" {
  name          = "sealed_logs"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                    = "TRUE"
    classification              = "parquet"
    "projection.enabled"        = "true"
    "projection.year.type"      = "integer"
    "projection.year.range"     = var.partition_years
    "projection.year.digits"    = "4"
    "projection.month.type"     = "integer"
    "projection.month.range"    = "1,12"
    "projection.month.digits"   = "2"
    "projection.day.type"       = "integer"
    "projection.day.range"      = "1,31"
    "projection.day.digits"     = "2"
    "projection.hour.type"      = "integer"
    "projection.hour.range"     = "0,23"
    "projection.hour.digits"    = "2"
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/sealed/logs/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
  }

  partition_keys {
    name = "year"
    type = "string"
  }

  partition_keys {
    name = "month"
    type = "string"
  }

  partition_keys {
    name = "day"
    type = "string"
  }

  partition_keys {
    name = "hour"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/sealed/logs/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    columns {
      name = "timestamp"
      type = "timestamp"
    }

    columns {
      name = "severity"
      type = "string"
    }

    columns {
      name = "service"
      type = "string"
    }

    columns {
      name = "host"
      type = "string"
    }

    columns {
      name = "device_type"
      type = "string"
    }

    columns {
      name = "message"
      type = "string"
    }

    columns {
      name = "latency_ms"
      type = "double"
    }

    columns {
      name = "status"
      type = "bigint"
    }

    columns {
      name = "trace_id"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    columns {
      name = "template"
      type = "string"
    }

    columns {
      name = "attributes"
      type = "map<string,string>"
    }

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

      parameters = {
        "serialization.format" = "1"
      }
    }
  }
}

# Table log_templates_quarantine: what did not fit, and why.
resource "aws_glue_catalog_table" "log_templates_quarantine" {
  name          = "log_templates_quarantine"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                    = "TRUE"
    classification              = "json"
    "projection.enabled"        = "true"
    "projection.year.type"      = "integer"
    "projection.year.range"     = var.partition_years
    "projection.year.digits"    = "4"
    "projection.month.type"     = "integer"
    "projection.month.range"    = "1,12"
    "projection.month.digits"   = "2"
    "projection.day.type"       = "integer"
    "projection.day.range"      = "1,31"
    "projection.day.digits"     = "2"
    "projection.hour.type"      = "integer"
    "projection.hour.range"     = "0,23"
    "projection.hour.digits"    = "2"
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/quarantine/log_templates/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
  }

  partition_keys {
    name = "year"
    type = "string"
  }

  partition_keys {
    name = "month"
    type = "string"
  }

  partition_keys {
    name = "day"
    type = "string"
  }

  partition_keys {
    name = "hour"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/quarantine/log_templates/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    columns {
      name = "reason"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    columns {
      name = "line"
      type = "bigint"
    }

    columns {
      name = "raw"
      type = "string"
    }

    columns {
      name = "encoding"
      type = "string"
    }

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"

      parameters = {
        "ignore.malformed.json" = "TRUE"
        "case.insensitive"      = "FALSE"
      }
    }
  }
}

# Table raw_log_templates: raw records as they arrived.
resource "aws_glue_catalog_table" "raw_log_templates" {
  name          = "raw_log_templates"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                    = "TRUE"
    classification              = "json"
    "projection.enabled"        = "true"
    "projection.year.type"      = "integer"
    "projection.year.range"     = var.partition_years
    "projection.year.digits"    = "4"
    "projection.month.type"     = "integer"
    "projection.month.range"    = "1,12"
    "projection.month.digits"   = "2"
    "projection.day.type"       = "integer"
    "projection.day.range"      = "1,31"
    "projection.day.digits"     = "2"
    "projection.hour.type"      = "integer"
    "projection.hour.range"     = "0,23"
    "projection.hour.digits"    = "2"
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/raw/log_templates/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
  }

  partition_keys {
    name = "year"
    type = "string"
  }

  partition_keys {
    name = "month"
    type = "string"
  }

  partition_keys {
    name = "day"
    type = "string"
  }

  partition_keys {
    name = "hour"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/raw/log_templates/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    columns {
      name = "template_id"
      type = "string"
    }

    columns {
      name = "template"
      type = "string"
    }

    columns {
      name = "lines"
      type = "bigint"
    }

    columns {
      name = "errors"
      type = "bigint"
    }

    columns {
      name = "example"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"

      parameters = {
        "ignore.malformed.json" = "TRUE"
        "case.insensitive"      = "FALSE"
      }
    }
  }
}

# Table sealed_log_templates: closed partitions, one Parquet file each.
resource "aws_glue_catalog_table" "sealed_log_templates" {
  name          = "sealed_log_templates"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                    = "TRUE"
    classification              = "parquet"
    "projection.enabled"        = "true"
    "projection.year.type"      = "integer"
    "projection.year.range"     = var.partition_years
    "projection.year.digits"    = "4"
    "projection.month.type"     = "integer"
    "projection.month.range"    = "1,12"
    "projection.month.digits"   = "2"
    "projection.day.type"       = "integer"
    "projection.day.range"      = "1,31"
    "projection.day.digits"     = "2"
    "projection.hour.type"      = "integer"
    "projection.hour.range"     = "0,23"
    "projection.hour.digits"    = "2"
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/sealed/log_templates/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
  }

  partition_keys {
    name = "year"
    type = "string"
  }

  partition_keys {
    name = "month"
    type = "string"
  }

  partition_keys {
    name = "day"
    type = "string"
  }

  partition_keys {
    name = "hour"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/sealed/log_templates/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    columns {
      name = "template_id"
      type = "string"
    }

    columns {
      name = "template"
      type = "string"
    }

    columns {
      name = "lines"
      type = "bigint"
    }

    columns {
      name = "errors"
      type = "bigint"
    }

    columns {
      name = "example"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

      parameters = {
        "serialization.format" = "1"
      }
    }
  }
}

# Table logs: what is sealed, and what is not yet.
resource "aws_glue_catalog_table" "logs" {
  name          = "logs"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "VIRTUAL_VIEW"

  parameters = {
    presto_view = "true"
    comment     = "Presto View"
  }

  view_original_text = format("/* Presto View: %s */", base64encode(jsonencode({
    originalSql = file("${path.module}/views/logs.sql")
    catalog     = "awsdatacatalog"
    schema      = aws_glue_catalog_database.lake.name
    columns = [
      {
        name = "timestamp"
        type = "timestamp(3)"
      },
      {
        name = "severity"
        type = "varchar"
      },
      {
        name = "service"
        type = "varchar"
      },
      {
        name = "host"
        type = "varchar"
      },
      {
        name = "device_type"
        type = "varchar"
      },
      {
        name = "message"
        type = "varchar"
      },
      {
        name = "latency_ms"
        type = "double"
      },
      {
        name = "status"
        type = "bigint"
      },
      {
        name = "trace_id"
        type = "varchar"
      },
      {
        name = "source"
        type = "varchar"
      },
      {
        name = "template"
        type = "varchar"
      },
      {
        name = "attributes"
        type = "map(varchar,varchar)"
      },
      {
        name = "year"
        type = "varchar"
      },
      {
        name = "month"
        type = "varchar"
      },
      {
        name = "day"
        type = "varchar"
      },
      {
        name = "hour"
        type = "varchar"
      },
    ]
  })))

  view_expanded_text = "/* Presto View */"

  storage_descriptor {
    columns {
      name = "timestamp"
      type = "timestamp"
    }

    columns {
      name = "severity"
      type = "string"
    }

    columns {
      name = "service"
      type = "string"
    }

    columns {
      name = "host"
      type = "string"
    }

    columns {
      name = "device_type"
      type = "string"
    }

    columns {
      name = "message"
      type = "string"
    }

    columns {
      name = "latency_ms"
      type = "double"
    }

    columns {
      name = "status"
      type = "bigint"
    }

    columns {
      name = "trace_id"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    columns {
      name = "template"
      type = "string"
    }

    columns {
      name = "attributes"
      type = "map<string,string>"
    }

    columns {
      name = "year"
      type = "string"
    }

    columns {
      name = "month"
      type = "string"
    }

    columns {
      name = "day"
      type = "string"
    }

    columns {
      name = "hour"
      type = "string"
    }

    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }
  }
}

# Table log_templates: what is sealed, and what is not yet.
resource "aws_glue_catalog_table" "log_templates" {
  name          = "log_templates"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "VIRTUAL_VIEW"

  parameters = {
    presto_view = "true"
    comment     = "Presto View"
  }

  view_original_text = format("/* Presto View: %s */", base64encode(jsonencode({
    originalSql = file("${path.module}/views/log_templates.sql")
    catalog     = "awsdatacatalog"
    schema      = aws_glue_catalog_database.lake.name
    columns = [
      {
        name = "template_id"
        type = "varchar"
      },
      {
        name = "template"
        type = "varchar"
      },
      {
        name = "lines"
        type = "bigint"
      },
      {
        name = "errors"
        type = "bigint"
      },
      {
        name = "example"
        type = "varchar"
      },
      {
        name = "source"
        type = "varchar"
      },
      {
        name = "year"
        type = "varchar"
      },
      {
        name = "month"
        type = "varchar"
      },
      {
        name = "day"
        type = "varchar"
      },
      {
        name = "hour"
        type = "varchar"
      },
    ]
  })))

  view_expanded_text = "/* Presto View */"

  storage_descriptor {
    columns {
      name = "template_id"
      type = "string"
    }

    columns {
      name = "template"
      type = "string"
    }

    columns {
      name = "lines"
      type = "bigint"
    }

    columns {
      name = "errors"
      type = "bigint"
    }

    columns {
      name = "example"
      type = "string"
    }

    columns {
      name = "source"
      type = "string"
    }

    columns {
      name = "year"
      type = "string"
    }

    columns {
      name = "month"
      type = "string"
    }

    columns {
      name = "day"
      type = "string"
    }

    columns {
      name = "hour"
      type = "string"
    }

    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }
  }
}

# Queries in it are limited in what they read, and their results are encrypted.
resource "aws_athena_workgroup" "queries" {
  name          = "${local.prefix}logs"
  force_destroy = var.delete_data_on_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.scan_limit_mb * 1048576

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "s3://${aws_s3_bucket.results.id}/athena/"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

resource "aws_athena_named_query" "total_log_count" {
  name        = "${local.prefix}logs-total-log-count"
  description = "How many log lines there are"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/total-log-count.sql")
}

resource "aws_athena_named_query" "logs_by_severity" {
  name        = "${local.prefix}logs-logs-by-severity"
  description = "How many lines of each severity"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/logs-by-severity.sql")
}

resource "aws_athena_named_query" "top_error_messages" {
  name        = "${local.prefix}logs-top-error-messages"
  description = "The ten most frequent error messages"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/top-error-messages.sql")
}

resource "aws_athena_named_query" "hourly_log_volume" {
  name        = "${local.prefix}logs-hourly-log-volume"
  description = "How many lines an hour"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/hourly-log-volume.sql")
}

resource "aws_athena_named_query" "service_minutes" {
  name        = "${local.prefix}logs-service-minutes"
  description = "Lines, errors and latency percentiles by service and minute"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/service-minutes.sql")
}

resource "aws_athena_named_query" "top_templates" {
  name        = "${local.prefix}logs-top-templates"
  description = "The templates of messages with the most errors, and the most lines"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/top-templates.sql")
}

resource "aws_athena_named_query" "logs_newest" {
  name        = "${local.prefix}logs-logs-newest"
  description = "The newest records of logs, of today and yesterday"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/logs-newest.sql")
}

resource "aws_athena_named_query" "logs_per_day" {
  name        = "${local.prefix}logs-logs-per-day"
  description = "How many records of logs arrived each day, for 30 days"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/logs-per-day.sql")
}

resource "aws_athena_named_query" "logs_quarantine_newest" {
  name        = "${local.prefix}logs-logs_quarantine-newest"
  description = "The newest records of logs_quarantine, of today and yesterday"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/logs_quarantine-newest.sql")
}

resource "aws_athena_named_query" "logs_quarantine_reasons" {
  name        = "${local.prefix}logs-logs_quarantine-reasons"
  description = "Why records did not fit, for 30 days, with an object that holds one"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/logs_quarantine-reasons.sql")
}

resource "aws_athena_named_query" "log_templates_newest" {
  name        = "${local.prefix}logs-log_templates-newest"
  description = "The newest records of log_templates, of today and yesterday"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/log_templates-newest.sql")
}

resource "aws_athena_named_query" "log_templates_per_day" {
  name        = "${local.prefix}logs-log_templates-per-day"
  description = "How many records of log_templates arrived each day, for 30 days"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/log_templates-per-day.sql")
}

resource "aws_athena_named_query" "log_templates_quarantine_newest" {
  name        = "${local.prefix}logs-log_templates_quarantine-newest"
  description = "The newest records of log_templates_quarantine, of today and yesterday"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/log_templates_quarantine-newest.sql")
}

resource "aws_athena_named_query" "log_templates_quarantine_reasons" {
  name        = "${local.prefix}logs-log_templates_quarantine-reasons"
  description = "Why records did not fit, for 30 days, with an object that holds one"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/log_templates_quarantine-reasons.sql")
}
