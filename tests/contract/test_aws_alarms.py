"""States of alarms in CloudWatch, on moto, which evaluates none and keeps no history."""

import time

import pytest

from penstock.adapters.aws.alarms import CloudWatchAlarms
from penstock.adapters.aws.session import client
from penstock.model.alarms import AlarmState


@pytest.fixture
def alarms(aws: str) -> CloudWatchAlarms:
    for name in ("prod-Low", "prod-High", "staging-High"):
        client("cloudwatch").put_metric_alarm(
            AlarmName=name, Namespace="N", MetricName="CPU", Statistic="Average", Period=300, EvaluationPeriods=1,
            Threshold=80.0, ComparisonOperator="GreaterThanThreshold",
        )  # fmt: skip
    return CloudWatchAlarms("metrics", "prod-")


def test_the_states_are_those_of_the_prefix(alarms: CloudWatchAlarms) -> None:
    before = time.time()
    client("cloudwatch").set_alarm_state(AlarmName="prod-High", StateValue="ALARM", StateReason="85 is over 80")
    high, low = alarms.states()
    assert (high.alarm, high.state, high.reason, high.is_composite) == (
        "High", AlarmState.ALARM, "85 is over 80", False,
    )  # fmt: skip
    # The service tells times in milliseconds.
    assert before - 0.001 <= high.since <= time.time()
    assert low.alarm == "Low"


def test_all_pages_are_read(aws: str) -> None:
    for number in range(105):
        client("cloudwatch").put_metric_alarm(
            AlarmName=f"prod-{number:03}", Namespace="N", MetricName="CPU", Statistic="Sum", Period=60,
            EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
        )  # fmt: skip
    assert [one.alarm for one in CloudWatchAlarms("metrics", "prod-").states()] == [f"{n:03}" for n in range(105)]


def test_there_are_none(aws: str) -> None:
    assert CloudWatchAlarms("metrics", "prod-").states() == []
    assert CloudWatchAlarms("metrics", "prod-").history() == []
