"""What DynamoDB and S3 answer to a workflow, and how they refuse.

Shapes and error codes: the API reference of the service.
"""

import hashlib
import re
import threading
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.runtime.integrations.conftest import KEY, PUT, A, Services

from penstock.runtime.machine.home import Home


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
