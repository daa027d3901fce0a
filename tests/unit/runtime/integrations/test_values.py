"""Values on their way: DynamoDB's typed JSON, Athena's texts, times, the requests' errors."""

import contextlib
import datetime
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.runtime.integrations.conftest import Services

from penstock.errors import ValidationError
from penstock.model.integrations import ServiceCall
from penstock.runtime.integrations.answers import athena_type, text
from penstock.runtime.integrations.moments import moment
from penstock.runtime.integrations.typed_values import json_value, tagged

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html and Constraints.html
NUMBERS = [("1.50", "1.5"), ("-0", "0"), ("007", "7"), ("1e2", "100"), ("1E-130", "1E-130"), (".5", "0.5"),
           ("9" * 38, "9" * 38)]  # fmt: skip
REFUSED: list[tuple[Any, str]] = [
    ({"N": "abc"}, "The parameter cannot be converted to a numeric value: abc"),
    ({"N": ""}, "cannot be converted to a numeric value"),
    ({"N": " 1"}, "cannot be converted to a numeric value"),
    ({"N": "NaN"}, "cannot be converted to a numeric value"),
    ({"N": "1_000"}, "cannot be converted to a numeric value"),
    ({"N": "1E126"}, "Number overflow"),
    ({"N": "1E-131"}, "Number underflow"),
    ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
    ({"NULL": False}, "Null attribute value types must have the value of true"),
    ({"SS": []}, "An string set  may not be empty"),
    ({"SS": ["a", "a"]}, "Input collection [a, a] contains duplicates."),
    ({"NS": ["1", "1.0"]}, "Input collection [1, 1.0] contains duplicates."),
    ({}, "Supplied AttributeValue is empty"),
    ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set"),
]


@pytest.mark.parametrize(("given", "stored"), NUMBERS)
def test_a_number_has_one_form(given: str, stored: str) -> None:
    assert tagged({"N": given}, "x") == {"N": stored}


@pytest.mark.parametrize(("value", "reason"), REFUSED, ids=[json.dumps(value)[:30] for value, _ in REFUSED])
def test_what_dynamodb_refuses(value: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        tagged(value, "x")
    assert reason in caught.value.message
    assert "unusable" not in caught.value.data


@pytest.mark.parametrize("value", [{"N": 1}, {"S": None}, {"L": {}}, {"M": []}, {"BOOL": "true"}, {"SS": [1]}, "a", 1,
                                   None, {"B": "not base64!"}, {"X": "a"}])  # fmt: skip
def test_what_is_no_value_at_all(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        tagged(value, "x")
    assert caught.value.data["unusable"]


def test_how_deep_a_value_may_be() -> None:
    deep: dict[str, Any] = {"S": "x"}
    for _ in range(31):
        deep = {"L": [deep]}
    assert json_value(tagged(deep, "x")) == deep
    with pytest.raises(ValidationError, match="Nesting Levels have exceeded supported limits"):
        tagged({"L": [deep]}, "x")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
SAMPLES = [{"NULL": True}, {"B": "AAEC"}, {"SS": ["a", "b"]}, {"NS": ["1", "2"]}, {"BS": ["AA==", "AQ=="]}]
VALUES = st.recursive(
    TEXT.map(lambda one: {"S": one})
    | st.integers(-(10**37), 10**37).map(lambda one: {"N": str(one)})
    | st.booleans().map(lambda one: {"BOOL": one})
    | st.sampled_from(
        [{"NULL": True}, {"B": "AAEC"}, {"SS": ["a", "b"]}, {"NS": ["1", "2"]}, {"BS": ["AA==", "AQ=="]}]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda one: {"L": one})
        | st.dictionaries(TEXT, inner, max_size=3).map(lambda one: {"M": one})
    ),
    max_leaves=10,
)


@given(VALUES)
@settings(max_examples=50, deadline=None)
def test_what_goes_in_comes_out(value: Any) -> None:
    assert json_value(tagged(value, "x")) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("SNBLM") | st.just("SS"), inner),
    max_leaves=8,
)


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_no_json_raises_anything_else(value: Any) -> None:
    with contextlib.suppress(ValidationError):
        tagged(value, "x")


# https://docs.aws.amazon.com/athena/latest/ug/data-types.html; doubles as Java's Double.toString writes them.
TEXTS = [
    (None, None), (True, "true"), (7, "7"), (1.5, "1.5"), (100.0, "100.0"), (0.001, "0.001"), (1e-4, "1.0E-4"),
    (1e7, "1.0E7"), (12345678.9, "1.23456789E7"), (-2.5e-10, "-2.5E-10"), (0.0, "0.0"), (float("nan"), "NaN"),
    (float("-inf"), "-Infinity"), (Decimal("1.50"), "1.50"), ("text", "text"),
    (datetime.date(2026, 2, 20), "2026-02-20"),
    (datetime.datetime(2026, 2, 20, 7, 57, 0, 250_000), "2026-02-20 07:57:00.250"),  # noqa: DTZ001
    (datetime.datetime(2026, 2, 20, 7, 57, tzinfo=datetime.UTC), "2026-02-20 07:57:00.000 UTC"),
    ([1, None, "a b"], "[1, null, a b]"), ({"a": 1, "b": [True]}, "{a=1, b=[true]}"), (b"\x01\xff", "01 ff"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), TEXTS, ids=[str(value) for value, _ in TEXTS])
def test_a_value_as_athena_writes_it(value: Any, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("BIGINT", "bigint"), ("VARCHAR", "varchar"), ("DECIMAL(38,9)", "decimal"), ("BIGINT[]", "array"),
     ("MAP(VARCHAR, DOUBLE)", "map"), ("STRUCT(a BIGINT)", "row"), ("STRUCT(a BIGINT)[]", "array"),
     ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"), ("SOMETHING", "varchar")],
)  # fmt: skip
def test_a_type_as_athena_names_it(name: str, expected: str) -> None:
    assert athena_type(name) == expected


def test_times() -> None:
    optimised, sdk = ServiceCall("glue", "startJobRun"), ServiceCall("glue", "startJobRun", "", True)
    assert moment(optimised, 1_771_574_220.25) == 1_771_574_220_250
    assert moment(sdk, 1_771_574_220.25) == "2026-02-20T07:57:00.250Z"
    assert moment(sdk, 1_771_574_220.0) == "2026-02-20T07:57:00Z"


A = {"TableName": "latest", "Key": {"id": {"S": "a"}}}
EVENT = {"EventBusName": "happenings", "Source": "shop.orders", "DetailType": "Placed", "Detail": {"id": 7}}
REQUESTS: dict[str, dict[str, Any]] = {
    "dynamodb:getItem": {**A, "ProjectionExpression": "id", "ExpressionAttributeNames": {"#a": "a"}},
    "dynamodb:putItem": {"TableName": "latest", "Item": {"id": {"S": "a"}}, "ConditionExpression": "id = :a",
                         "ExpressionAttributeValues": {":a": {"S": "a"}}, "ReturnValues": "NONE"},
    "dynamodb:updateItem": {**A, "UpdateExpression": "SET n = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}},
    "dynamodb:deleteItem": {**A, "ReturnValues": "ALL_OLD"},
    "aws-sdk:s3:getObject": {"Bucket": "lake", "Key": "raw/orders/year=2026/month=02/day=20/x.json"},
    "aws-sdk:s3:putObject": {"Bucket": "lake", "Key": "raw/orders/year=2026/month=02/day=20/x.json", "Body": {},
                             "IfNoneMatch": "*"},
    "aws-sdk:s3:listObjectsV2": {"Bucket": "lake", "Prefix": "raw/orders/", "MaxKeys": 1, "Delimiter": "/",
                                 "ContinuationToken": "", "StartAfter": ""},
    "sns:publish": {"TopicArn": "alerts", "Message": "hi", "Subject": "s", "MessageAttributes": {},
                    "MessageStructure": "json"},
    "sqs:sendMessage": {"QueueUrl": "jobs", "MessageBody": "hi", "DelaySeconds": 1,
                        "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}}},
    "events:putEvents": {"Entries": [EVENT]},
    "athena:startQueryExecution": {"QueryString": "", "ClientRequestToken": "", "WorkGroup": ""},
    "athena:getQueryResults": {"QueryExecutionId": "x", "MaxResults": 1, "NextToken": ""},
    "athena:getQueryExecution": {"QueryExecutionId": "x"},
    "glue:startJobRun.sync": {"JobName": "load", "Arguments": {}, "Timeout": 1},
}  # fmt: skip


@pytest.mark.parametrize("resource", REQUESTS)
def test_no_arguments_make_a_service_fail_in_a_way_of_its_own(services: Services, resource: str) -> None:
    good = REQUESTS[resource]
    wrong = st.dictionaries(st.sampled_from(sorted(good)), JSON | st.sampled_from(["", "\x00", "x" * 2000]), min_size=1)

    @given(wrong, st.sampled_from(["", *good]))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def ask(changes: dict[str, Any], left_out: str) -> None:
        arguments = {name: value for name, value in (good | changes).items() if name != left_out}
        if isinstance(arguments.get("Entries"), list):
            arguments["Entries"] = [EVENT | changes, *arguments["Entries"]]
        reply = services.reply(resource, arguments)
        if reply.error is not None:
            # An exception of Python's own would have its class's name.
            assert "." in reply.error, (reply.error, reply.cause, arguments)

    ask()
