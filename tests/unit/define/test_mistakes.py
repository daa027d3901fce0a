"""A definition is checked whole: every mistake at once, each with its place and its mend."""

import msgspec
import pytest

from penstock import Choice, Fail, Parallel, Pipeline, Wait, hours, minutes, seconds, value
from penstock.errors import DefinitionError
from penstock.model.pipeline import Definition
from penstock.states import lint


class Reading(msgspec.Struct):
    room: str
    celsius: float


class Odd(msgspec.Struct):
    thing: object


def findings(pipeline: Pipeline) -> list[dict[str, str]]:
    with pytest.raises(DefinitionError) as refused:
        pipeline.build()
    found: list[dict[str, str]] = refused.value.data["findings"]
    assert all(one["where"].startswith("tests/unit/define/test_mistakes.py:") for one in found)
    assert all(one["hint"] for one in found)
    return found


def test_ten_mistakes_are_found_at_once() -> None:
    pipeline = Pipeline("Bad Name", tags={"aws:owner": "me"})
    raw = pipeline.lake("Readings", Odd)
    other = Pipeline("other").lake("elsewhere", Reading)
    metric = pipeline.metric("Never")
    alerts = pipeline.topic("alerts")

    @pipeline.task(memory=64, timeout=hours(1), may=[other.append, raw])  # type: ignore[list-item]
    def collect(event: object) -> None:
        """Takes too few arguments."""

    pipeline.cron("61 25 ? * * *", collect, name="often", timezone="Mars/Olympus")
    pipeline.alarm("Silent", metric=metric, above=1, below=0, period=seconds(90), notify=alerts)
    pipeline.composite_alarm("Both", 'ALARM("Nope") AND')
    pipeline.workflow("broken", "tests/unit/define/nothing.asl.json")
    codes = {one["code"] for one in findings(pipeline)}
    assert {
        "name", "tag", "record-type", "not-a-grant", "unknown-resource", "task-memory", "task-timeout",
        "task-signature", "schedule", "alarm-threshold", "alarm-window", "alarm-metric", "alarm-topic", "alarm-rule",
        "workflow-file",
    } <= codes  # fmt: skip


def test_a_name_given_twice_says_where_the_first_is() -> None:
    pipeline = Pipeline("p")
    pipeline.topic("alerts", "console:")
    pipeline.topic("alerts", "console:")
    (found,) = findings(pipeline)
    assert found["code"] == "duplicate-name"
    assert "first at tests/unit/define/test_mistakes.py:" in found["message"]


def test_a_trigger_must_not_feed_itself() -> None:
    pipeline = Pipeline("p")
    raw = pipeline.lake("readings", Reading)

    @pipeline.task(may=[raw.read, raw.append])
    def process(event: object, context: object) -> None:
        """Appends to what it is triggered by."""

    pipeline.on_object(raw, process)
    assert [one["code"] for one in findings(pipeline)] == ["endless-loop"]


def test_an_alarm_whose_period_is_shorter_than_the_schedule() -> None:
    pipeline = Pipeline("p")
    metric = pipeline.metric("M")

    @pipeline.task(may=[metric.publish])
    def work(event: object, context: object) -> None:
        """Publishes every three hours."""

    pipeline.every(hours(3), work)
    alerts = pipeline.topic("alerts", "console:")
    pipeline.alarm("A", metric=metric, above=1, period=minutes(5), for_periods=3, notify=alerts)
    (found,) = findings(pipeline)
    assert found["code"] == "alarm-period"
    assert "hours(3)" in found["hint"]


def test_an_alarm_on_the_hours_of_a_working_day_can_fire() -> None:
    pipeline = Pipeline("p")
    metric = pipeline.metric("M")

    @pipeline.task(may=[metric.publish])
    def work(event: object, context: object) -> None:
        """Publishes each hour from eight to six."""

    pipeline.cron("0 8-18 ? * MON-FRI *", work)
    alerts = pipeline.topic("alerts", "console:")
    pipeline.alarm("A", metric=metric, above=1, period=hours(1), for_periods=3, notify=alerts)
    assert "A" in pipeline.build().alarms


def test_a_dead_man_waits_for_the_jitter() -> None:
    def warm_up(jitter: int) -> int:
        pipeline = Pipeline("p")
        raw = pipeline.lake("readings", Reading)

        @pipeline.task(may=[raw.append])
        def collect(event: object, context: object) -> None:
            """Collects."""

        pipeline.every(hours(1), collect, jitter=seconds(jitter))
        return pipeline.build().alarms["dead-man-task-collect"].warm_up_seconds

    assert (warm_up(0), warm_up(1800)) == (7200, 10_800)


def complete() -> Definition:
    pipeline = Pipeline("p")
    raw = pipeline.lake("readings", Reading)

    @pipeline.task(may=[raw.append])
    def collect(event: object, context: object) -> None:
        """Collects."""

    @pipeline.task
    def tell(event: object, context: object) -> None:
        """Tells."""

    decide = Choice("Enough?").when((value("$[0]") > 3) & ~value("$[1]").is_null(), Wait("Rest", seconds(5)))
    steps = Parallel(collect, tell, name="Both").retry(times=3, max_delay=minutes(1), jitter=True).catch(tell)
    pipeline.every(hours(1), steps.then(decide.otherwise(Fail("Too little", error="Few"))))
    pipeline.every(hours(2), collect, name="second")
    return pipeline.build()


def test_what_the_builder_makes_is_amazon_states_language() -> None:
    definition = complete()
    for workflow in definition.workflows.values():
        assert lint(workflow.definition) == []
    document = msgspec.json.decode(definition.workflows["p"].definition)
    assert document["StartAt"] == "Both"
    branch = document["States"]["Both"]["Branches"][0]["States"]["collect"]
    assert branch["Resource"] == "arn:aws:states:::lambda:invoke"
    assert branch["Parameters"]["FunctionName"] == "p-collect"
    assert branch["Retry"] == [
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2.0,
         "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}
    ]  # fmt: skip
    assert document["States"]["Enough?"]["Default"] == "Too little"


def test_the_document_is_the_same_each_time() -> None:
    assert complete().workflows["p"].definition == complete().workflows["p"].definition


def test_every_scheduled_collector_and_data_set_has_a_dead_man() -> None:
    names = {name for name, alarm in complete().alarms.items() if alarm.derived}
    assert names == {"dead-man-task-collect", "dead-man-dataset-readings"}
