"""The adapters of AWS where the service throttles, fails in part, or cuts its answer into pages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted_aws import Answer, ScriptedAws, as_json, serving

from penstock.adapters.aws.alarms import CloudWatchAlarms
from penstock.adapters.aws.catalog import GlueCatalog
from penstock.adapters.aws.executions import StepFunctionsExecutions
from penstock.adapters.aws.logs import CloudWatchLogs
from penstock.adapters.aws.metrics import CloudWatchMetricStore
from penstock.adapters.aws.queues import QueueCounts, SqsQueue
from penstock.adapters.aws.secrets import SecretsManagerSecrets
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import (
    AccessDeniedError,
    PenstockError,
    ThrottledError,
    UnavailableError,
    ValidationError,
)
from penstock.model.metrics import Datapoint, Metric, Statistics
from penstock.ports.alarms import AlarmChange
from penstock.ports.journal import Status

NOW = 1_771_574_220.0
ARN = "arn:aws:states:eu-central-1:123456789012:execution:prod-collect:one"
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:prod-collect"
RUN = {"executionArn": ARN, "stateMachineArn": MACHINE, "name": "one", "status": "RUNNING", "startDate": NOW}
CPU = Metric("N", "CPU", (("Host", "a"),), "Percent")

TOO_FAST = as_json({"__type": "ThrottlingException", "message": "Rate exceeded"}, 400)
TOO_MANY = Answer(429)
DOWN = Answer(503)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    with serving(monkeypatch) as aws:
        yield aws


Case = tuple[Callable[[], Any], Any, Any]
CASES: dict[str, Case] = {
    "executions": (
        lambda: StepFunctionsExecutions({"collect": MACHINE}).describe(ARN).status, RUN, Status.RUNNING,
    ),
    "logs": (
        lambda: [line.message for line in CloudWatchLogs().read(["/group"], NOW)],
        {"events": [{"timestamp": 1000, "message": "a", "logStreamName": "s", "eventId": "1"}]}, ["a"],
    ),
    "queues": (
        lambda: SqsQueue("http://localhost/1/work").counts(),
        {"Attributes": {f"ApproximateNumberOfMessages{name}": "3" for name in ("", "NotVisible", "Delayed")}},
        QueueCounts(3, 3, 3),
    ),
    "secrets": (
        lambda: SecretsManagerSecrets(VirtualClock(NOW)).get("TOKEN"), {"SecretString": "value"}, "value",
    ),
    "catalog": (lambda: GlueCatalog().databases(), {"DatabaseList": [{"Name": "lake"}]}, ["lake"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_throttled_request_is_made_again(scripted: ScriptedAws, name: str) -> None:
    call, answer, wanted = CASES[name]
    scripted.script = [TOO_FAST, as_json(answer)]
    assert call() == wanted
    assert len(set(scripted.operations)) == 1
    assert len(scripted.asked) == 2


@pytest.mark.parametrize("refusal", [TOO_MANY, DOWN, Answer(500)], ids=["429", "503", "500"])
def test_a_request_is_made_again_by_its_status(scripted: ScriptedAws, refusal: Answer) -> None:
    scripted.script = [refusal, as_json({"SecretString": "value"})]
    assert SecretsManagerSecrets(VirtualClock(NOW)).get("TOKEN") == "value"
    assert len(scripted.asked) == 2


@pytest.mark.slow
def test_five_attempts_are_made(scripted: ScriptedAws) -> None:
    scripted.script = [TOO_FAST] * 9
    with pytest.raises(ThrottledError, match="Rate exceeded") as refused:
        GlueCatalog().databases()
    assert refused.value.retryable
    assert len(scripted.asked) == 5


def test_a_service_that_is_down_is_asked_five_times(scripted: ScriptedAws) -> None:
    scripted.script = [DOWN] * 9
    with pytest.raises(UnavailableError):
        GlueCatalog().databases()
    assert len(scripted.asked) == 5


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDeniedException", AccessDeniedError), ("ExpiredTokenException", AccessDeniedError),
        ("ValidationException", ValidationError), ("InvalidInputException", ValidationError),
    ],
)  # fmt: skip
def test_what_cannot_help_is_not_repeated(scripted: ScriptedAws, code: str, error: type[PenstockError]) -> None:
    scripted.script = [as_json({"__type": code, "message": "no"}, 400)]
    with pytest.raises(error, match="cannot list the databases"):
        GlueCatalog().databases()
    assert len(scripted.asked) == 1


def test_nobody_is_there(scripted: ScriptedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError) as refused:
        GlueCatalog().databases()
    assert "AWS_ENDPOINT_URL" in refused.value.hint


def test_a_large_batch_of_metrics_is_cut_by_number(scripted: ScriptedAws) -> None:
    throttled = Answer(400, b"", {"X-Amzn-Query-Error": "Throttling;Sender"})
    scripted.script = [as_json({}), throttled, as_json({}), as_json({})]
    store = CloudWatchMetricStore(VirtualClock(NOW))
    points = [Datapoint(CPU, NOW - number % 600, float(number)) for number in range(2500)]
    other = Datapoint(Metric("M", "x"), NOW, 1.0)
    with pytest.raises(PenstockError, match="ScriptIsOver"):
        store.publish([*points, other])
    # The throttled one again, and the other namespace by itself.
    assert [asked.body.count(b"MetricName") for asked in scripted.asked] == [1000, 1000, 1000, 500, 1]
    assert set(scripted.operations) == {"PutMetricData"}


def test_a_large_batch_of_metrics_is_cut_by_size(scripted: ScriptedAws) -> None:
    scripted.script = [as_json({})] * 100
    wide = tuple((f"dimension-{number:02}", "ä" * 1000) for number in range(30))
    store = CloudWatchMetricStore(VirtualClock(NOW))
    store.publish([Datapoint(Metric("N", f"metric-{number}", wide), NOW, 1.0) for number in range(50)])
    sizes = [len(asked.body) for asked in scripted.asked]
    assert sum(asked.body.count(b"MetricName") for asked in scripted.asked) == 50
    # 50 times 30 dimensions of 2000 bytes are 3 MB.
    assert sum(sizes) > 3_000_000
    assert max(sizes) <= 1_000_000


def of_statistic(key: str, times: list[float], values: list[float], status: str = "Complete") -> dict[str, Any]:
    return {"Id": key, "Timestamps": times, "Values": values, "StatusCode": status}


def test_a_metric_comes_in_pages(scripted: ScriptedAws) -> None:
    first = [of_statistic(key, [NOW - 120], [value], "PartialData") for key, value in
             {"count": 2.0, "sum": 6.0, "minimum": 1.0, "maximum": 5.0}.items()]  # fmt: skip
    second = [of_statistic(key, [NOW - 60], [4.0]) for key in ("sum", "count", "maximum", "minimum")]
    scripted.script = [
        as_json({"MetricDataResults": first, "NextToken": "more"}), as_json({"MetricDataResults": second}),
    ]  # fmt: skip
    store = CloudWatchMetricStore(VirtualClock(NOW))
    assert store.statistics(CPU, NOW - 300, NOW, 60) == [
        Statistics(NOW - 120, 2.0, 6.0, 1.0, 5.0), Statistics(NOW - 60, 4.0, 4.0, 4.0, 4.0),
    ]  # fmt: skip
    assert scripted.operations == ["GetMetricData"] * 2
    assert b"more" in scripted.asked[1].body


def test_a_metric_that_cannot_be_read(scripted: ScriptedAws) -> None:
    scripted.script = [as_json({"MetricDataResults": [of_statistic("sum", [], [], "InternalError")]})]
    with pytest.raises(UnavailableError, match="InternalError"):
        CloudWatchMetricStore(VirtualClock(NOW)).values(CPU, NOW - 300, NOW)


def change(old: str, new: str, at: float) -> dict[str, Any]:
    # The form is that of the AWS CLI's example of describe-alarm-history.
    data = (
        f'{{"version":"1.0","oldState":{{"stateValue":"{old}","stateReason":"testing"}},'
        f'"newState":{{"stateValue":"{new}","stateReason":"Threshold Crossed","stateReasonData":{{"period":300}}}}}}'
    )
    return {"AlarmName": "prod-High", "Timestamp": at, "HistoryItemType": "StateUpdate", "HistoryData": data}


def test_the_history_of_an_alarm_comes_in_pages(scripted: ScriptedAws) -> None:
    scripted.script = [
        as_json({"AlarmHistoryItems": [change("ALARM", "OK", NOW)], "NextToken": "more"}),
        as_json({"AlarmHistoryItems": [change("OK", "ALARM", NOW - 60)], "NextToken": "even more"}),
    ]
    assert CloudWatchAlarms("metrics", "prod-").history("High", limit=2) == [
        AlarmChange(
            pipeline="metrics", alarm="High", at=at, previous=previous, state=state,
            reason="Threshold Crossed", data={"period": 300},
        )
        for at, previous, state in [(NOW, "ALARM", "OK"), (NOW - 60, "OK", "ALARM")]
    ]  # fmt: skip
    assert scripted.operations == ["DescribeAlarmHistory"] * 2


def test_a_change_with_data_that_were_cut(scripted: ScriptedAws) -> None:
    item = change("OK", "ALARM", NOW)
    item |= {"HistoryData": item["HistoryData"][:60], "HistorySummary": "Alarm updated from OK to ALARM"}
    scripted.script = [as_json({"AlarmHistoryItems": [item]})]
    (found,) = CloudWatchAlarms("metrics", "prod-").history("High")
    assert (found.previous, found.state, found.data) == ("OK", "ALARM", {})


def test_a_long_history_comes_in_pages(scripted: ScriptedAws) -> None:
    started = {"id": 1, "previousEventId": 0, "timestamp": NOW, "type": "ExecutionStarted",
               "executionStartedEventDetails": {"input": "{}"}}  # fmt: skip
    failed = {"id": 2, "previousEventId": 1, "timestamp": NOW + 1, "type": "ExecutionFailed",
              "executionFailedEventDetails": {"error": "Lost", "cause": "no host"}}  # fmt: skip
    scripted.script = [as_json({"events": [started], "nextToken": "more"}), as_json({"events": [failed]})]
    events = list(StepFunctionsExecutions({}).history(ARN))
    assert [(event.id, event.previous, event.at) for event in events] == [(1, 0, NOW), (2, 1, NOW + 1)]
    assert events[1].details == {"error": "Lost", "cause": "no host"}
    assert scripted.asked[1].document()["nextToken"] == "more"


def test_executions_come_in_pages(scripted: ScriptedAws) -> None:
    scripted.script = [
        as_json({"executions": [RUN], "nextToken": "more"}),
        as_json({"executions": [{**RUN, "status": "PENDING_REDRIVE", "redriveCount": 2}]}),
    ]
    found = list(StepFunctionsExecutions({"collect": MACHINE}).list("collect"))
    assert [(one.workflow, one.status, one.redrives) for one in found] == [
        ("collect", Status.RUNNING, 0), ("collect", Status.PENDING, 2),
    ]  # fmt: skip


def test_an_empty_page_of_a_log_is_not_its_end(scripted: ScriptedAws) -> None:
    line = {"timestamp": 1000, "message": "a", "logStreamName": "s", "eventId": "1"}
    scripted.script = [as_json({"events": [], "nextToken": "more"}), as_json({"events": [line]})]
    assert [found.message for found in CloudWatchLogs().read(["/group"], 0.0)] == ["a"]


def test_a_batch_is_not_larger_than_a_queue_takes(scripted: ScriptedAws) -> None:
    scripted.script = [as_json({"Successful": []})] * 9
    # Two of the second letter are 262144 bytes, the limit itself.
    SqsQueue("http://localhost/1/work").send(["a" * 200_000, "ä" * 65_536, "ä" * 65_536, "c"])
    sent = [[entry["MessageBody"][0] for entry in asked.document()["Entries"]] for asked in scripted.asked]
    assert sent == [["a"], ["ä", "ä"], ["c"]]


def test_what_a_queue_left_out_is_sent_again(scripted: ScriptedAws) -> None:
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    scripted.script = [as_json({"Successful": [], "Failed": [failed]}), as_json({"Successful": []})]
    SqsQueue("http://localhost/1/work").send(["a", "b", "c"])
    sent = [[entry["MessageBody"] for entry in asked.document()["Entries"]] for asked in scripted.asked]
    assert sent == [["a", "b", "c"], ["b"]]


def test_a_queue_that_leaves_out_for_ever(scripted: ScriptedAws) -> None:
    failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
    scripted.script = [as_json({"Successful": [], "Failed": [failed]})] * 9
    with pytest.raises(ThrottledError, match="1 messages are left over"):
        SqsQueue("http://localhost/1/work").send(["a"])
    assert len(scripted.asked) == 5


def test_a_message_that_a_queue_refuses_is_not_sent_again(scripted: ScriptedAws) -> None:
    failed = {"Id": "0", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "no text"}
    scripted.script = [as_json({"Successful": [], "Failed": [failed]})] * 2
    with pytest.raises(ValidationError, match="InvalidMessageContents: no text"):
        SqsQueue("http://localhost/1/work").send(["a"])
    assert len(scripted.asked) == 1
