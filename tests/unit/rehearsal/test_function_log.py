"""What functions said is read back from their logs, whoever else wrote there."""

import json
from typing import Any

import pytest

from penstock.model.metrics import Datapoint, Metric
from penstock.ports.invoke import Call, Reply
from penstock.rehearsal.function_log import Ended, datapoints, ended_calls
from penstock.runtime.aws.emf import EmbeddedMetrics
from penstock.runtime.aws.log import call_line

AT = 1_772_362_790.5
# As the specification's own example has it, with other names.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
EXAMPLE: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1574109732004,
        "CloudWatchMetrics": [
            {
                "Namespace": "lambda-function-metrics",
                "Dimensions": [["functionVersion"], ["functionVersion", "stage"], []],
                "Metrics": [{"Name": "time", "Unit": "Milliseconds", "StorageResolution": 60}, {"Name": "used"}],
            }
        ],
    },
    "functionVersion": "$LATEST", "stage": 1, "time": 100, "used": [1, 2.5], "requestId": "989ffbf8",
}  # fmt: skip


class Clock:
    def now(self) -> float:
        return AT

    def monotonic(self) -> float:
        return AT


def test_a_document_gives_each_value_of_each_metric_for_each_set_of_dimensions() -> None:
    version, both = (("functionVersion", "$LATEST"),), (("functionVersion", "$LATEST"), ("stage", "1"))
    found = list(datapoints([json.dumps(EXAMPLE)]))
    assert {point.at for point in found} == {1574109732.004}
    assert [(p.metric.dimensions, p.metric.name, p.metric.unit, p.value) for p in found] == [
        (dims, name, unit, value)
        for dims in (version, both, ())
        for name, unit, value in (("time", "Milliseconds", 100.0), ("used", "None", 1.0), ("used", "None", 2.5))
    ]
    assert {point.metric.namespace for point in found} == {"lambda-function-metrics"}


def test_what_functions_write_is_read_back() -> None:
    cpu, rooms = Metric("ours", "CPU", (("Host", "a"),), "Percent"), Metric("ours", "Rooms", (), "Count")
    written = [Datapoint(cpu, AT, 81.5), Datapoint(cpu, AT, 12.0), Datapoint(rooms, AT, 4.0, 3.0)]
    lines: list[str] = []
    EmbeddedMetrics(Clock(), lines.append).publish(written)
    read = list(datapoints(lines))
    assert sorted((p.metric.name, p.at, p.value) for p in read) == [
        ("CPU", AT, 12.0), ("CPU", AT, 81.5), ("Rooms", AT, 4.0), ("Rooms", AT, 4.0), ("Rooms", AT, 4.0),
    ]  # fmt: skip
    assert {p.metric for p in read} == {cpu, rooms}


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 1",
        "text with _aws and {}",
        '{"_aws"',
        '{"_aws": 5}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}}',
        # A metric without its value: CloudWatch takes none of the document.
        json.dumps({**EXAMPLE, "used": None}),
        json.dumps({name: value for name, value in EXAMPLE.items() if name != "stage"}),
        json.dumps({**EXAMPLE, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [5]}}),
    ],
)
def test_what_is_no_such_document_is_passed_over_as_a_whole(line: str) -> None:
    assert list(datapoints([line, json.dumps(EXAMPLE)])) == list(datapoints([json.dumps(EXAMPLE)]))
    assert len(list(datapoints([line, json.dumps(EXAMPLE)]))) == 9


def line_of(reply: Reply) -> str:
    call = Call(
        token="e/s#0", key="e/s", execution="rehearsal-1-0", pipeline="metrics", task="collect_cpu", state="Collect",
        event=b"{}", started_at=AT, slot=None, attempt=0, timeout_seconds=30.0,
    )  # fmt: skip
    return call_line(call, reply, request_id="r", cold=True, trace_id="")


def test_a_call_that_ended_is_known_by_its_line() -> None:
    good, bad = Reply(output=b"1"), Reply(error="InvalidInput", cause="no")
    assert list(ended_calls([line_of(good), line_of(bad)])) == [
        Ended("collect_cpu", "rehearsal-1-0", "Collect"),
        Ended("collect_cpu", "rehearsal-1-0", "Collect", "InvalidInput"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "REPORT RequestId: 1 execution",
        '{"execution": "e", "task": "t", "state": "s"}',
        '{"execution": "e", "task": "t", "state": "s", "error": "Mine", "level": "ERROR"}',
        '{"execution": 5}',
        '{"execution": ',
        '["execution"]',
    ],
)
def test_a_users_own_line_is_no_call_that_ended(line: str) -> None:
    assert list(ended_calls([line])) == []
