# Pipeline logs: Logs of servers, applications and network devices, every five minutes
# Written by `penstock synth`. Edit freely: another synth into this folder shows what it would change.
# Put a backend or a provider of your own into backend.tf and override.tf; neither is ever overwritten.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({
      pipeline    = "logs"
      managed-by  = "penstock"
      project     = "log-analytics"
      environment = "production"
      owner       = "operations"
    }, var.tags)
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account       = data.aws_caller_identity.current.account_id
  partition     = data.aws_partition.current.partition
  region        = var.region
  prefix        = var.name_prefix
  bucket_prefix = "${var.name_prefix}logs"
  bucket_suffix = "${local.account}-${local.region}"
  lake_bucket   = coalesce(var.lake_bucket, "${local.bucket_prefix}-lake-${local.bucket_suffix}")
  trail_arn     = "arn:${local.partition}:cloudtrail:${local.region}:${local.account}:trail/${local.prefix}logs-audit"
}
