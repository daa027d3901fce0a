"""The pipeline as a whole, in a home of its own: what it keeps, counts, refuses and says."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock.pipelines.logs import failures, log_errors, newest, pipeline, raw, templates, volume
from penstock.pipelines.logs.estate import incidents
from penstock.ports.journal import Execution
from penstock.testing import Sandbox

NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z, a Friday
KEY = "raw/logs/year=2026/month=02/day=20/hour=07/outside.json"
RECORD = {
    "timestamp": "2026-02-20T07:51:30.25Z",
    "severity": "ERROR",
    "service": "web",
    "host": "web-1",
    "device_type": "application",
    "message": "request 7 failed",
    "latency_ms": 250.0,
}
SIMULATED = {"logs": {"rate": 60, "seed": 7}}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(pipeline, tmp_path, now=NOW) as opened:
        yield opened


def process(sandbox: Sandbox, *records: dict[str, Any] | bytes, key: str = KEY) -> Execution:
    """Puts an object into the lake from outside and runs the aggregator."""
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    sandbox.home.objects.create(key, b"\n".join(lines))
    return sandbox.run({"key": key}, workflow="log-aggregator")


def told(execution: Execution) -> dict[str, Any]:
    assert execution.status == "SUCCEEDED", execution.cause
    found: dict[str, Any] = json.loads(execution.output or b"null")
    return found


def test_five_minutes_agree_in_number(sandbox: Sandbox) -> None:
    found = told(sandbox.run(SIMULATED))
    records = sandbox.records(raw)
    assert found["lines"] == len(records) == sum(sandbox.values(volume)) > 100
    errors = sum(one["severity"] in {"ERROR", "CRITICAL"} for one in records)
    assert sum(sandbox.values(log_errors)) == errors
    minutes = Counter((one["service"], one["timestamp"][:16] + "Z") for one in records)
    assert {(one["service"], one["minute"].partition("#")[0]): one["lines"] for one in sandbox.items(newest)} == minutes
    assert sum(one["lines"] for one in sandbox.records(templates)) == len(records)
    assert not sandbox.quarantined(raw)
    # 07:57 falls into the window from 07:55; the last that is over began at 07:50.
    times = sorted(one["timestamp"] for one in records)
    assert times[0] >= "2026-02-20T07:50:00"
    assert times[-1] < "2026-02-20T07:55:00"


def test_the_schedules_time_decides_the_window(tmp_path: Path) -> None:
    contents = []
    for name, now in (("soon", NOW), ("late", NOW + 100.0)):
        with Sandbox(pipeline, tmp_path / name, now=now) as sandbox:
            sandbox.run(SIMULATED)
            contents.append(sandbox.records(raw))
    assert contents[0] == contents[1]


def test_nothing_is_simulated_when_it_is_off(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_LOGS", "off")
    assert told(sandbox.run())["lines"] == 0
    assert sandbox.records(raw) == []


def test_bad_lines_harm_no_good_one(sandbox: Sandbox) -> None:
    done = process(
        sandbox,
        RECORD,
        b"rubbish",
        {**RECORD, "severity": "FATAL"},
        {**RECORD, "timestamp": "2026-02-20T07:51:30"},
        {**RECORD, "severity": "INFO", "message": "request 8 failed"},
    )
    assert told(done) == {"lines": 2, "errors": 1, "quarantined": 3, "items": 1, "templates": 1}
    assert [(one["line"], one["source"]) for one in sandbox.quarantined(raw)] == [(n, KEY) for n in (2, 3, 4)]
    (item,) = sandbox.items(newest)
    assert (item["service"], item["lines"], item["errors"], item["at"]) == ("web", 2, 1, 1_771_573_860)
    (template,) = sandbox.records(templates)
    assert (template["template"], template["lines"], template["errors"]) == ("request <*> failed", 2, 1)
    assert template["source"] == KEY
    assert sum(sandbox.values(failures)) == 0


def test_percentiles_of_a_minute(sandbox: Sandbox) -> None:
    process(sandbox, *({**RECORD, "latency_ms": float(number)} for number in range(1, 101)))
    (item,) = sandbox.items(newest)
    # Of 1, 2 … 100 ms, 50 do not exceed 50, 95 not 95, 99 not 99.
    for rank in (50, 95, 99):
        assert float(item[f"latency_p{rank}_ms"]) == pytest.approx(rank, rel=0.01)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"no json", b"[]", b"\x00\xff" * 100])
def test_an_object_with_nothing_of_use(sandbox: Sandbox, content: bytes) -> None:
    found = told(process(sandbox, content))
    assert found["quarantined"] == len(sandbox.quarantined(raw)) >= 1
    assert sandbox.items(newest) == sandbox.records(templates) == []


def test_the_same_object_again_changes_no_item(sandbox: Sandbox) -> None:
    process(sandbox, RECORD, b"rubbish")
    before = sandbox.items(newest)
    assert sandbox.run({"key": KEY}, workflow="log-aggregator").status == "SUCCEEDED"
    assert sandbox.items(newest) == before
    assert len(sandbox.quarantined(raw)) == 1


def test_two_objects_of_one_minute_add_up(sandbox: Sandbox) -> None:
    process(sandbox, RECORD)
    process(sandbox, RECORD, RECORD, key=KEY.replace("outside", "another"))
    page = sandbox.home.hot.query(newest, partition="web")
    assert sorted(one["lines"] for one in page.items) == [1, 2]


@pytest.mark.parametrize(
    ("timestamp", "items", "values"),
    [
        ("2026-02-18T07:00:00Z", 0, 1),  # two days and an hour: too old for the hot table
        ("2026-02-01T07:00:00Z", 0, 0),  # nineteen days: CloudWatch takes two weeks
        ("2026-02-20T09:00:00Z", 0, 0),  # an hour ahead
    ],
)
def test_what_is_not_of_the_present_stays_in_the_lake_alone(
    sandbox: Sandbox, timestamp: str, items: int, values: int
) -> None:
    assert told(process(sandbox, {**RECORD, "timestamp": timestamp}))["lines"] == 1
    assert (len(sandbox.items(newest)), len(sandbox.values(volume))) == (items, values)


@pytest.mark.parametrize("event", [{}, {"key": 7}, ["raw"]])
def test_an_event_without_an_object_is_said_so(sandbox: Sandbox, event: Any) -> None:
    done = sandbox.run(event, workflow="log-aggregator")
    assert (done.status, done.error) == ("FAILED", "InvalidInput")
    assert "the event names no object" in (done.cause or "")


def test_a_generator_that_fails_is_counted(sandbox: Sandbox) -> None:
    done = sandbox.run({"logs": {"rate": 0}})
    assert (done.status, done.error) == ("FAILED", "InvalidInput")
    assert "0 lines a minute cannot be simulated: 1 to 5000 are possible" in (done.cause or "")
    assert sum(sandbox.values(failures)) == 3
    sandbox.advance(300)
    assert sandbox.alarms()["LambdaFailures"] == "OK"


def test_many_failures_set_off_the_alarm(sandbox: Sandbox) -> None:
    for _ in range(2):
        assert sandbox.run({"logs": {"rate": 0}}).status == "FAILED"
    assert sum(sandbox.values(failures)) == 6
    sandbox.advance(60)
    assert sandbox.alarms()["LambdaFailures"] == "ALARM"


def test_an_incident_sets_off_the_error_alarm_and_its_end_ends_it(tmp_path: Path) -> None:
    found = next(one for one in incidents(7, NOW, NOW + 30 * 86_400) if one.began_at > NOW)
    # The second window after its beginning lies within it: the shortest incident lasts three windows.
    at = (found.began_at // 300 + 2) * 300
    assert at < found.ended_at
    seen = []
    with Sandbox(pipeline, tmp_path, now=at - 899) as sandbox:
        while sandbox.clock.now() < found.ended_at + 1200:
            told(sandbox.run({"logs": {"rate": 120, "seed": 7}}))
            sandbox.advance(60)
            seen.append(sandbox.alarms()["HighErrorRate"])
            sandbox.advance(240)
        (alarm,) = [one for one in sandbox.messages() if (one.data or {}).get("AlarmName") == "HighErrorRate"]
    assert seen[0] == "OK"
    assert "ALARM" in seen
    assert seen[-1] == "OK"
    assert alarm.topic == "infrastructure-alerts"
    assert datetime.fromtimestamp(found.began_at, UTC) < datetime.fromtimestamp(alarm.created_at, UTC)
