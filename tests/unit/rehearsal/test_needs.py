"""Which permission a request needs.

Expected values are of https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and of
the like page of each service.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.rehearsal import cbor
from penstock.rehearsal.exchange import Exchange, Place, Signature, signature
from penstock.rehearsal.needs import needs, operation_of

ACCOUNT, REGION = "111122223333", "eu-west-1"


def needed(service: str, exchange: Exchange, region: str = REGION) -> list[tuple[str, str]]:
    return [(one.action, one.resource) for one in needs(exchange, Signature("K", region, service), ACCOUNT)]


def request(method: str, target: str, body: bytes = b"", **headers: str) -> Exchange:
    return Exchange(method=method, target=target, headers=headers, body=body)


def json_request(target: str, document: dict[str, Any], answer: dict[str, Any] | None = None) -> Exchange:
    return Exchange(
        method="POST",
        target="/",
        headers={"x-amz-target": target},
        body=json.dumps(document).encode(),
        answer=json.dumps(answer or {}).encode(),
    )


@pytest.mark.parametrize(
    ("method", "target", "action", "resource"),
    [
        ("GET", "/", "ListAllMyBuckets", "*"),
        ("PUT", "/b", "CreateBucket", "arn:aws:s3:::b"),
        ("DELETE", "/b", "DeleteBucket", "arn:aws:s3:::b"),
        ("HEAD", "/b", "ListBucket", "arn:aws:s3:::b"),
        ("GET", "/b?list-type=2", "ListBucket", "arn:aws:s3:::b"),
        ("GET", "/b/?versions", "ListBucketVersions", "arn:aws:s3:::b"),
        ("GET", "/b?uploads", "ListBucketMultipartUploads", "arn:aws:s3:::b"),
        ("GET", "/b?location", "GetBucketLocation", "arn:aws:s3:::b"),
        ("PUT", "/b?policy", "PutBucketPolicy", "arn:aws:s3:::b"),
        ("DELETE", "/b?policy", "DeleteBucketPolicy", "arn:aws:s3:::b"),
        ("DELETE", "/b?lifecycle", "PutLifecycleConfiguration", "arn:aws:s3:::b"),
        ("GET", "/b?encryption", "GetEncryptionConfiguration", "arn:aws:s3:::b"),
        ("PUT", "/b?notification", "PutBucketNotification", "arn:aws:s3:::b"),
        ("GET", "/b/k?versionId=1", "GetObjectVersion", "arn:aws:s3:::b/k"),
        ("HEAD", "/b/k", "GetObject", "arn:aws:s3:::b/k"),
        ("GET", "/b/k?tagging", "GetObjectTagging", "arn:aws:s3:::b/k"),
        ("GET", "/b/k?versionId=1&tagging", "GetObjectVersionTagging", "arn:aws:s3:::b/k"),
        ("PUT", "/b/k?acl", "PutObjectAcl", "arn:aws:s3:::b/k"),
        ("DELETE", "/b/k?versionId=1", "DeleteObjectVersion", "arn:aws:s3:::b/k"),
        ("POST", "/b/k?uploads", "PutObject", "arn:aws:s3:::b/k"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "PutObject", "arn:aws:s3:::b/k"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload", "arn:aws:s3:::b/k"),
        ("POST", "/b/k?select&select-type=2", "GetObject", "arn:aws:s3:::b/k"),
        ("POST", "/b/k?restore", "RestoreObject", "arn:aws:s3:::b/k"),
        ("GET", "/b/a%20b/%C3%BC%2B", "GetObject", "arn:aws:s3:::b/a b/ü+"),
    ],
)
def test_s3(method: str, target: str, action: str, resource: str) -> None:
    assert needed("s3", request(method, target)) == [(f"s3:{action}", resource)]


def test_s3_knows_the_bucket_in_the_name_of_the_host() -> None:
    exchange = request("GET", "/raw/k", host="my.lake.s3.eu-west-1.amazonaws.com")
    assert needed("s3", exchange) == [("s3:GetObject", "arn:aws:s3:::my.lake/raw/k")]


def test_s3_in_another_partition() -> None:
    assert needed("s3", request("GET", "/b/k"), "cn-north-1") == [("s3:GetObject", "arn:aws-cn:s3:::b/k")]


def test_s3_tags_that_are_put_with_an_object() -> None:
    exchange = request("PUT", "/b/k", **{"x-amz-tagging": "a=b"})
    assert needed("s3", exchange) == [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:PutObjectTagging", "arn:aws:s3:::b/k")]


@pytest.mark.parametrize(
    ("service", "target", "document", "expected"),
    [
        (
            "sqs",
            "AmazonSQS.GetQueueUrl",
            {"QueueName": "q"},
            ("sqs:GetQueueUrl", "arn:aws:sqs:eu-west-1:111122223333:q"),
        ),
        (
            "sqs",
            "AmazonSQS.SendMessage",
            {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/444455556666/q"},
            ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:444455556666:q"),
        ),
        ("sqs", "AmazonSQS.ListQueues", {}, ("sqs:ListQueues", "*")),
        ("states", "AWSStepFunctions.SendTaskSuccess", {"taskToken": "t"}, ("states:SendTaskSuccess", "*")),
        ("states", "AWSStepFunctions.StopExecution", {"executionArn": "arn:e"}, ("states:StopExecution", "arn:e")),
        (
            "events",
            "AWSEvents.PutEvents",
            {"Entries": [{"Source": "s"}]},
            ("events:PutEvents", "arn:aws:events:eu-west-1:111122223333:event-bus/default"),
        ),
        (
            "ssm",
            "AmazonSSM.GetParameter",
            {"Name": "/a/b"},
            ("ssm:GetParameter", "arn:aws:ssm:eu-west-1:111122223333:parameter/a/b"),
        ),
        (
            "athena",
            "AmazonAthena.StartQueryExecution",
            {"QueryString": "select 1"},
            ("athena:StartQueryExecution", "arn:aws:athena:eu-west-1:111122223333:workgroup/primary"),
        ),
        (
            "kms",
            "TrentService.GenerateDataKey",
            {"KeyId": "1234"},
            ("kms:GenerateDataKey", "arn:aws:kms:eu-west-1:111122223333:key/1234"),
        ),
        (
            "logs",
            "Logs_20140328.PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:111122223333:log-group:/g:log-stream:s"),
        ),
        ("dynamodb", "DynamoDB_20120810.ListTables", {}, ("dynamodb:ListTables", "*")),
        ("dynamodb", "DynamoDB_20120810.ExecuteStatement", {"Statement": "s"}, ("dynamodb:ExecuteStatement", "*")),
        ("glue", "AWSGlue.GetTable", {"Name": "t"}, ("glue:GetTable", "*")),
    ],
)  # fmt: skip
def test_json_services(service: str, target: str, document: dict[str, Any], expected: tuple[str, str]) -> None:
    assert needed(service, json_request(target, document)) == [expected]


@pytest.mark.parametrize(
    ("operation", "document", "places"),
    [
        ("GetDatabase", {"Name": "d"}, ["catalog", "database/d"]),
        ("GetTable", {"DatabaseName": "d", "Name": "t"}, ["catalog", "database/d", "table/d/t"]),
        ("GetPartitions", {"DatabaseName": "d", "TableName": "t"}, ["catalog", "database/d", "table/d/t"]),
        ("GetTables", {"DatabaseName": "d"}, ["catalog", "database/d"]),
    ],
)
def test_glue_asks_for_what_is_named_and_for_all_that_it_is_part_of(
    operation: str, document: dict[str, Any], places: list[str]
) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html"""
    here = "arn:aws:glue:eu-west-1:111122223333"
    expected = [(f"glue:{operation}", f"{here}:{place}") for place in places]
    assert needed("glue", json_request(f"AWSGlue.{operation}", document)) == expected


def test_a_catalog_is_asked_for_by_its_name() -> None:
    exchange = json_request("AmazonAthena.GetDataCatalog", {"Name": "AwsDataCatalog"})
    place = "arn:aws:athena:eu-west-1:111122223333:datacatalog/AwsDataCatalog"
    assert needed("athena", exchange) == [("athena:GetDataCatalog", place)]


def test_a_secret_by_its_name_without_an_answer() -> None:
    exchange = json_request("secretsmanager.GetSecretValue", {"SecretId": "mail"})
    assert needed("secretsmanager", exchange) == [
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:mail"),
    ]


def test_the_answer_knows_the_key_behind_an_alias() -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/1234"
    exchange = json_request("TrentService.Encrypt", {"KeyId": "alias/a"}, {"KeyId": key})
    assert needed("kms", exchange) == [("kms:Encrypt", key)]


def test_the_query_protocol() -> None:
    body = b"Action=PublishBatch&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3At"
    assert needed("sns", request("POST", "/", body)) == [("sns:Publish", "arn:aws:sns:eu-west-1:1:t")]


def test_an_older_queue_protocol() -> None:
    exchange = request("POST", "/111122223333/q", b"Action=DeleteMessage&ReceiptHandle=r")
    assert needed("sqs", exchange) == [("sqs:DeleteMessage", "arn:aws:sqs:eu-west-1:111122223333:q")]


@pytest.mark.parametrize(
    ("exchange", "operation"),
    [
        (request("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData"), "PutMetricData"),
        (request("POST", "/TraceSegments"), "PutTraceSegments"),
        (request("GET", "/schedules/x"), "GET /schedules/x"),
    ],
)
def test_operations(exchange: Exchange, operation: str) -> None:
    assert operation_of(exchange) == operation


def test_functions_by_what_is_asked() -> None:
    assert needed("lambda", request("GET", "/2015-03-31/functions/f")) == [
        ("lambda:GetFunction", "arn:aws:lambda:eu-west-1:111122223333:function:f")
    ]
    assert needed("lambda", request("GET", "/2015-03-31/event-source-mappings/")) == [
        ("lambda:GET /2015-03-31/event-source-mappings/", "*")
    ]


def test_nobody_signed() -> None:
    assert signature(request("GET", "/")) is None
    assert signature(request("GET", "/", authorization="Bearer x")) is None


def test_partitions() -> None:
    assert Place("us-gov-west-1", "1").arn("sqs", "q") == "arn:aws-us-gov:sqs:us-gov-west-1:1:q"


class TestCbor:
    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("00", 0),
            ("1864", 100),
            ("1b000000e8d4a51000", 1_000_000_000_000),
            ("3863", -100),
            ("f93c00", 1.0),
            ("fb3ff199999999999a", 1.1),
            ("f4", False),
            ("f6", None),
            ("c11a514b67b0", 1_363_896_240),
            ("4401020304", b"\x01\x02\x03\x04"),
            ("62c3bc", "ü"),
            ("8301820203820405", [1, [2, 3], [4, 5]]),
            ("a26161016162820203", {"a": 1, "b": [2, 3]}),
            ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
            ("7f657374726561646d696e67ff", "streaming"),
            ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
            ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
        ],
    )
    def test_examples(self, written: str, value: object) -> None:
        """https://www.rfc-editor.org/rfc/rfc8949.html#appendix-A"""
        assert cbor.read(bytes.fromhex(written)) == value

    @pytest.mark.parametrize(
        "written", ["", "62c3", "61c3", "ff", "1c", "9f01", "bf6161ff", "81" * 5_000, "5b7fffffffffffffff"]
    )
    def test_what_is_none(self, written: str) -> None:
        assert cbor.read(bytes.fromhex(written)) is None
