"""The AWS home's side of a task: what runs inside a Lambda function."""
