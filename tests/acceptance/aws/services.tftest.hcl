# A pipeline whose workflows call services, without an account: what documents name, and what roles may do.

mock_provider "aws" {
  source = "./mocks"
}

variables {
  name_prefix = "dev-"
}

run "what_documents_name" {
  assert {
    condition     = jsondecode(aws_sfn_state_machine.serve.definition).States.Both.Branches[0].States.Put.Parameters.TableName == "dev-Stock"
    error_message = "The hot table is the deployment's."
  }
  assert {
    condition = (
      jsondecode(aws_sfn_state_machine.serve.definition).States.Both.Branches[1].States.Tell.Parameters.TopicArn == aws_sns_topic.people.arn
      && jsondecode(aws_sfn_state_machine.serve.definition).States.Both.Branches[1].States.Send.Parameters.QueueUrl == aws_sqs_queue.jobs.url
    )
    error_message = "So are topic and queue."
  }
  assert {
    condition = toset([
      for entry in jsondecode(aws_sfn_state_machine.serve.definition).States.Both.Branches[1].States.Announce.Parameters.Entries : entry.EventBusName
    ]) == toset(["dev-told"])
    error_message = "So is the bus of each event."
  }
  assert {
    condition = (
      jsondecode(aws_sfn_state_machine.serve.definition).States.List.Parameters.Bucket == aws_s3_bucket.lake.id
      && jsondecode(aws_sfn_state_machine.each.definition).States.Each.ItemReader.Arguments.Bucket == aws_s3_bucket.lake.id
      && jsondecode(aws_sfn_state_machine.each.definition).States.Each.ResultWriter.Arguments.Bucket == aws_s3_bucket.lake.id
    )
    error_message = "The lake is the deployment's bucket, in Maps as well."
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.serve.definition).States.Start.Parameters.StateMachineArn == "arn:aws:states:us-east-1:123456789012:stateMachine:${aws_sfn_state_machine.settle.name}"
    error_message = "A workflow that is started is named as it is called: ${jsondecode(aws_sfn_state_machine.serve.definition).States.Start.Parameters.StateMachineArn}"
  }
  assert {
    condition = (
      jsondecode(aws_sfn_state_machine.ask.definition).States.Ask.Arguments.WorkGroup == "dev-shop"
      && jsondecode(aws_sfn_state_machine.ask.definition).States.Ask.Arguments.QueryExecutionContext.Database == "dev_shop"
      && jsondecode(aws_sfn_state_machine.ask.definition).States.Again.Arguments.QueryExecutionContext.Database == "dev_shop"
    )
    error_message = "Queries run in the deployment's workgroup and database."
  }
  assert {
    condition     = sha256(jsondecode(aws_sfn_state_machine.serve.definition).Comment) == "de4dddabb6e1e9e3ddb6ebb68f8bb6351b45dbe983a2d61acf77edffb8a445f5"
    error_message = "Text is text: ${jsondecode(aws_sfn_state_machine.serve.definition).Comment}"
  }
}

run "what_roles_may_do" {
  assert {
    condition = alltrue([
      for policy in [aws_iam_role_policy.workflow_serve, aws_iam_role_policy.workflow_ask, aws_iam_role_policy.workflow_each] :
      alltrue([
        for statement in jsondecode(policy.policy).Statement :
        statement.Sid == "DeliverLogs" || !contains(flatten([statement.Resource]), "*")
      ])
    ])
    error_message = "Every statement names its resources, but for the delivery of logs, which AWS does not tell apart."
  }
  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_role_policy.workflow_each.policy).Statement : statement.Resource if statement.Sid == "StartItems"
    ])) == toset(["arn:aws:states:us-east-1:123456789012:stateMachine:${aws_sfn_state_machine.each.name}"])
    error_message = "A Map starts executions of its own workflow."
  }
  assert {
    condition = flatten([
      for statement in jsondecode(aws_iam_role_policy.workflow_serve.policy).Statement : statement.Condition.StringLike["s3:prefix"] if statement.Sid == "ListOrders"
    ]) == ["raw/orders/*"]
    error_message = "A bucket is listed below the table's own prefix."
  }
}
