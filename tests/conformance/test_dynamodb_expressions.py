"""The same requests to DynamoDB here and in moto: what becomes of the item, what comes back, and what is refused.

Where the two differ, ``DIFFERENCES`` says who is right, by AWS's documentation.
"""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.runtime.integrations.conftest import Services, everything

from penstock.runtime.machine.home import Home

KEY = {"id": {"S": "a"}}
ITEM = KEY | {
    "n": {"N": "5"}, "label": {"S": "Hello"}, "flag": {"BOOL": True}, "gone": {"NULL": True},
    "crew": {"SS": ["ann", "bob"]}, "sizes": {"NS": ["1", "2"]},
    "steps": {"L": [{"S": "one"}, {"S": "two"}, {"N": "3"}]},
    "deep": {"M": {"inner": {"M": {"x": {"N": "1"}}}, "parts": {"L": [{"S": "p"}]}}},
}  # fmt: skip
VALUES = {
    ":one": {"N": "1"}, ":two": {"N": "2"}, ":five": {"N": "5.00"}, ":hello": {"S": "Hello"}, ":he": {"S": "He"},
    ":ann": {"SS": ["ann"]}, ":both": {"SS": ["ann", "bob"]}, ":cat": {"SS": ["cat"]}, ":list": {"L": [{"S": "z"}]},
    ":true": {"BOOL": True}, ":bob": {"S": "bob"}, ":s": {"S": "S"}, ":sizes": {"NS": ["2", "3"]}, ":map": {"M": {}},
    ":wide": {"N": "0.12345678901234567890123456789012345678"},
}  # fmt: skip
NAMES = {"#n": "n", "#s": "status", "#i": "inner"}

UPDATES = [
    "SET n = :two", "SET n = n + :one", "SET n = n - :two", "SET n = :one + :two", "SET fresh = n",
    "SET fresh = if_not_exists(fresh, :one)", "SET n = if_not_exists(n, :one)", "SET #s = :hello",
    "SET steps = list_append(steps, :list)", "SET steps = list_append(:list, steps)", "SET steps[1] = :hello",
    "SET steps[9] = :hello", "SET deep.#i.x = :two", "SET deep.fresh = :two", "SET deep.parts[0] = :hello",
    "SET deep.parts[4] = :hello, deep.parts[7] = :one",
    "SET label = n, n = :two", "SET n = :wide + :one",
    "REMOVE label", "REMOVE steps[0]", "REMOVE steps[0], steps[2]", "REMOVE deep.#i", "REMOVE absent",
    "REMOVE steps[9]",
    "ADD n :one", "ADD fresh :one", "ADD crew :cat", "ADD crew :both", "ADD fresh :cat", "ADD sizes :sizes",
    "DELETE crew :ann", "DELETE crew :both", "DELETE crew :cat", "DELETE fresh :cat",
    "SET n = :one REMOVE label ADD fresh :one DELETE crew :ann", "set n = :one remove label",
    # Refused:
    "SET n = absent + :one", "SET n = label + :one", "SET label = list_append(n, :list)", "SET absent.x = :one",
    "SET label.x = :one", "SET label[0] = :one", "ADD label :one", "ADD n :hello", "DELETE n :one", "DELETE sizes :ann",
    "SET id = :hello", "SET n = :one, n = :two", "SET deep = :map, deep.#i = :one", "SET status = :one", "SET n",
    "SET n = :none", "SET #none = :one", "SET n = :one SET label = :hello", "nonsense", "", "REMOVE absent.x",
]  # fmt: skip
CONDITIONS = [
    "n = :five", "n <> :five", "n < :five", "n <= :five", "n > :one", "n >= :five", "n = :hello", "label = :hello",
    "absent = :one", "absent <> :one", "absent < :one", "NOT absent < :one", "n BETWEEN :one AND :five",
    "n BETWEEN :one AND :two", "n IN (:one, :five)", "n IN (:one, :two)", "attribute_exists(n)",
    "attribute_exists(absent)", "attribute_not_exists(absent)", "attribute_not_exists(deep.#i.x)",
    "attribute_exists(steps[2])", "attribute_exists(steps[3])", "attribute_type(label, :s)", "attribute_type(n, :s)",
    "begins_with(label, :he)", "begins_with(label, :bob)", "contains(label, :he)", "contains(crew, :bob)",
    "contains(crew, :he)", "contains(steps, :hello)", "size(label) = :five", "size(crew) = :two", "size(steps) > :two",
    "size(deep) = :two", "size(absent) = :two", "flag = :true", "crew = :both", "deep.#i.x = :one",
    "n = :one OR n = :five AND label = :hello", "(n = :one OR n = :five) AND label = :bob", "NOT n = :one",
    # Refused:
    "n", "n =", "n = :none", "#none = :one", "status = :one", "exists(n)", "n = :one label = :hello", "",
    "begins_with(label)", "n < :true",
]  # fmt: skip
PROJECTIONS = [
    "n",
    "n, label",
    "deep.#i.x",
    "steps[1]",
    "steps[0], steps[2]",
    "absent",
    "#s",
    "deep.parts[0], deep.#i",
    "deep.names",
]

# Every place where the two do not agree, and why this is right.
UPDATED_NEW = 'UPDATED_NEW is what was updated "as they appear after" (API_UpdateItem); moto compares old and new'
ATTRIBUTES = "Attributes is there if the item has attributes to return (API_UpdateItem); moto returns an empty one"
LIST_ELEMENT = "of a list the element is updated, not the list: a document path names it (Expressions.Attributes)"
UNDEFINED = "moto fails with an internal error where a placeholder is not defined"
NO_CONDITION = "moto fails with an internal error where a condition is none"
DIGITS = "Numbers have up to 38 digits; more is an exception (HowItWorks.NamingRulesDataTypes); moto rounds to 28"
DIFFERENCES = {
    ("update", "SET n = if_not_exists(n, :one)"): UPDATED_NEW,
    ("update", "SET steps[1] = :hello"): LIST_ELEMENT,
    ("update", "SET steps[9] = :hello"): LIST_ELEMENT,
    ("update", "SET deep.parts[4] = :hello, deep.parts[7] = :one"): LIST_ELEMENT,
    ("update", "SET n = :wide + :one"): DIGITS,
    ("update", "REMOVE steps[0]"): LIST_ELEMENT,
    ("update", "REMOVE steps[0], steps[2]"): LIST_ELEMENT,
    ("update", "REMOVE deep.#i"): UPDATED_NEW,
    ("update", "REMOVE label"): ATTRIBUTES,
    ("update", "DELETE crew :both"): ATTRIBUTES,
    ("update", "SET label.x = :one"): "a path into a text is invalid for update (Expressions.UpdateExpressions); moto "
    "takes it and writes nothing",
    ("condition", "n = :one label = :hello"): NO_CONDITION,
    ("condition", "begins_with(label)"): NO_CONDITION,
    ("update", "REMOVE absent"): ATTRIBUTES,
    ("update", "REMOVE steps[9]"): ATTRIBUTES,
    ("update", "DELETE fresh :cat"): ATTRIBUTES,
    ("update", "DELETE crew :cat"): UPDATED_NEW,
    ("update", "ADD crew :both"): UPDATED_NEW,
    ("update", "SET #none = :one"): UNDEFINED,
    ("condition", "n"): NO_CONDITION,
    ("condition", "n ="): NO_CONDITION,
    ("condition", "n = :none"): UNDEFINED,
    ("condition", "#none = :one"): UNDEFINED,
    ("condition", "size(absent) = :two"): "moto fails with an internal error; what is not there has no size",
    ("condition", ""): "an expression is not empty; moto takes an empty ConditionExpression for none",
    ("condition", "n < :true"): "LT is for text, numbers and bytes (API_Condition); moto compares them all",
    (
        "projection",
        "steps[0], steps[2]",
    ): "both were asked for (Expressions.ProjectionExpressions); moto keeps one",
    (
        "projection",
        "deep.names",
    ): "a reserved word is no part of a path (ReservedWords); moto looks at the first",
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = Home(tmp_path_factory.mktemp("dynamodb") / "home")
    yield Services(home, everything)
    home.close()


@pytest.fixture(scope="module")
def dynamodb(moto_endpoint: str) -> Any:
    import boto3

    with urllib.request.urlopen(f"{moto_endpoint}/moto-api/reset", data=b"", timeout=10):  # noqa: S310
        pass
    made = boto3.client(
        "dynamodb", endpoint_url=moto_endpoint, region_name="eu-central-1", aws_access_key_id="expressions",
        aws_secret_access_key="test",
    )  # fmt: skip
    made.create_table(
        TableName="latest", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    return made


def request_of(kind: str, text: str) -> dict[str, Any]:
    """Returns a request with an expression, and with the placeholders that it has."""
    fields = {
        "update": {"UpdateExpression": text, "ReturnValues": "UPDATED_NEW"},
        "condition": {"ConditionExpression": text, "UpdateExpression": "SET done = :one"},
        "projection": {"ProjectionExpression": text},
    }[kind]
    words = set(re.findall(r"[:#]\w+", " ".join(fields.values())))
    values = {name: value for name, value in VALUES.items() if name in words}
    names = {name: value for name, value in NAMES.items() if name in words}
    return {
        "TableName": "latest", "Key": KEY, **fields,
        **({"ExpressionAttributeValues": values} if values else {}),
        **({"ExpressionAttributeNames": names} if names else {}),
    }  # fmt: skip


def sorted_sets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted(one) if key in {"SS", "NS"} else sorted_sets(one) for key, one in value.items()}
    return [sorted_sets(one) for one in value] if isinstance(value, list) else value


def in_moto(dynamodb: Any, kind: str, asked: dict[str, Any]) -> Any:
    """Returns (what came back, what is there), or the code of the error."""
    dynamodb.put_item(TableName="latest", Item=ITEM)
    try:
        found = (dynamodb.get_item if kind == "projection" else dynamodb.update_item)(**asked)
    except dynamodb.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    answered = {name: found[name] for name in ("Attributes", "Item") if name in found}
    return sorted_sets([answered, dynamodb.get_item(TableName="latest", Key=KEY)["Item"]])


def here(services: Services, kind: str, asked: dict[str, Any]) -> Any:
    """Returns the same of the integration."""
    services.call("dynamodb:putItem", {"TableName": "latest", "Item": ITEM})
    reply = services.reply(f"dynamodb:{'getItem' if kind == 'projection' else 'updateItem'}", asked)
    if reply.error is not None:
        code = re.search(r"Error Code: (\w+)", str(reply.cause))
        return code[1] if code else reply.error
    answered = {name: one for name, one in json.loads(reply.output or b"").items() if name in {"Attributes", "Item"}}
    return sorted_sets([answered, services.call("dynamodb:getItem", {"TableName": "latest", "Key": KEY})["Item"]])


ASKED = [
    *(("update", text) for text in UPDATES), *(("condition", text) for text in CONDITIONS),
    *(("projection", text) for text in PROJECTIONS),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), ASKED, ids=[f"{kind} {text or 'nothing'}" for kind, text in ASKED])
def test_the_same_as_in_moto(services: Services, dynamodb: Any, kind: str, text: str) -> None:
    asked = request_of(kind, text)
    theirs, ours = in_moto(dynamodb, kind, asked), here(services, kind, asked)
    if (kind, text) in DIFFERENCES:
        assert theirs != ours, "they agree by now: take it from the list"
    else:
        assert ours == theirs
