"""What queues and events cost, calculated by hand."""

from typing import Any

import pytest

from penstock import Pipeline, days
from penstock.cost.estimate import estimate
from penstock.cost.lines import Line
from penstock.cost.traffic import traffic
from penstock.cost.usage import Usage
from penstock.model.pipeline import Definition


def shop(*, vpc: bool = False) -> Definition:
    """Once a day an order is placed, whose event starts the billing, which works through a queue."""
    pipeline = Pipeline("shop")
    bus, jobs = pipeline.event_bus("shop-events"), pipeline.queue("jobs")

    @pipeline.task(may=[bus.put])
    def order(event: Any, context: Any) -> None: ...

    @pipeline.task(may=[jobs.send])
    def bill(event: Any, context: Any) -> None: ...

    @pipeline.task(may=[jobs.receive])
    def work(event: Any, context: Any) -> None: ...

    pipeline.every(days(1), order, name="orders")
    pipeline.on_event(bus, bill, source="shop.orders")
    pipeline.on_event(bus, work, detail_type="OrderPlaced")
    if vpc:
        pipeline.aws(vpc=True)
    return pipeline.build()


def lines(definition: Definition, **used: Any) -> dict[str, Line]:
    return {one.price: one for one in estimate(definition, Usage(**used)).lines}


def test_events_start_what_they_match() -> None:
    month = traffic(shop(), Usage(events_per_call=3.0))
    assert month.events == {"shop-events": 90}
    assert month.runs == {"orders": 30, "bill": 90, "work": 90}
    # The three events of one execution come at once.
    assert month.starts == {"orders": 30, "bill": 30, "work": 30}


def test_events_and_messages_are_requests() -> None:
    found = lines(shop())
    assert found["events"].quantity == 30
    # 30 messages sent, received and deleted, and 30 calls that receive once more.
    assert found["sqs-requests"].quantity == 30 * 3 + 30


def test_long_messages_are_billed_by_64_kilobytes() -> None:
    found = lines(shop(), record_bytes=100 * 1024.0, messages_per_call=2.0)
    assert found["events"].quantity == 30 * 2
    # 60 messages of two parts, each sent and received, and deleted by one request; 30 calls that receive once more.
    assert found["sqs-requests"].quantity == 60 * (2 + 2 + 1) + 30


def test_a_million_events_cost_a_dollar() -> None:
    found = lines(shop(), runs={"orders": 1_000_000 - 30})
    assert found["events"].monthly_usd == pytest.approx(1.00)
    # 4,000,000 requests, of which one million is free, at forty cents a million
    assert found["sqs-requests"].monthly_usd == pytest.approx(1.20)


def test_a_network_has_an_endpoint_for_each_of_them() -> None:
    # 720 hours in two zones at two endpoints, a cent each
    assert lines(shop(vpc=True))["endpoint-hours"].monthly_usd == pytest.approx(28.80)


def test_what_states_send_by_themselves_is_no_call_of_a_task() -> None:
    import json

    import msgspec

    state = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    document = json.dumps({"StartAt": "Send", "States": {"Send": state}}).encode()
    definition = shop()
    workflow = msgspec.structs.replace(definition.workflows["orders"], definition=document)
    direct = msgspec.structs.replace(definition, workflows={**definition.workflows, "orders": workflow})
    found = lines(direct)
    assert found["sqs-requests"].quantity == 30 * 3
    assert "lambda-requests" not in found
