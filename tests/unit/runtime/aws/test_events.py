"""Events that Lambda gives to a function, told apart.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from penstock.define.payload import FIELDS, PAYLOAD
from penstock.errors import ValidationError
from penstock.ports.invoke import Call
from penstock.runtime.aws.events import Batch, Origin, read_event
from penstock.runtime.names import read_time

ORIGIN = Origin("shop", "take", "request-1", 1000.0, 2.5)
KEY = "raw/orders/year=2026/month=02/day=20/hour=07/a+b.json"


def payload(**changes: Any) -> dict[str, Any]:
    return {
        "event": {"n": 1},
        "execution": "run-1",
        "started_at": "2026-02-20T08:00:00.000Z",
        "input": {"slot": "2026-02-20T07:57:00Z"},
        "state": "Take",
        "entered_at": "2026-02-20T08:00:01.234Z",
        "attempt": 0,
        **changes,
    }


def message(number: int, body: str, **attributes: str) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", **attributes},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
        "awsRegion": "us-east-2",
    }


def notification(key: str, **changes: Any) -> dict[str, Any]:
    found = {"key": key, "size": 1024, "eTag": "e", "versionId": "v1", "sequencer": "s", **changes}
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "s3": {"bucket": {"name": "lake"}, "object": found}}


def one(event: Any) -> Call:
    call = read_event(event, ORIGIN)
    assert isinstance(call, Call)
    return call


class TestWorkflows:
    def test_the_payload_is_what_the_builder_sends(self) -> None:
        assert payload().keys() == PAYLOAD == {name.removesuffix(".$") for name in FIELDS}

    def test_the_call_is_that_of_a_state_of_an_execution(self) -> None:
        call = one(payload(attempt=2))
        assert (call.execution, call.state, call.attempt) == ("run-1", "Take", 2)
        assert (call.pipeline, call.task) == ("shop", "take")
        assert msgspec.json.decode(call.event) == {"n": 1}
        assert call.started_at == 1_771_574_400.0
        assert call.slot == 1_771_574_220.0
        assert call.timeout_seconds == 2.5

    def test_attempts_of_one_visit_have_one_key_and_tokens_of_their_own(self) -> None:
        first, second = one(payload()), one(payload(attempt=1))
        assert first.key == second.key
        assert first.token != second.token

    @pytest.mark.parametrize(
        "changes",
        [
            {"execution": "run-2"},
            {"state": "Tell"},
            {"entered_at": "2026-02-20T08:00:01.235Z"},
            {"event": {"n": 2}},
        ],
    )
    def test_another_visit_has_another_key(self, changes: dict[str, Any]) -> None:
        assert one(payload(**changes)).key != one(payload()).key

    @pytest.mark.parametrize("start", [{}, {"slot": "soon"}, {"slot": 3}, {"slot": None}, [], "text", None])
    def test_without_a_slot_there_is_none(self, start: Any) -> None:
        assert one(payload(input=start)).slot is None

    def test_an_event_with_the_same_words_and_more_is_an_event(self) -> None:
        event = payload(more=1)
        assert msgspec.json.decode(one(event).event) == event


class TestQueues:
    def test_each_message_is_a_call(self) -> None:
        batch = read_event({"Records": [message(1, '{"n": 1}'), message(2, "no json")]}, ORIGIN)
        assert isinstance(batch, Batch)
        assert batch.reports
        assert [name for name, _ in batch.calls] == ["m-1", "m-2"]
        assert [msgspec.json.decode(call.event) for _, call in batch.calls] == [{"n": 1}, "no json"]

    def test_a_message_that_comes_again_is_a_later_attempt_of_the_same(self) -> None:
        made = [
            read_event({"Records": [message(1, "1", ApproximateReceiveCount=count)]}, ORIGIN) for count in ("1", "3")
        ]
        calls = [batch.calls[0][1] for batch in made if isinstance(batch, Batch)]
        assert [call.attempt for call in calls] == [0, 2]
        assert len({call.key for call in calls}) == 1
        assert len({call.token for call in calls}) == 2


class TestObjects:
    def test_each_object_is_the_event_of_the_machine(self) -> None:
        # Keys are written as in a form: a plus sign is %2B, a blank is +.
        batch = read_event({"Records": [notification(KEY.replace("+", "%2B").replace("=", "%3D"))]}, ORIGIN)
        assert isinstance(batch, Batch)
        assert not batch.reports
        [(_, call)] = batch.calls
        assert msgspec.json.decode(call.event) == {"table": "orders", "key": KEY, "size": 1024}

    def test_the_same_version_has_the_same_key(self) -> None:
        keys = []
        for version in ("v1", "v1", "v2"):
            batch = read_event({"Records": [notification(KEY, versionId=version)]}, ORIGIN)
            assert isinstance(batch, Batch)
            keys.append(batch.calls[0][1].key)
        assert keys[0] == keys[1] != keys[2]

    def test_an_object_that_is_not_of_the_lake_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            read_event({"Records": [notification("elsewhere/a.json")]}, ORIGIN)


@pytest.mark.parametrize(
    "event",
    [
        {}, None, 3, "text", [1], {"Records": []}, {"Records": "x"}, {"Records": ["x"]}, {"Records": [{"n": 1}]},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "lake"},
        {"Records": [{"eventSource": "aws:kinesis", "kinesis": {}}]},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_anything_else_is_the_event_itself(event: Any) -> None:
    call = one(event)
    assert msgspec.json.decode(call.event) == event
    assert (call.key, call.execution, call.state) == ("request-1", "request-1", "take")
    assert (call.started_at, call.slot, call.attempt) == (1000.0, None, 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-02-20T08:00:00Z", 1_771_574_400.0),
        ("2026-02-20T08:00:00.250Z", 1_771_574_400.25),
        ("2026-02-20T09:00:00+01:00", 1_771_574_400.0),
        ("2026-02-20T08:00:00", 1_771_574_400.0),
        ("today", None),
        (5, None),
        (None, None),
    ],
)
def test_times(text: Any, at: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert read_time(text) == at
    finally:
        monkeypatch.undo()
        time.tzset()
