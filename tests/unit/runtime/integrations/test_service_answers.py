"""What each service answers, and how it refuses.

Shapes and error codes: the API reference of each service. Prefixes and suffixes of errors:
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html and connect-ddb.html.
"""

import json
import re
from typing import Any

import pytest
from tests.unit.runtime.integrations.conftest import EVENT, KEY, PUT, A, Services

# One call of each integration that needs a grant, and the error that the service denies it with.
DENIED = [
    ("dynamodb:getItem", A, "DynamoDB.AmazonDynamoDBException"),
    ("dynamodb:putItem", {"TableName": "latest", "Item": {"id": {"S": "a"}}}, "DynamoDB.AmazonDynamoDBException"),
    ("dynamodb:updateItem", A, "DynamoDB.AmazonDynamoDBException"),
    ("dynamodb:deleteItem", A, "DynamoDB.AmazonDynamoDBException"),
    ("aws-sdk:dynamodb:getItem", A, "DynamoDb.DynamoDbException"),
    ("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": KEY}, "S3.S3Exception"),
    ("aws-sdk:s3:putObject", PUT, "S3.S3Exception"),
    ("aws-sdk:s3:putObject", PUT | {"Key": KEY.replace("raw", "quarantine", 1)}, "S3.S3Exception"),
    ("aws-sdk:s3:listObjectsV2", {"Bucket": "lake", "Prefix": "raw/orders/"}, "S3.S3Exception"),
    # SNS's API defines AuthorizationError, so that it has a class of its own.
    ("sns:publish", {"TopicArn": "alerts", "Message": "hi"}, "SNS.AuthorizationErrorException"),
    ("aws-sdk:sns:publish", {"TopicArn": "alerts", "Message": "hi"}, "Sns.AuthorizationErrorException"),
    ("sqs:sendMessage", {"QueueUrl": "jobs", "MessageBody": "hi"}, "SQS.AmazonSQSException"),
    ("aws-sdk:sqs:sendMessage", {"QueueUrl": "jobs", "MessageBody": "hi"}, "Sqs.SqsException"),
    ("events:putEvents", {"Entries": [EVENT]}, "EventBridge.AmazonEventBridgeException"),
    ("aws-sdk:eventbridge:putEvents", {"Entries": [EVENT]}, "EventBridge.EventBridgeException"),
    ("athena:startQueryExecution.sync", {"QueryString": "SELECT 1"}, "Athena.AmazonAthenaException"),
    ("athena:getQueryExecution", {"QueryExecutionId": "x"}, "Athena.AmazonAthenaException"),
    ("athena:getQueryResults", {"QueryExecutionId": "x"}, "Athena.AmazonAthenaException"),
    ("athena:stopQueryExecution", {"QueryExecutionId": "x"}, "Athena.AmazonAthenaException"),
]  # fmt: skip


class TestGrants:
    @pytest.mark.parametrize(("resource", "arguments", "expected"), DENIED, ids=[f"{r}-{e}" for r, _, e in DENIED])
    def test_nothing_without_its_grant(
        self, without_grants: Services, resource: str, arguments: dict[str, Any], expected: str
    ) -> None:
        error, cause = without_grants.error(resource, arguments)
        assert error == expected
        assert re.search(r"workflow|Workflow", cause)
        assert re.search(r"add <[^>]*>\.\w+ to its may=\[\.\.\.\] at shop\.py:7", cause)

    @pytest.mark.parametrize(
        "key", ["sealed/orders/year=2026/month=02/day=20/x.parquet", "raw/returns/year=2026/month=02/day=20/x.json",
                "raw/orders", "queries/x.json", "raw/orders/../../hot.sqlite", "../hot.sqlite", "raw/../hot.sqlite"]
    )  # fmt: skip
    def test_keys_stay_within_the_granted_tables(self, services: Services, key: str) -> None:
        assert services.error("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": key})[0] == "S3.S3Exception"

    def test_a_prefix_is_of_one_table(self, services: Services) -> None:
        for prefix in ("", "raw/", "raw/ord"):
            assert (
                services.error("aws-sdk:s3:listObjectsV2", {"Bucket": "lake", "Prefix": prefix})[0] == "S3.S3Exception"
            )

    def test_a_query_sees_the_granted_tables_only(self, services: Services) -> None:
        error, cause = services.error("athena:startQueryExecution.sync", {"QueryString": "SELECT * FROM returns"})
        assert error == "States.TaskFailed"
        assert json.loads(cause)["Status"]["State"] == "FAILED"

    def test_a_query_only_reads(self, services: Services) -> None:
        error, cause = services.error("athena:startQueryExecution.sync", {"QueryString": "DROP TABLE orders"})
        assert error == "States.TaskFailed"
        assert "only reads" in json.loads(cause)["Status"]["StateChangeReason"]


class TestAnswers:
    def test_an_optimised_integration_tells_how_the_answer_came(self, services: Services) -> None:
        reply = services.reply("dynamodb:putItem", {"TableName": "latest", "Item": {"id": {"S": "a"}}})
        answer = json.loads(reply.output or b"")
        assert answer.keys() == {"SdkHttpMetadata", "SdkResponseMetadata"}
        assert answer["SdkHttpMetadata"]["HttpStatusCode"] == 200
        request_id = answer["SdkResponseMetadata"]["RequestId"]
        assert answer["SdkHttpMetadata"]["HttpHeaders"]["x-amzn-RequestId"] == request_id
        assert answer["SdkHttpMetadata"]["AllHttpHeaders"]["x-amzn-RequestId"] == [request_id]

    def test_an_sdk_integration_answers_as_the_service(self, services: Services) -> None:
        reply = services.reply("aws-sdk:dynamodb:putItem", {"TableName": "latest", "Item": {"id": {"S": "a"}}})
        assert json.loads(reply.output or b"") == {}

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({}, "The field 'Key' is required but was missing"),
            (A | {"tableName": "latest"}, "The field 'tableName' is not supported by Step Functions"),
            (A | {"TableName": 7}, "The value for the field 'TableName' must be a STRING"),
            (A | {"Key": {"id": {"S": 7}}}, "The value for the field 'S' must be a STRING"),
            (A | {"Key": {"id": {"X": "7"}}}, "The field 'X' is not supported by Step Functions"),
            (A | {"Key": {"id": "7"}}, "The value for the field 'id' must be an OBJECT"),
            ([], "The parameters must be an OBJECT"),
        ],
    )
    def test_what_is_no_request(self, services: Services, arguments: Any, problem: str) -> None:
        error, cause = services.error("dynamodb:getItem", arguments)
        assert error == "States.Runtime"
        assert "could not be used to start the Task: [" in cause
        assert problem in cause
