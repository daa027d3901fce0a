# A pipeline with whatever can be chosen, and text that is hostile to Terraform, without an account.

mock_provider "aws" {
  source = "./mocks"
}

mock_provider "aws" {
  alias  = "replica"
  source = "./mocks"
}

variables {
  name_prefix     = "dev-"
  vpc_id          = "vpc-1"
  subnet_ids      = ["subnet-1"]
  route_table_ids = ["rtb-1"]
}

run "as_chosen" {
  assert {
    condition     = aws_glue_catalog_database.lake.description == "a \"quoted\" $${local.prefix} %%{ if true } \\ word\nand a second line"
    error_message = "Text is text: ${aws_glue_catalog_database.lake.description}"
  }
  assert {
    condition     = aws_cloudwatch_composite_alarm.Both.alarm_rule == "NOT (ALARM(\"dev-Late > 5\") AND OK(\"dev-p99 of late\")) OR FALSE"
    error_message = "Rules name the alarms of their own deployment: ${aws_cloudwatch_composite_alarm.Both.alarm_rule}"
  }
  assert {
    condition     = aws_s3_bucket.replica.bucket == "dev-shop-lake-123456789012-eu-west-1"
    error_message = "The copy of the lake is named after the other region."
  }
  assert {
    condition     = toset([for one in aws_dynamodb_table.Stock.replica : one.region_name]) == toset(["eu-west-1"])
    error_message = "So is the copy of a hot table."
  }
  assert {
    condition     = aws_sns_topic.people.kms_master_key_id == aws_kms_key.messages.id && aws_sqs_queue.dead_letters.kms_master_key_id == aws_kms_key.messages.id
    error_message = "One key encrypts messages."
  }
  assert {
    condition     = jsondecode(aws_scheduler_schedule.hourly.target[0].input) == { note = "a \"quoted\" word", slot = "<aws.scheduler.scheduled-time>" }
    error_message = "A schedule's input has the slot."
  }
  assert {
    condition     = aws_sqs_queue.jobs.name == "dev-jobs" && aws_cloudwatch_event_bus.shop_events.name == "dev-shop-events"
    error_message = "Queues and buses belong to one deployment."
  }
  assert {
    condition = (
      aws_cloudwatch_event_rule.hand_on.event_bus_name == "dev-shop-events"
      && jsondecode(aws_cloudwatch_event_rule.hand_on.event_pattern) == {
        source      = ["shop.orders", "a \"quoted\" $${local.prefix} %%{ if true } \\ word\nand a second line"]
        detail-type = ["Order placed"]
      }
    )
    error_message = "A rule on a bus: ${aws_cloudwatch_event_rule.hand_on.event_pattern}"
  }
  assert {
    condition     = keys(jsondecode(aws_lambda_function.hand_on.environment[0].variables.PENSTOCK_QUEUES)) == ["jobs"]
    error_message = "A function knows the queues that it was granted."
  }
  assert {
    condition     = length(aws_sns_topic_subscription.people) == 1
    error_message = "Mail addresses of the definition are subscribed."
  }
  assert {
    condition     = aws_lambda_function.tell.timeout == 1
    error_message = "Half a second is rounded up."
  }
}

run "elsewhere" {
  variables {
    replica_region = "eu-north-1"
  }
  assert {
    condition = (
      endswith(aws_s3_bucket.replica.bucket, "-eu-north-1")
      && toset([for one in aws_dynamodb_table.Stock.replica : one.region_name]) == toset(["eu-north-1"])
    )
    error_message = "Lake and hot tables are copied to the same region."
  }
}
