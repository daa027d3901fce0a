"""What a distributed Map reads from S3: every kind of file, and the listing of a bucket."""

from __future__ import annotations

from typing import Any

from tests.differential.case import Case, alone
from tests.differential.cases.maps import spread

OBJECTS = {
    "items.json": "[1, 2, 3]",
    "objects.json": '[{"x": 1}, {"x": "two", "y": null}]',
    "object.json": '{"a": 1, "b": 2}',
    "nested.json": '{"found": {"rows": [1, 2]}}',
    "text.json": '"text"',
    "broken.json": "[1, 2",
    "empty.json": "[]",
    "lines.jsonl": '{"x": 1}\n{"x": 2}\n',
    "headed.csv": "id,name\n1,one\n2,two\n",
    "quoted.csv": 'id,name\n1,"one, or 1"\n2,"say ""two"""\n',
    "bare.csv": "1,one\n2,two\n",
    "short.csv": "id,name\n1\n2,two,more\n",
    "headers.csv": "id,name\n",
    "page=1/a.txt": "a",
    "page=1/b.txt": "bb",
}
GET, LIST = "arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2"
FIRST_ROW = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
GIVEN = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["n", "word"]}
JSON = {"InputType": "JSON"}
ECHOING: dict[str, Any] = {"StartAt": "E", "States": {"E": {"Type": "Pass", "End": True}}}


def reads(key: str, config: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Returns a Map over an object's items."""
    reader = {"Resource": GET, "ReaderConfig": config, "Parameters": {"Bucket": "lake", "Key": key}}
    return spread(ECHOING, ItemReader=reader, **fields)


def lists(config: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    """Returns a Map over the objects of a bucket, of which it takes the keys."""
    reader: dict[str, Any] = {"Resource": LIST, "Parameters": {"Bucket": "lake", **parameters}}
    if config is not None:
        reader["ReaderConfig"] = config
    return spread(ECHOING, ItemReader=reader, ItemSelector={"key.$": "$$.Map.Item.Value.Key"})


# (name, the state, input)
STATES: list[tuple[str, dict[str, Any], Any]] = [
    ("json", reads("items.json", JSON), {}),
    ("json-objects", reads("objects.json", JSON), {}),
    ("json-object", reads("object.json", JSON), {}),
    ("json-text", reads("text.json", JSON), {}),
    ("json-broken", reads("broken.json", JSON), {}),
    ("json-empty", reads("empty.json", JSON), {}),
    ("json-pointer", reads("nested.json", {**JSON, "ItemsPointer": "/found/rows"}), {}),
    ("json-max-items", reads("items.json", {**JSON, "MaxItems": 2}), {}),
    ("json-max-items-of-more", reads("items.json", {**JSON, "MaxItems": 20}), {}),
    ("json-max-items-path", reads("items.json", {**JSON, "MaxItemsPath": "$.m"}), {"m": 1}),
    ("json-max-items-path-missing", reads("items.json", {**JSON, "MaxItemsPath": "$.zzz"}), {"m": 1}),
    ("json-max-items-path-negative", reads("items.json", {**JSON, "MaxItemsPath": "$.m"}), {"m": -1}),
    ("json-selected", reads("items.json", JSON, ItemSelector={"v.$": "$$.Map.Item.Value", "k.$": "$.k"}), {"k": 1}),
    ("json-result-path", reads("items.json", JSON, ResultPath="$.r"), {"k": 1}),
    ("json-lines", reads("lines.jsonl", {"InputType": "JSONL"}), {}),
    ("csv", reads("headed.csv", FIRST_ROW), {}),
    ("csv-quoted", reads("quoted.csv", FIRST_ROW), {}),
    ("csv-given", reads("bare.csv", GIVEN), {}),
    ("csv-uneven", reads("short.csv", FIRST_ROW), {}),
    ("csv-headers-only", reads("headers.csv", FIRST_ROW), {}),
    ("csv-max-items", reads("headed.csv", {**FIRST_ROW, "MaxItems": 1}), {}),
    ("no-object", reads("nothing.json", JSON), {}),
    ("no-bucket", spread(ECHOING, ItemReader={
        "Resource": GET, "ReaderConfig": JSON, "Parameters": {"Bucket": "nobody", "Key": "items.json"}}), {}),
    ("key-of-path", spread(ECHOING, ItemReader={
        "Resource": GET, "ReaderConfig": JSON, "Parameters": {"Bucket": "lake", "Key.$": "$.k"}}), {"k": "items.json"}),
    ("key-of-path-missing", spread(ECHOING, ItemReader={
        "Resource": GET, "ReaderConfig": JSON, "Parameters": {"Bucket": "lake", "Key.$": "$.zzz"}}), {}),
    ("listing", lists(Prefix="page=1/"), {}),
    ("listing-max-items", lists({"MaxItems": 1}, Prefix="page=1/"), {}),
    ("listing-of-none", lists(Prefix="page=2/"), {}),
]  # fmt: skip
READERS = [
    Case(f"reader/{name}", "input-output-itemreader", alone(**state), given, is_concurrent=True)
    for name, state, given in STATES
]
