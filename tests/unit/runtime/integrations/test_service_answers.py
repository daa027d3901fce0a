"""What each service answers, and how it refuses.

Shapes and error codes: the API reference of each service. Prefixes and suffixes of errors:
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html and connect-ddb.html.
"""

import hashlib
import json
import re
import threading
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.runtime.integrations.conftest import Services

from penstock.runtime.machine.home import Home

KEY = "raw/orders/year=2026/month=02/day=20/first.json"
PUT = {"Bucket": "lake", "Key": KEY, "Body": {"id": 1, "name": "pen", "price": 1.5}, "IfNoneMatch": "*"}
EVENT = {"EventBusName": "happenings", "Source": "shop.orders", "DetailType": "Placed", "Detail": {"id": 7}}
A = {"TableName": "latest", "Key": {"id": {"S": "a"}}}

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


class TestDynamoDb:
    def test_what_update_returns(self, services: Services) -> None:
        item = {"id": {"S": "a"}, "n": {"N": "1"}, "other": {"S": "x"}}
        services.call("dynamodb:putItem", {"TableName": "latest", "Item": item})
        change = A | {"UpdateExpression": "SET n = n + :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
        expected = {
            "NONE": {}, "ALL_OLD": item | {"n": {"N": "1"}}, "UPDATED_OLD": {"n": {"N": "2"}},
            "ALL_NEW": item | {"n": {"N": "4"}}, "UPDATED_NEW": {"n": {"N": "5"}},
        }  # fmt: skip
        for number, (asked, attributes) in enumerate(expected.items()):
            if number == 1:
                services.call("dynamodb:putItem", {"TableName": "latest", "Item": item})
            found = services.call("dynamodb:updateItem", change | {"ReturnValues": asked})
            assert found.get("Attributes", {}) == attributes, asked

    def test_an_update_makes_the_item(self, services: Services) -> None:
        services.call("dynamodb:updateItem", A)
        assert services.call("dynamodb:getItem", A) == {"Item": {"id": {"S": "a"}}}

    def test_bytes_are_base64(self, services: Services) -> None:
        item = {"id": {"S": "a"}, "data": {"B": "AAEC/w=="}, "some": {"BS": ["/w==", "AA=="]}}
        services.call("dynamodb:putItem", {"TableName": "latest", "Item": item})
        found = services.call("dynamodb:getItem", A)["Item"]
        assert found["data"] == item["data"]
        assert sorted(found["some"]["BS"]) == ["/w==", "AA=="]

    def test_a_table_with_two_keys(self, services: Services) -> None:
        item = {"page": {"S": "/"}, "day": {"S": "2026-02-20"}, "n": {"N": "3"}}
        services.call("dynamodb:putItem", {"TableName": "visits", "Item": item})
        key = {name: item[name] for name in ("page", "day")}
        assert services.call("dynamodb:deleteItem", {"TableName": "visits", "Key": key, "ReturnValues": "ALL_OLD"}) == {
            "Attributes": item
        }
        assert services.call("dynamodb:getItem", {"TableName": "visits", "Key": key}) == {}

    @pytest.mark.parametrize(
        ("action", "more", "reason"),
        [
            ("getItem", {"Key": {"id": {"N": "1"}}}, "The provided key element does not match the schema"),
            ("getItem", {"Key": {"id": {"S": "a"}, "x": {"S": "b"}}}, "does not match the schema"),
            ("getItem", {"Key": {"id": {"S": ""}}}, "key 'id' has 0 bytes"),
            ("updateItem", {"UpdateExpression": "SET id = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}},
             "Cannot update attribute id. This attribute is part of the key"),
            ("updateItem", {"Expected": {}}, "legacy parameters"),
            ("deleteItem", {"ReturnValues": "ALL_NEW"}, "Return values set to invalid value"),
            ("deleteItem", {"ReturnValues": "SOME"}, "Member must satisfy enum value set"),
        ],
    )  # fmt: skip
    def test_what_dynamodb_refuses(self, services: Services, action: str, more: dict[str, Any], reason: str) -> None:
        error, cause = services.error(f"dynamodb:{action}", A | more)
        # ValidationException is one of the errors common to all actions, which no API defines as its own.
        assert error == "DynamoDB.AmazonDynamoDBException"
        assert reason in cause
        assert "Error Code: ValidationException" in cause

    def test_no_write_is_lost_between_two(self, services: Services, home: Home) -> None:
        change = A | {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}

        def count(name: str) -> None:
            for number in range(20):
                services.call("dynamodb:updateItem", change, token=f"{name}/{number}")

        threads = [threading.Thread(target=count, args=(name,)) for name in ("one", "two", "three")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert services.call("dynamodb:getItem", A)["Item"]["n"] == {"N": "60"}

    def test_indexes_and_queries_see_what_a_workflow_wrote(self, services: Services, home: Home) -> None:
        services.call("dynamodb:putItem", {"TableName": "latest", "Item": {"id": {"S": "a"}, "n": {"N": "1.50"}}})
        table = services.definition.hot_tables["latest"]
        assert home.hot.query(table, partition="a").items == [{"id": "a", "n": Decimal("1.5")}]


class TestObjects:
    def test_an_object_is_written_once(self, services: Services, home: Home) -> None:
        body = b'{"id":1,"name":"pen","price":1.5}'
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        assert services.call("aws-sdk:s3:putObject", PUT) == {"ETag": f'"{etag}"'}
        assert home.objects.get(KEY) == body
        # The same again is this request, made again; anything else is another object.
        assert services.call("aws-sdk:s3:putObject", PUT) == {"ETag": f'"{etag}"'}
        error, cause = services.error("aws-sdk:s3:putObject", PUT | {"Body": {"id": 2}})
        assert error == "S3.S3Exception"
        assert "Status Code: 412" in cause
        assert home.objects.get(KEY) == body

    def test_text_is_json_too(self, services: Services, home: Home) -> None:
        services.call("aws-sdk:s3:putObject", PUT | {"Body": "line"})
        assert home.objects.get(KEY) == b'"line"'

    def test_what_is_read(self, services: Services, home: Home) -> None:
        home.objects.put(KEY, '{"name":"é"}'.encode())
        found = services.call("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": KEY})
        assert found["Body"] == '{"name":"é"}'
        assert found["ContentLength"] == 13
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["LastModified"])

    def test_what_is_not_there(self, services: Services) -> None:
        assert services.error("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": KEY})[0] == "S3.NoSuchKeyException"
        other = {"Bucket": "other", "Key": KEY}
        assert services.error("aws-sdk:s3:getObject", other)[0] == "S3.NoSuchBucketException"

    def test_what_no_state_can_hold(self, services: Services, home: Home) -> None:
        home.objects.put(KEY, b"x" * 262_145)
        error, _ = services.error("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": KEY})
        assert error == "States.DataLimitExceeded"

    @pytest.mark.parametrize("key", ["raw/orders/first.json", "raw/orders/year=2026/month=02/day=20/hour=07/x.json"])
    def test_no_object_where_no_query_finds_it(self, services: Services, key: str) -> None:
        error, cause = services.error("aws-sdk:s3:putObject", PUT | {"Key": key})
        assert error == "S3.S3Exception"
        assert "key" in cause

    def test_what_a_machine_cannot_keep_is_refused(self, services: Services) -> None:
        error, cause = services.error("aws-sdk:s3:putObject", PUT | {"Tagging": "a=b"})
        assert error == "S3.S3Exception"
        assert "not implemented: Tagging" in cause

    def test_a_list_goes_page_by_page(self, services: Services, home: Home) -> None:
        keys = [f"raw/orders/year=2026/month=02/day=2{day}/{name}.json" for day in range(3) for name in "ab"]
        for key in keys:
            home.objects.put(key, b"{}")
        ask = {"Bucket": "lake", "Prefix": "raw/orders/", "MaxKeys": 4}
        first = services.call("aws-sdk:s3:listObjectsV2", ask)
        assert (first["KeyCount"], first["IsTruncated"]) == (4, True)
        rest = services.call("aws-sdk:s3:listObjectsV2", ask | {"ContinuationToken": first["NextContinuationToken"]})
        assert [one["Key"] for one in (*first["Contents"], *rest["Contents"])] == keys
        assert rest["IsTruncated"] is False
        folders = services.call(
            "aws-sdk:s3:listObjectsV2", {"Bucket": "lake", "Prefix": "raw/orders/year=2026/month=02/", "Delimiter": "/"}
        )
        assert [one["Prefix"][-7:] for one in folders["CommonPrefixes"]] == ["day=20/", "day=21/", "day=22/"]
        asked = {"Bucket": "lake", "Prefix": "raw/orders/year=2026/month=02/", "Delimiter": "/", "MaxKeys": 1}
        found = []
        while True:
            page = services.call("aws-sdk:s3:listObjectsV2", asked)
            found += [one["Prefix"][-7:] for one in page["CommonPrefixes"]]
            if not page["IsTruncated"]:
                break
            asked["ContinuationToken"] = page["NextContinuationToken"]
        assert found == ["day=20/", "day=21/", "day=22/"]
        nothing = services.call("aws-sdk:s3:listObjectsV2", ask | {"MaxKeys": 0})
        assert (nothing["KeyCount"], nothing["IsTruncated"]) == (0, False)


class TestMessages:
    def test_a_message_to_a_topic(self, services: Services, home: Home) -> None:
        asked = {"TopicArn": "alerts", "Message": {"order": 7}, "Subject": "An order"}
        answered = services.call("sns:publish", asked, token="run/once")
        services.call("sns:publish", asked, token="run/once")
        (row,) = home.outbox.rows()
        assert answered == {"MessageId": row.message.id}
        assert (row.message.subject, row.message.body) == ("An order", '{"order":7}')
        assert row.message.data == {"order": 7}

    def test_a_message_for_each_protocol(self, services: Services, home: Home) -> None:
        text = json.dumps({"default": "plain", "email": "long"})
        services.call("sns:publish", {"TopicArn": "alerts", "Message": text, "MessageStructure": "json"})
        assert home.outbox.rows()[0].message.body == "plain"

    @pytest.mark.parametrize(
        "wrong",
        [{"Message": ""}, {"Subject": ""}, {"Subject": "two\nlines"}, {"Subject": "é"}, {"Subject": "x" * 101},
         {"Message": "x" * 262_145}, {"MessageStructure": "json"}, {"MessageStructure": "xml"}],
    )  # fmt: skip
    def test_what_sns_refuses(self, services: Services, wrong: dict[str, Any]) -> None:
        asked = {"TopicArn": "alerts", "Message": "hi"} | wrong
        assert services.error("sns:publish", asked)[0] == "SNS.InvalidParameterException"

    def test_a_message_to_a_queue(self, services: Services, home: Home) -> None:
        attributes = {"kind": {"DataType": "String", "StringValue": "new"}}
        asked = {"QueueUrl": "jobs", "MessageBody": {"order": 7}, "MessageAttributes": attributes}
        answered = services.call("sqs:sendMessage", asked, token="run/once")
        assert services.call("sqs:sendMessage", asked, token="run/once") == answered
        (received,) = home.queues.receive(services.definition.queues["jobs"])
        assert received.body == '{"order":7}'
        assert received.attributes["kind"] == "new"
        assert answered["MessageId"] == received.id
        assert answered["MD5OfMessageBody"] == hashlib.md5(b'{"order":7}', usedforsecurity=False).hexdigest()

    def test_what_sqs_refuses(self, services: Services) -> None:
        asked = {"QueueUrl": "jobs", "MessageBody": "hi"}
        wrong: dict[str, dict[str, Any]] = {
            "SQS.InvalidMessageContentsException": {"MessageBody": "\x00"},
            "SQS.AmazonSQSException": {"DelaySeconds": 901},
        }
        for expected, more in wrong.items():
            assert services.error("sqs:sendMessage", asked | more)[0] == expected
        assert services.error("sqs:sendMessage", asked | {"MessageGroupId": "g"})[0] == "SQS.AmazonSQSException"

    def test_an_event_for_a_bus(self, services: Services, home: Home) -> None:
        answered = services.call("events:putEvents", {"Entries": [EVENT]}, token="run/once")
        services.call("events:putEvents", {"Entries": [EVENT]}, token="run/once")
        (event,) = home.events.due(["happenings"], 10)
        assert answered == {"Entries": [{"EventId": event.id}], "FailedEntryCount": 0}
        assert json.loads(event.detail) == {"id": 7}
        # The guide: the ARNs of the execution and of the state machine are appended.
        assert [arn.split(":")[5] for arn in event.resources] == ["execution", "stateMachine"]

    def test_an_entry_that_fails(self, services: Services, home: Home) -> None:
        entries = {"Entries": [EVENT, EVENT | {"Detail": "no JSON"}, {"EventBusName": "happenings"}]}
        error, cause = services.error("events:putEvents", entries)
        assert error == "EventBridge.FailedEntry"
        assert json.loads(cause)["FailedEntryCount"] == 2
        sdk = services.call("aws-sdk:eventbridge:putEvents", entries)
        assert [entry.get("ErrorCode") for entry in sdk["Entries"]] == [None, "MalformedDetail", "InvalidArgument"]
        # The good entry was taken each time.
        assert len(home.events.due(["happenings"], 10)) == 2


class TestQueries:
    def test_a_query_and_its_rows(self, services: Services) -> None:
        services.call("aws-sdk:s3:putObject", PUT)
        sql = "SELECT id, name, price, price > 1 AS dear, NULL AS nothing FROM orders ORDER BY id"
        done = services.call("athena:startQueryExecution.sync", {"QueryString": sql})["QueryExecution"]
        assert done["Status"]["State"] == "SUCCEEDED"
        asked = {"QueryExecutionId": done["QueryExecutionId"]}
        found = services.call("athena:getQueryResults", asked)
        types = [column["Type"] for column in found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
        assert types[:4] == ["bigint", "varchar", "double", "boolean"]
        texts = [[datum.get("VarCharValue") for datum in row["Data"]] for row in found["ResultSet"]["Rows"]]
        assert texts == [["id", "name", "price", "dear", "nothing"], ["1", "pen", "1.5", "true", None]]
        one = services.call("athena:getQueryResults", asked | {"MaxResults": 1})
        rest = services.call("athena:getQueryResults", asked | {"NextToken": one["NextToken"]})
        assert len(one["ResultSet"]["Rows"]) == len(rest["ResultSet"]["Rows"]) == 1
        assert services.call("athena:getQueryExecution", asked)["QueryExecution"]["Query"] == sql
        assert services.call("athena:stopQueryExecution", asked) == {}

    def test_a_query_is_not_run_again(self, services: Services) -> None:
        ask = {"QueryString": "SELECT count(*) AS n FROM orders"}
        first = services.call("athena:startQueryExecution", ask, token="run/once")
        services.call("aws-sdk:s3:putObject", PUT)
        assert services.call("athena:startQueryExecution", ask, token="run/once") == first
        rows = services.call("athena:getQueryResults", first)["ResultSet"]["Rows"]
        assert rows[1] == {"Data": [{"VarCharValue": "0"}]}

    def test_a_query_that_failed(self, services: Services) -> None:
        started = services.call("athena:startQueryExecution", {"QueryString": "SELECT nope FROM orders"})
        found = services.call("athena:getQueryExecution", started)["QueryExecution"]
        assert found["Status"]["State"] == "FAILED"
        assert "nope" in found["Status"]["StateChangeReason"]
        error, cause = services.error("athena:getQueryResults", started)
        assert error == "Athena.InvalidRequestException"
        assert "Query did not finish successfully" in cause

    def test_an_unknown_query(self, services: Services) -> None:
        error, _ = services.error("athena:getQueryResults", {"QueryExecutionId": "../hot"})
        assert error == "Athena.InvalidRequestException"


class TestJobs:
    def test_a_job_is_a_task(self, services: Services, home: Home) -> None:
        asked = {"JobName": "load", "Arguments": {"--id": "7", "--name": "pen"}}
        done = services.call("glue:startJobRun.sync", asked)
        assert (done["JobName"], done["JobRunState"]) == ("load", "SUCCEEDED")
        (written,) = home.objects.list("raw/orders/")
        assert json.loads(home.objects.get(written.key)) == {"id": 7, "name": "pen"}

    def test_the_name_is_put_into_the_response(self, services: Services) -> None:
        answered = services.call("glue:startJobRun", {"JobName": "load"})
        assert answered == {"JobName": "load", "JobRunId": answered["JobRunId"]}
        assert services.call("aws-sdk:glue:startJobRun", {"JobName": "load"}).keys() == {"JobRunId"}

    def test_a_job_that_fails(self, services: Services) -> None:
        failing = {"JobName": "load", "Arguments": {"--fail": "yes"}}
        error, cause = services.error("glue:startJobRun.sync", failing)
        assert error == "States.TaskFailed"
        assert json.loads(cause)["JobRunState"] == "FAILED"
        assert json.loads(cause)["ErrorMessage"] == "ValueError: no such file"
        # Whoever does not wait is not told.
        assert "JobRunId" in services.call("glue:startJobRun", failing)

    def test_a_job_that_is_not_there(self, services: Services) -> None:
        assert services.error("glue:startJobRun.sync", {"JobName": "nope"})[0] == "Glue.EntityNotFoundException"


class TestRepeats:
    def test_an_update_is_done_once(self, services: Services) -> None:
        change = A | {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
                      "ReturnValues": "ALL_NEW"}  # fmt: skip
        first = services.call("dynamodb:updateItem", change, token="run/once")
        assert services.call("dynamodb:updateItem", change, token="run/once") == first
        assert services.call("dynamodb:getItem", A)["Item"]["n"] == {"N": "1"}

    def test_a_conditional_put_that_succeeded_succeeds_again(self, services: Services) -> None:
        put = {"TableName": "latest", "Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(id)"}
        assert services.call("dynamodb:putItem", put, token="run/once") == {}
        assert services.call("dynamodb:putItem", put, token="run/once") == {}
        assert services.error("dynamodb:putItem", put)[0] == "DynamoDB.ConditionalCheckFailedException"

    def test_a_put_that_failed_is_tried_again(self, services: Services) -> None:
        put = {"TableName": "latest", "Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_exists(id)"}
        assert services.reply("dynamodb:putItem", put, token="run/once").error is not None
        services.call("dynamodb:updateItem", A)
        assert services.call("dynamodb:putItem", put, token="run/once") == {}
