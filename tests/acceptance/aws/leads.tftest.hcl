# A pipeline with a warehouse and an inbox, without an account: who logs in as whom, and what the variables do.

mock_provider "aws" {
  source = "./mocks"
}

variables {
  name_prefix = "dev-"
}

run "who_logs_in" {
  assert {
    condition = (
      jsondecode(aws_lambda_function.score_leads.environment[0].variables.PENSTOCK_WAREHOUSES).leads == {
        server   = "postgresql"
        host     = "leads.mock.us-east-1.rds.amazonaws.com"
        port     = 5432
        database = "leads"
        username = "leads_write"
      }
    )
    error_message = "A task logs in as the user that writes."
  }
  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_role_policy.task_score_leads.policy).Statement :
      statement.Resource if contains(statement.Action, "rds-db:connect")
    ])) == toset(["arn:aws:rds-db:us-east-1:123456789012:dbuser:db-MOCK/leads_write"])
    error_message = "Its role may log in as that user of that database, and as nobody else."
  }
  assert {
    condition = (
      jsondecode(aws_lambda_function.warehouse_upgrade.environment[0].variables.PENSTOCK_WAREHOUSES).leads.secret
      == "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-mock"
    )
    error_message = "The function that upgrades logs in as the owner."
  }
  assert {
    condition     = length(aws_lambda_function.notify_failure.vpc_config) == 0
    error_message = "Who tells people is not in the network."
  }
}

run "what_the_network_is" {
  assert {
    condition     = aws_subnet.warehouse_1.cidr_block == "10.91.0.0/25" && aws_subnet.warehouse_2.cidr_block == "10.91.0.128/25"
    error_message = "Each subnet has one half of the network."
  }
  assert {
    condition     = aws_subnet.warehouse_1.availability_zone != aws_subnet.warehouse_2.availability_zone
    error_message = "They are in two zones: RDS asks for that."
  }
}

run "what_is_kept" {
  assert {
    condition = (
      aws_db_instance.leads.identifier == "dev-leads-leads"
      && aws_db_instance.leads.deletion_protection
      && !aws_db_instance.leads.skip_final_snapshot
      && aws_db_instance.leads.final_snapshot_identifier == "dev-leads-leads-final"
    )
    error_message = "A database is not deleted by mistake."
  }
}

run "what_may_be_deleted" {
  variables {
    delete_data_on_destroy = true
  }
  assert {
    condition     = !aws_db_instance.leads.deletion_protection && aws_db_instance.leads.skip_final_snapshot
    error_message = "It is when that was chosen."
  }
}

run "without_upgrades" {
  variables {
    warehouse_upgrades = false
  }
  assert {
    condition     = length(aws_vpc_endpoint.warehouse_secrets) == 0 && length(aws_lambda_invocation.warehouse_upgrade) == 0
    error_message = "Nothing that costs by the hour is left of upgrades."
  }
}

run "with_upgrades" {
  assert {
    condition     = length(aws_vpc_endpoint.warehouse_secrets) == 1 && length(aws_lambda_invocation.warehouse_upgrade) == 1
    error_message = "A deployment upgrades."
  }
}

run "what_starts" {
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.leads_arrived.event_pattern).detail.object.key == [{ prefix = "inbox/leads/" }]
    error_message = "Files of the inbox start the workflow."
  }
}

run "a_name_that_rds_refuses" {
  command = plan
  variables {
    name_prefix = "1-"
  }
  expect_failures = [var.name_prefix]
}

run "a_network_that_is_too_small" {
  command = plan
  variables {
    network_cidr = "10.91.0.0/32"
  }
  expect_failures = [var.network_cidr]
}
