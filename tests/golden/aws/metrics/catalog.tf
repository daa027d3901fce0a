# What can be asked: tables over the lake, for Athena.

# The tables of the lake.
resource "aws_glue_catalog_database" "lake" {
  name        = replace("${local.prefix}metrics", "-", "_")
  description = "CPU, memory, disk and network of this machine or of a simulated fleet, every three hours"
}

# Table infra_metrics: raw records as they arrived.
resource "aws_glue_catalog_table" "infra_metrics" {
  name          = "infra_metrics"
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
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/raw/infra_metrics/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
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
    location      = "s3://${aws_s3_bucket.lake.id}/raw/infra_metrics/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    columns {
      name = "timestamp"
      type = "string"
    }

    columns {
      name = "instance_id"
      type = "string"
    }

    columns {
      name = "region"
      type = "string"
    }

    columns {
      name = "metric_type"
      type = "string"
    }

    columns {
      name = "value"
      type = "double"
    }

    columns {
      name = "unit"
      type = "string"
    }

    columns {
      name = "metadata"
      type = "struct<collection_method:string,pipeline_version:string>"
    }

    columns {
      name = "readings"
      type = "map<string,double>"
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

# Table infra_metrics_quarantine: what did not fit, and why.
resource "aws_glue_catalog_table" "infra_metrics_quarantine" {
  name          = "infra_metrics_quarantine"
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
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/quarantine/infra_metrics/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
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
    location      = "s3://${aws_s3_bucket.lake.id}/quarantine/infra_metrics/"
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

# Table raw_infra_metrics: raw records as they arrived.
resource "aws_glue_catalog_table" "raw_infra_metrics" {
  name          = "raw_infra_metrics"
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
    "storage.location.template" = "s3://${aws_s3_bucket.lake.id}/raw/infra_metrics/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}/"
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
    location      = "s3://${aws_s3_bucket.lake.id}/raw/infra_metrics/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    columns {
      name = "timestamp"
      type = "string"
    }

    columns {
      name = "instance_id"
      type = "string"
    }

    columns {
      name = "region"
      type = "string"
    }

    columns {
      name = "metric_type"
      type = "string"
    }

    columns {
      name = "value"
      type = "double"
    }

    columns {
      name = "unit"
      type = "string"
    }

    columns {
      name = "metadata"
      type = "struct<collection_method:string,pipeline_version:string>"
    }

    columns {
      name = "readings"
      type = "map<string,double>"
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

# Queries in it are limited in what they read, and their results are encrypted.
resource "aws_athena_workgroup" "queries" {
  name          = "${local.prefix}metrics"
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

resource "aws_athena_named_query" "average_cpu_by_instance" {
  name        = "${local.prefix}metrics-average-cpu-by-instance"
  description = "CPU use of each instance in the last seven days, the busiest first"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/average-cpu-by-instance.sql")
}

resource "aws_athena_named_query" "peak_memory_trend" {
  name        = "${local.prefix}metrics-peak-memory-trend"
  description = "The highest memory use of each of the last thirty days"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/peak-memory-trend.sql")
}

resource "aws_athena_named_query" "infra_metrics_newest" {
  name        = "${local.prefix}metrics-infra_metrics-newest"
  description = "The newest records of infra_metrics, of today and yesterday"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/infra_metrics-newest.sql")
}

resource "aws_athena_named_query" "infra_metrics_per_day" {
  name        = "${local.prefix}metrics-infra_metrics-per-day"
  description = "How many records of infra_metrics arrived each day, for 30 days"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/infra_metrics-per-day.sql")
}

resource "aws_athena_named_query" "infra_metrics_quarantine_newest" {
  name        = "${local.prefix}metrics-infra_metrics_quarantine-newest"
  description = "The newest records of infra_metrics_quarantine, of today and yesterday"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/infra_metrics_quarantine-newest.sql")
}

resource "aws_athena_named_query" "infra_metrics_quarantine_reasons" {
  name        = "${local.prefix}metrics-infra_metrics_quarantine-reasons"
  description = "Why records did not fit, for 30 days, with an object that holds one"
  workgroup   = aws_athena_workgroup.queries.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/infra_metrics_quarantine-reasons.sql")
}
