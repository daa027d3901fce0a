"""What a distributed Map reads, batches and writes.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states import jsonata
from penstock.states.lint.language import INPUT, expressions
from penstock.states.lint.numbers import check_whole
from penstock.states.lint.paths import check_either, check_path, template
from penstock.states.lint.words import shown, unknown_fields

READS = ("s3:getObject", "s3:listObjectsV2")
WRITES = ("s3:putObject",)
RESOURCE = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]*:[0-9]*:(.*)")
INPUT_TYPES = ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")
MANIFEST_TYPES = ("ATHENA_DATA", "S3_INVENTORY")
HEADER_LOCATIONS = ("FIRST_ROW", "GIVEN")
DELIMITERS = ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")
READER_TRANSFORMATIONS = ("NONE", "LOAD_AND_FLATTEN")
WRITER_TRANSFORMATIONS = ("NONE", "COMPACT", "FLATTEN")
OUTPUT_TYPES = ("JSON", "JSONL")
MAX_ITEMS = 100_000_000
MAX_BATCH_BYTES = 256 * 1024
READER_CONFIG = frozenset({
    "InputType", "Transformation", "ManifestType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems",
    "MaxItemsPath", "ItemsPointer",
})  # fmt: skip
BATCHER = frozenset({
    "MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "BatchInput",
})  # fmt: skip


def check_reader(reader: Any, where: str, *, is_jsonata: bool) -> Iterator[Finding]:
    """Yields what is wrong with an ItemReader."""
    payload, other = _payload_names(is_jsonata)
    if not isinstance(reader, dict):
        yield Finding(where, "type", "ItemReader is a JSON object", 'write {"Resource": …, …}')
        return
    yield from unknown_fields(reader, {"Resource", payload, "ReaderConfig"}, where, other)
    yield from _resource(reader, where, READS)
    yield from _payload(reader, payload, where)
    config = reader.get("ReaderConfig", {})
    if not isinstance(config, dict):
        yield Finding(f"{where}.ReaderConfig", "type", "ReaderConfig is a JSON object", 'write {"InputType": …}')
        return
    yield from _reader_config(config, f"{where}.ReaderConfig", is_jsonata=is_jsonata)
    is_read = str(reader.get("Resource", "")).endswith(":s3:getObject")
    if is_read and "InputType" not in config and config.get("ManifestType") != "S3_INVENTORY":
        yield Finding(f"{where}.ReaderConfig", "required", "an object is read by its InputType", _one_of(INPUT_TYPES))


def _reader_config(config: dict[str, Any], where: str, *, is_jsonata: bool) -> Iterator[Finding]:
    paths = frozenset({"MaxItemsPath"})
    known = READER_CONFIG - paths if is_jsonata else READER_CONFIG
    yield from unknown_fields(config, known, where, ("JSONPath", paths if is_jsonata else frozenset()))
    choices = {
        "InputType": INPUT_TYPES,
        "ManifestType": MANIFEST_TYPES,
        "CSVHeaderLocation": HEADER_LOCATIONS,
        "CSVDelimiter": DELIMITERS,
        "Transformation": READER_TRANSFORMATIONS,
    }
    for field, values in choices.items():
        yield from _choice(config, field, where, values)
    yield from _limit(config, "MaxItems", where, MAX_ITEMS, is_jsonata=is_jsonata)
    yield from _csv(config, where)
    pointer = config.get("ItemsPointer", "")
    if not isinstance(pointer, str) or not re.fullmatch(r"(/([^~]|~[01])*)?", pointer, re.DOTALL):
        yield Finding(f"{where}.ItemsPointer", "path", f"{shown(pointer)} is no JSON pointer", "such as /orders/items")


def _csv(config: dict[str, Any], where: str) -> Iterator[Finding]:
    location, headers = config.get("CSVHeaderLocation"), config.get("CSVHeaders")
    if config.get("InputType") == "CSV" and "CSVHeaderLocation" not in config:
        yield Finding(where, "required", "CSV needs CSVHeaderLocation", _one_of(HEADER_LOCATIONS))
    if location == "GIVEN" and headers is None:
        yield Finding(where, "required", "headers that are given are listed", 'add "CSVHeaders": ["…"]')
    if location == "FIRST_ROW" and "CSVHeaders" in config:
        message = "the headers are in the first row already"
        yield Finding(f"{where}.CSVHeaders", "both", message, "remove it, or write GIVEN")
    if headers is not None and not (
        isinstance(headers, list) and headers and all(isinstance(name, str) for name in headers)
    ):
        yield Finding(f"{where}.CSVHeaders", "type", "CSVHeaders is a list of names", 'such as ["id", "name"]')


def check_batcher(batcher: Any, where: str, *, is_jsonata: bool) -> Iterator[Finding]:
    """Yields what is wrong with an ItemBatcher."""
    if not isinstance(batcher, dict):
        yield Finding(where, "type", "ItemBatcher is a JSON object", 'write {"MaxItemsPerBatch": 100}')
        return
    paths = frozenset(name for name in BATCHER if name.endswith("Path"))
    known = BATCHER - paths if is_jsonata else BATCHER
    yield from unknown_fields(batcher, known, where, ("JSONPath", paths if is_jsonata else frozenset()))
    if not any(name in batcher for name in BATCHER if name.startswith("Max")):
        message = "a batch has MaxItemsPerBatch, MaxInputBytesPerBatch or both"
        yield Finding(where, "required", message, 'such as "MaxItemsPerBatch": 100')
    yield from _limit(batcher, "MaxItemsPerBatch", where, None, is_jsonata=is_jsonata)
    yield from _limit(batcher, "MaxInputBytesPerBatch", where, MAX_BATCH_BYTES, is_jsonata=is_jsonata)
    if "BatchInput" in batcher:
        place = f"{where}.BatchInput"
        yield from (
            expressions(batcher["BatchInput"], place, INPUT) if is_jsonata else template(batcher["BatchInput"], place)
        )


def check_writer(writer: Any, where: str, *, is_jsonata: bool) -> Iterator[Finding]:
    """Yields what is wrong with a ResultWriter. An empty one can be made; it fails when it runs."""
    payload, other = _payload_names(is_jsonata)
    if not isinstance(writer, dict):
        yield Finding(where, "type", "ResultWriter is a JSON object", 'write {"Resource": …, …}')
        return
    yield from unknown_fields(writer, {"Resource", payload, "WriterConfig"}, where, other)
    if "Resource" in writer or payload in writer:
        yield from _resource(writer, where, WRITES)
        yield from _payload(writer, payload, where)
        if payload not in writer:
            message = f"{payload} names the bucket to write to"
            yield Finding(where, "required", message, f'add "{payload}": {{"Bucket": …}}')
    config = writer.get("WriterConfig", {})
    if not isinstance(config, dict):
        yield Finding(f"{where}.WriterConfig", "type", "WriterConfig is a JSON object", 'write {"OutputType": "JSON"}')
        return
    yield from unknown_fields(config, {"Transformation", "OutputType"}, f"{where}.WriterConfig")
    yield from _choice(config, "Transformation", f"{where}.WriterConfig", WRITER_TRANSFORMATIONS)
    yield from _choice(config, "OutputType", f"{where}.WriterConfig", OUTPUT_TYPES)


def _payload_names(is_jsonata: bool) -> tuple[str, tuple[str, frozenset[str]]]:
    """Returns the field with a call's arguments, and what it is called in the other query language."""
    if is_jsonata:
        return "Arguments", ("JSONPath", frozenset({"Parameters"}))
    return "Parameters", ("JSONata", frozenset({"Arguments"}))


def _resource(body: dict[str, Any], where: str, actions: tuple[str, ...]) -> Iterator[Finding]:
    if "Resource" not in body:
        yield Finding(where, "required", "there is no Resource", f"such as arn:aws:states:::{actions[0]}")
        return
    found = RESOURCE.fullmatch(body["Resource"]) if isinstance(body["Resource"], str) else None
    if found is None or found[1] not in actions:
        message = f"{shown(body['Resource'])} is not possible here"
        hint = " or ".join(f"arn:aws:states:::{action}" for action in actions)
        yield Finding(f"{where}.Resource", "resource", message, hint)


def _payload(body: dict[str, Any], name: str, where: str) -> Iterator[Finding]:
    if name not in body:
        return
    value, place = body[name], f"{where}.{name}"
    if name == "Arguments":
        if not isinstance(value, dict) and not jsonata.is_expression(value):
            yield Finding(place, "type", "Arguments is an object or an expression", 'such as {"Bucket": …}')
        yield from expressions(value, place, INPUT)
    else:
        if not isinstance(value, dict):
            yield Finding(place, "type", "Parameters is a JSON object", 'such as {"Bucket": …}')
        yield from template(value, place)


def _limit(body: dict[str, Any], name: str, where: str, high: int | None, *, is_jsonata: bool) -> Iterator[Finding]:
    yield from check_whole(body, name, where, low=0, high=high, is_jsonata=is_jsonata)
    if is_jsonata and name in body:
        yield from expressions(body[name], f"{where}.{name}", INPUT)
    if not is_jsonata:
        yield from check_either(body, (name, f"{name}Path"), where)
        yield from check_path(body, f"{name}Path", where, reference=True, context=False)


def _choice(body: dict[str, Any], field: str, where: str, values: tuple[str, ...]) -> Iterator[Finding]:
    if field in body and body[field] not in values:
        yield Finding(f"{where}.{field}", "value", f"{field} cannot be {shown(body[field])}", _one_of(values))


def _one_of(values: tuple[str, ...]) -> str:
    return f"one of {', '.join(values)}"
