from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.alarms import Alarm, AlarmState, CompositeAlarm
from penstock.model.metrics import Metric
from penstock.watch.composite import evaluate as evaluate_composite
from penstock.watch.evaluate import Evaluation, evaluate, first_record, window
from penstock.watch.message import notification, subject, text

AT = datetime(2026, 2, 20, 7, 57, tzinfo=UTC).timestamp()
CPU = Metric("InfraMonitoring", "CPUUtilization", (("Host", "web-1"),), "Percent")
HIGH_CPU = Alarm(
    name="HighCPUUtilization",
    metric=CPU,
    threshold=80.0,
    period_seconds=10_800,
    evaluation_periods=2,
    datapoints_to_alarm=2,
    description="CPU usage exceeded 80% threshold",
)


def fired(alarm: Alarm = HIGH_CPU) -> Evaluation:
    end = window(alarm, AT)[1]
    return evaluate(alarm, None, {end - 10_800: 85.3, end - 21_600: 82.1}, AT)


def test_the_notification_is_the_seeds() -> None:
    # seeds/metrics-architecture.md, section 3.3; the reason and the account are CloudWatch's own.
    told = notification(HIGH_CPU, fired(), AT, "us-east-1", "123456789012")
    seed = {
        "AlarmName": "HighCPUUtilization",
        "AlarmDescription": "CPU usage exceeded 80% threshold",
        "NewStateValue": "ALARM",
        "StateChangeTime": "2026-02-20T07:57:00.000Z",
        "Region": "us-east-1",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:HighCPUUtilization",
    }
    assert seed.items() <= told.items()
    assert told["NewStateReason"] == (
        "Threshold Crossed: 2 datapoints [85.3 (20/02/26 04:57:00), 82.1 (20/02/26 01:57:00)] "
        "were greater than the threshold (80.0)."
    )
    assert (told["OldStateValue"], told["Severity"], told["AWSAccountId"]) == (
        "INSUFFICIENT_DATA", "WARNING", "123456789012"
    )  # fmt: skip


def test_the_trigger_is_cloudwatchs() -> None:
    assert notification(HIGH_CPU, fired(), AT, "us-east-1")["Trigger"] == {
        "MetricName": "CPUUtilization",
        "Namespace": "InfraMonitoring",
        "StatisticType": "Statistic",
        "Statistic": "AVERAGE",
        "Unit": "Percent",
        "Dimensions": [{"name": "Host", "value": "web-1"}],
        "Period": 10_800,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 80.0,
        "TreatMissingData": "missing",
        "EvaluateLowSampleCountPercentile": "",
    }


def test_a_percentile_is_an_extended_statistic() -> None:
    slow = Alarm(name="Slow", metric=Metric("N", "Duration"), threshold=1.0, statistic="p99.9")
    trigger = notification(slow, fired(slow), AT, "us-east-1")["Trigger"]
    assert (trigger["StatisticType"], trigger["ExtendedStatistic"], trigger["Unit"]) == (
        "ExtendedStatistic", "p99.9", None
    )  # fmt: skip
    assert "Statistic" not in trigger


def test_a_composite_alarm_has_its_rule_and_no_trigger() -> None:
    both = CompositeAlarm(name="Both", rule='ALARM("a") AND ALARM("b")')
    found = evaluate_composite(both, {"a": AlarmState.ALARM, "b": AlarmState.ALARM}, None, AT)
    told = notification(both, found, AT, "eu-west-1")
    assert told["AlarmRule"] == both.rule
    assert "Trigger" not in told
    assert told["AlarmArn"] == "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:Both"
    assert "Metric:" not in text(both, found, AT, "eu-west-1")


def test_the_subject_is_cloudwatchs() -> None:
    assert subject(HIGH_CPU, fired(), "us-east-1") == 'ALARM: "HighCPUUtilization" in us-east-1'


def test_a_long_subject_is_cut() -> None:
    line = subject(msgspec.structs.replace(HIGH_CPU, name="x" * 255), fired(), "us-east-1")
    assert line == f'ALARM: "{"x" * 89}...'


@given(st.text(min_size=1, max_size=300))
def test_any_name_makes_a_subject_that_sns_takes(name: str) -> None:
    alarm = Alarm(name=name, metric=CPU, threshold=1.0)
    record = first_record(AT)
    line = subject(alarm, Evaluation(record, True, AlarmState.ALARM, AlarmState.OK, ""), "us-east-1")
    assert len(line) <= 100
    assert line.isascii()
    assert line.isprintable()
    assert line.startswith('ALARM: "')


def test_the_text_is_short_and_says_what_why_and_where() -> None:
    assert text(HIGH_CPU, fired(), AT, "us-east-1").splitlines() == [
        "HighCPUUtilization (WARNING) went from INSUFFICIENT_DATA to ALARM at 2026-02-20 07:57:00 UTC, us-east-1.",
        "CPU usage exceeded 80% threshold",
        "Threshold Crossed: 2 datapoints [85.3 (20/02/26 04:57:00), 82.1 (20/02/26 01:57:00)] "
        "were greater than the threshold (80.0).",
        "Metric: InfraMonitoring / CPUUtilization{Host=web-1}, Average",
    ]
