"""The pipeline as a whole, in a home of its own: what it keeps, counts, refuses and says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.pipelines.metrics import METRICS, collector_errors, cpu, latest, pipeline, processor_errors, raw
from penstock.pipelines.metrics.fleet import Fleet, incident, read
from penstock.ports.journal import Execution
from penstock.ports.notify import Message
from penstock.testing import Sandbox

NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z
DAY = 86_400
KEY = "raw/infra_metrics/year=2026/month=02/day=20/hour=07/outside.json"
RECORD = {
    "timestamp": "2026-02-20T07:57:00Z",
    "instance_id": "web-1",
    "region": "us-east-1",
    "metric_type": "cpu",
    "value": 45.2,
    "unit": "percent",
    "metadata": {"collection_method": "cloudwatch", "pipeline_version": "1.0"},
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(pipeline, tmp_path, now=NOW) as opened:
        yield opened


def process(sandbox: Sandbox, *records: dict[str, Any] | bytes) -> Execution:
    """Puts an object into the lake from outside and runs the processor."""
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    sandbox.home.objects.create(KEY, b"\n".join(lines))
    return sandbox.run({"key": KEY}, workflow="log-processor")


def summary(execution: Execution) -> dict[str, int]:
    assert execution.status == "SUCCEEDED", execution.cause
    found: dict[str, int] = json.loads(execution.output or b"null")
    return found


def told_of(sandbox: Sandbox, subject: str) -> list[Message]:
    """Messages once each: every endpoint of the topic has its own delivery."""
    return list({one.id: one for one in sandbox.messages() if subject in one.subject}.values())


def test_a_fleets_cycle_agrees_in_number(sandbox: Sandbox) -> None:
    assert sandbox.run({"fleet": {"instances": 5, "seed": 7}}).status == "SUCCEEDED"
    records = sandbox.records(raw)
    assert len(records) == len(sandbox.items(latest)) == 20
    assert [len(sandbox.values(metric)) for metric in METRICS.values()] == [5, 5, 5, 5]
    assert {one["instance_id"] for one in records} == set(Fleet(5, 7).names())
    assert not sandbox.quarantined(raw)
    expected = sorted(round(read(7, name, "cpu", NOW).value, 3) for name in Fleet(5, 7).names())
    assert sorted(sandbox.values(cpu)) == expected


def test_this_machines_cycle(sandbox: Sandbox) -> None:
    assert sandbox.run({"interval_seconds": 0.1}).status == "SUCCEEDED"
    assert [one["metadata"]["collection_method"] for one in sandbox.records(raw)] == ["psutil"] * 4
    assert {one["metric_type"] for one in sandbox.items(latest)} == {"cpu", "memory", "disk", "network"}
    (told,) = told_of(sandbox, "")
    assert (told.subject, told.severity) == ("Metrics collected", "INFO")
    assert [line.partition(":")[0] for line in told.body.splitlines()] == ["cpu", "memory", "disk", "network"]


def test_bad_records_harm_no_good_one(sandbox: Sandbox) -> None:
    done = process(
        sandbox,
        RECORD,
        b'{"value": NaN}',
        {**RECORD, "instance_id": "../../etc"},
        {**RECORD, "timestamp": "2199-01-01T00:00:00Z"},
        {**RECORD, "readings": {"used_mb": 1e300}},
        {**RECORD, "metadata": {"collection_method": "x" * 500_000}},
        RECORD,
        {**RECORD, "instance_id": "web-2"},
    )
    assert summary(done) == {"records": 8, "items": 2, "metrics": 2, "late": 0, "quarantined": 5, "repeated": 1}
    assert {one["metric_id"] for one in sandbox.items(latest)} == {"web-1#cpu", "web-2#cpu"}
    assert sandbox.values(cpu) == [45.2, 45.2]
    assert [(one["line"], one["source"]) for one in sandbox.quarantined(raw)] == [(n, KEY) for n in (2, 3, 4, 5, 6)]
    assert sum(sandbox.values(processor_errors)) == 0


@pytest.mark.parametrize("content", [b"", b"\n\n", b"no json", b"[]", b"\x00\xff" * 100])
def test_an_object_with_nothing_of_use(sandbox: Sandbox, content: bytes) -> None:
    found = summary(process(sandbox, content))
    assert found["quarantined"] == len(sandbox.quarantined(raw)) >= 1
    assert sandbox.items(latest) == []


def test_a_late_record_is_kept_but_no_metric(sandbox: Sandbox) -> None:
    late = {**RECORD, "timestamp": "2026-01-31T07:57:00Z"}
    assert summary(process(sandbox, late, RECORD))["late"] == 1
    assert len(sandbox.items(latest)) == 2
    assert sandbox.values(cpu) == [45.2]


def test_every_line_of_a_large_object_is_accounted_for_once(sandbox: Sandbox) -> None:
    good = [{**RECORD, "instance_id": f"i-{number}"} for number in range(1200)]
    found = summary(process(sandbox, *good, *[b"rubbish"] * 1200))
    assert (found["items"], found["metrics"], found["quarantined"]) == (1200, 1200, 1200)
    assert len({one["metric_id"] for one in sandbox.home.hot.scan(latest, limit=5000).items}) == 1200
    assert sorted(one["line"] for one in sandbox.quarantined(raw)) == list(range(1201, 2401))


def test_the_same_object_again_changes_no_item(sandbox: Sandbox) -> None:
    process(sandbox, RECORD, b"rubbish")
    before = sandbox.items(latest)
    assert sandbox.run({"key": KEY}, workflow="log-processor").status == "SUCCEEDED"
    assert sandbox.items(latest) == before
    assert len(sandbox.quarantined(raw)) == 1


@pytest.mark.parametrize("event", [{}, {"key": 7}, ["raw"]])
def test_an_event_without_an_object_is_said_so(sandbox: Sandbox, event: Any) -> None:
    done = sandbox.run(event, workflow="log-processor")
    assert (done.status, done.error) == ("FAILED", "InvalidInput")
    assert "the event names no object" in (done.cause or "")


def test_a_fleets_summary(sandbox: Sandbox) -> None:
    sandbox.run({"fleet": {"instances": 2, "seed": 7}})
    one, two = (round(read(7, name, "network", NOW).value, 3) for name in Fleet(2, 7).names())
    (told,) = told_of(sandbox, "Metrics collected")
    expected = f"network: {(one + two) / 2:,.1f} bytes/second on average, {max(one, two):,.1f} at most, 2 instances"
    assert told.body.splitlines()[3] == expected


@pytest.mark.parametrize("cause", ["timed out after 30 s", "", "[1]", '{"a": 1}'])
def test_a_cause_of_any_kind_is_told(sandbox: Sandbox, cause: str) -> None:
    handler = sandbox.definition.tasks["notify_failure"].handler
    told: list[tuple[str, str]] = []

    class Topic:
        def publish(self, subject: str, message: str, **_: Any) -> None:
            told.append((subject, message))

    class Call:
        execution_id = "e-1"

        def __getitem__(self, _: Any) -> Topic:
            return Topic()

    handler({"Error": "States.Timeout", "Cause": cause}, Call())
    assert told == [("Metrics collection failed", f"e-1 failed: States.Timeout\n{cause}")]


def test_a_collection_that_fails_is_told_and_counted(sandbox: Sandbox) -> None:
    done = sandbox.run({"fleet": {"instances": 0}})
    assert (done.status, done.error) == ("FAILED", "InvalidInput")
    told = told_of(sandbox, "Metrics collection failed")
    assert [(one.severity, (one.data or {})["error"]) for one in told] == [("CRITICAL", "InvalidInput")]
    _, message, hint = told[0].body.splitlines()
    assert message == "0 instances is no fleet: 1 to 10000 are possible"
    assert "PENSTOCK_FLEET=20:7" in hint
    assert sum(sandbox.values(collector_errors)) >= 3
    assert sandbox.records(raw) == []


def test_an_incident_of_one_instance_sets_off_the_alarm(tmp_path: Path) -> None:
    fleet = Fleet(20, 7)
    candidates = (
        (at, name) for at in range(int(NOW), int(NOW) + 28 * DAY, 3600) for name in fleet.names()
        if incident(7, name, "cpu", at)
    )  # fmt: skip
    at, name = next(candidates)
    found = incident(7, name, "cpu", at)
    assert found is not None
    with Sandbox(pipeline, tmp_path, now=found.began_at + 60) as sandbox:
        seen = []
        for _ in range(3):
            assert sandbox.run({"fleet": {"instances": 20, "seed": 7}}).status == "SUCCEEDED"
            sandbox.advance(3 * 3600)
            seen.append(sandbox.alarms().get("HighCPUUtilization"))
        assert seen[-1] == "ALARM"
        assert sandbox.alarms()["DataCollectorErrors"] == "OK"
        (told,) = told_of(sandbox, "HighCPUUtilization")
        assert (told.data or {})["NewStateValue"] == "ALARM"
