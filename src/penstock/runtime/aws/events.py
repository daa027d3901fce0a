"""What a function is called with, told apart: a state of a workflow, a batch of a queue, new objects, anything else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from penstock.define.payload import PAYLOAD
from penstock.lake.layout import parse_key
from penstock.ports.invoke import Call
from penstock.runtime.names import read_time, slot_of


class Origin(msgspec.Struct, frozen=True):
    """What every call of one function has in common.

    Attributes:
        request_id: Lambda's id of this invocation.
        now: seconds since the epoch.
        remaining_seconds: how long the invocation may still take.
    """

    pipeline: str
    task: str
    request_id: str
    now: float
    remaining_seconds: float


class Batch(msgspec.Struct, frozen=True):
    """Several calls, each with an id.

    Attributes:
        reports: of messages of a queue, those that fail are named in the answer and tried again, the others are not;
            of objects the invocation fails as a whole, and all are tried again.
            https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """

    calls: tuple[tuple[str, Call], ...]
    reports: bool


def read_event(event: Any, origin: Origin) -> Call | Batch:
    """Returns the call, or the calls, that an event asks for."""
    if isinstance(event, dict) and event.keys() == PAYLOAD:
        return _of_workflow(event, origin)
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records or not isinstance(records[0], dict):
        return _call(event, origin, key=origin.request_id)
    if records[0].get("eventSource") == "aws:sqs":
        return Batch(tuple((str(one["messageId"]), _of_message(one, origin)) for one in records), reports=True)
    if records[0].get("eventSource") == "aws:s3":
        calls = ((str(number), _of_object(one, origin)) for number, one in enumerate(records))
        return Batch(tuple(calls), reports=False)
    return _call(event, origin, key=origin.request_id)


def _of_workflow(payload: Mapping[str, Any], origin: Origin) -> Call:
    execution, state = str(payload["execution"]), str(payload["state"])
    started_at = read_time(payload["started_at"])
    start = payload["input"]
    # Two iterations of a Map may enter a state in one millisecond, but with events of their own.
    seen = json.dumps([payload["entered_at"], payload["event"]], sort_keys=True)
    visit = hashlib.sha256(seen.encode()).hexdigest()[:16]
    attempt = payload["attempt"]
    return _call(
        payload["event"],
        origin,
        key=f"{execution}/{state}/{visit}",
        execution=execution,
        state=state,
        started_at=origin.now if started_at is None else started_at,
        slot=slot_of(start),
        attempt=attempt if isinstance(attempt, int) else 0,
    )


def _of_message(record: Mapping[str, Any], origin: Origin) -> Call:
    body = record.get("body", "")
    try:
        event = json.loads(body)
    except ValueError:
        event = body
    message_id = str(record["messageId"])
    received = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    return _call(event, origin, key=message_id, execution=message_id, attempt=received - 1)


def _of_object(record: Mapping[str, Any], origin: Origin) -> Call:
    """A notification of S3 itself writes keys as in a form."""
    found = record["s3"]["object"]
    key = unquote_plus(found["key"])
    event = {"table": parse_key(key).table, "key": key, "size": found.get("size", 0)}
    return _call(event, origin, key=f"{key}#{found.get('versionId', '')}")


def _call(
    event: Any,
    origin: Origin,
    *,
    key: str,
    execution: str = "",
    state: str = "",
    started_at: float | None = None,
    slot: float | None = None,
    attempt: int = 0,
) -> Call:
    return Call(
        token=f"{key}#{attempt}",
        key=key,
        execution=execution or origin.request_id,
        pipeline=origin.pipeline,
        task=origin.task,
        state=state or origin.task,
        event=msgspec.json.encode(event),
        started_at=origin.now if started_at is None else started_at,
        slot=slot,
        attempt=attempt,
        timeout_seconds=origin.remaining_seconds,
    )
