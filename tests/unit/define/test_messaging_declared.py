"""Queues, buses and what their events start, as they are declared; and what is wrong with them."""

from typing import Any

import pytest

from penstock import Pipeline, days, hours, minutes, seconds
from penstock.errors import DefinitionError
from penstock.model.access import Grant, Kind
from penstock.model.queues import Queue
from penstock.model.workflow import EventTrigger


def codes(pipeline: Pipeline) -> set[str]:
    with pytest.raises(DefinitionError) as refused:
        pipeline.build()
    found: list[dict[str, str]] = refused.value.data["findings"]
    place = "tests/unit/define/test_messaging_declared.py:"
    assert all(one["where"].startswith(place) and one["hint"] for one in found)
    return {one["code"] for one in found}


def test_a_queue_and_a_bus_as_they_are_declared() -> None:
    pipeline = Pipeline("shop")
    plain, own = pipeline.queue("jobs"), pipeline.queue("slow", visibility=minutes(15), retain=days(14))
    bus = pipeline.event_bus("shop-events")
    # SQS's own defaults: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
    assert (plain.visibility_seconds, plain.retain_seconds) == (30, 345_600)
    assert (own.visibility_seconds, own.retain_seconds) == (900, 1_209_600)
    grants = (plain.send, plain.receive, bus.put)
    assert grants == (
        Grant(Kind.QUEUE, "jobs", "send"), Grant(Kind.QUEUE, "jobs", "receive"),
        Grant(Kind.EVENT_BUS, "shop-events", "put"),
    )  # fmt: skip

    @pipeline.task(may=grants)
    def work(event: Any, context: Any) -> None: ...

    definition = pipeline.build()
    assert definition.queues.keys() == {"jobs", "slow"}
    assert definition.event_buses.keys() == {"shop-events"}
    assert definition.tasks["work"].grants == grants


def test_what_an_event_starts() -> None:
    pipeline = Pipeline("shop")
    bus = pipeline.event_bus("shop-events")

    @pipeline.task
    def bill(event: Any, context: Any) -> None: ...

    settle = pipeline.workflow("settle", bill)
    one = pipeline.on_event(bus, bill, source="shop.orders")
    other = pipeline.on_event(bus, settle, detail_type=["Paid", "Refunded", "Paid"], name="paid")
    definition = pipeline.build()
    assert (one.name, one.workflow, one.source, one.detail_type) == ("bill", "bill", ("shop.orders",), ())
    assert (other.name, other.workflow, other.detail_type) == ("paid", "settle", ("Paid", "Refunded"))
    assert definition.event_triggers == {"bill": one, "paid": other}
    # A task alone is tried three times, as for objects.
    assert b'"MaxAttempts": 2' in definition.workflows["bill"].definition


@pytest.mark.parametrize(
    ("source", "detail_type", "expected"),
    [
        (("a",), (), [True, True, False, False]),
        ((), ("X",), [True, False, True, False]),
        (("a",), ("X",), [True, False, False, False]),
        (("a", "b"), ("X", "Y"), [True, True, True, True]),
        (("A",), (), [False, False, False, False]),
    ],
)
def test_lists_match_exactly(source: tuple[str, ...], detail_type: tuple[str, ...], expected: list[bool]) -> None:
    """Any of a list, all of the fields: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"""
    trigger = EventTrigger(name="t", bus="b", workflow="w", source=source, detail_type=detail_type)
    assert [trigger.matches(*event) for event in (("a", "X"), ("a", "Y"), ("b", "X"), ("b", "Y"))] == expected


def test_what_sqs_and_eventbridge_do_not_have_is_refused() -> None:
    pipeline = Pipeline("shop")
    pipeline.queue("slow", visibility=hours(13))
    pipeline.queue("short", retain=seconds(59))
    pipeline.queue("no.dots")
    pipeline.event_bus("default")
    assert codes(pipeline) == {"queue-visibility", "queue-retention", "name"}


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"source": ""},
        {"source": [7]},
        {"source": "aws.s3"},
        {"source": "s" * 257},
        {"detail_type": "t" * 129},
        {"source": [f"source-{number:04}" for number in range(200)]},
    ],
    ids=lambda pattern: repr(pattern)[:30],
)
def test_a_pattern_that_makes_no_sense_is_refused(pattern: dict[str, Any]) -> None:
    pipeline = Pipeline("shop")
    bus = pipeline.event_bus("shop-events")

    @pipeline.task
    def bill(event: Any, context: Any) -> None: ...

    pipeline.on_event(bus, bill, **pattern)
    assert codes(pipeline) == {"event-pattern"}


def test_what_belongs_to_another_pipeline_is_refused() -> None:
    pipeline, other = Pipeline("shop"), Pipeline("other")

    @pipeline.task(may=[other.queue("jobs").send])
    def bill(event: Any, context: Any) -> None: ...

    pipeline.on_event(other.event_bus("theirs"), bill, source="x")
    assert codes(pipeline) == {"unknown-resource", "unknown-bus"}


def test_a_trigger_of_objects_and_one_of_events_have_names_of_their_own() -> None:
    import msgspec

    class Order(msgspec.Struct):
        id: str

    pipeline = Pipeline("shop")
    orders, bus = pipeline.lake("orders", Order), pipeline.event_bus("shop-events")

    @pipeline.task
    def bill(event: Any, context: Any) -> None: ...

    settle = pipeline.workflow("settle", bill)
    pipeline.on_object(orders, settle)
    pipeline.on_event(bus, settle, source="x")
    assert codes(pipeline) == {"duplicate-name"}


def test_an_event_bus_defined_twice_is_called_one() -> None:
    pipeline = Pipeline("shop")
    pipeline.event_bus("told")
    pipeline.event_bus("told")
    with pytest.raises(DefinitionError, match="event bus 'told' is defined twice"):
        pipeline.build()


def test_two_pipelines_of_a_home_share_no_queue() -> None:
    from penstock.errors import LoadError
    from penstock.runtime.machine.loader import check_together

    one, two = Pipeline("one"), Pipeline("two")
    jobs: Queue = one.queue("jobs")
    assert two.queue("jobs") != jobs
    with pytest.raises(LoadError, match="both have a queue 'jobs'"):
        check_together({"one": one.build(), "two": two.build()})
