"""What a task can do with queues and event buses, and what a trigger makes of an event; in a sandbox."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline, minutes, seconds
from penstock.model.buses import EventBus
from penstock.model.queues import Queue
from penstock.ports.events import BusEvent
from penstock.ports.journal import Execution, Filter
from penstock.testing.sandbox import DEFAULT_NOW, Sandbox

JOBS = Queue(name="jobs")
TOLD = EventBus(name="told")


def outcome(execution: Execution) -> Any:
    assert execution.status == "SUCCEEDED", execution.cause
    return msgspec.json.decode(execution.output or b"null")


def executions(sandbox: Sandbox, workflow: str) -> list[Execution]:
    return sandbox.home.journal.find(Filter(workflow=workflow))


def test_a_task_sends_values_and_receives_them(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")
    jobs = pipeline.queue("jobs")
    values = [{"id": 7, "text": "grüß"}, [1.5, None, True], "123", ""]

    @pipeline.task(may=[jobs.send, jobs.receive])
    def work(event: Any, context: Any) -> Any:
        for value in values:
            context[jobs].send(value, attributes={"kind": "order"})
        received = []
        for message in context[jobs].receive(limit=100):
            received.append([message.value, message.attributes["kind"], message.receives, message.sent_at])
            message.delete()
        return received

    pipeline.workflow("work", work)
    with Sandbox(pipeline, tmp_path) as sandbox:
        assert outcome(sandbox.run()) == [[value, "order", 1, DEFAULT_NOW] for value in values]
        assert sandbox.home.queues.counts(JOBS).in_flight == 0


def test_more_than_ten_are_fetched_only_as_they_are_asked_for(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")
    jobs = pipeline.queue("jobs")

    @pipeline.task(may=[jobs.send, jobs.receive])
    def work(event: Any, context: Any) -> Any:
        for number in range(25):
            context[jobs].send(number)
        messages = context[jobs].receive(limit=23)
        first = next(messages).value
        in_flight = [context._ports.queues.counts(jobs).in_flight]
        rest = [message.value for message in messages]
        return [first, in_flight, len(rest)]

    pipeline.workflow("work", work)
    with Sandbox(pipeline, tmp_path) as sandbox:
        assert outcome(sandbox.run()) == [0, [10], 22]
        assert sandbox.home.queues.counts(JOBS).waiting == 2


def test_a_message_can_be_kept_given_back_and_delayed(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")
    jobs = pipeline.queue("jobs")

    @pipeline.task(may=[jobs.send, jobs.receive])
    def work(event: Any, context: Any) -> Any:
        handle = context[jobs]
        handle.send("later", delay=minutes(5))
        handle.send("now")
        [message] = handle.receive(visibility=seconds(1))
        message.hide(minutes(10))
        [] = handle.receive()
        message.hide(timedelta())
        [again] = handle.receive()
        return [again.id == message.id, again.receives]

    pipeline.workflow("work", work)
    with Sandbox(pipeline, tmp_path) as sandbox:
        assert outcome(sandbox.run()) == [True, 2]
        sandbox.clock.advance(300)
        assert sandbox.home.queues.counts(JOBS).waiting == 2


def test_a_retry_sends_and_puts_nothing_again(tmp_path: Path) -> None:
    pipeline = Pipeline("shop")
    jobs, told = pipeline.queue("jobs"), pipeline.event_bus("told")
    attempts = []

    @pipeline.task(may=[jobs.send, told.put])
    def work(event: Any, context: Any) -> Any:
        attempts.append(context.attempt)
        context[jobs].send("a")
        context[told].put("shop", "Placed", {"id": 7})
        context[jobs].send("a")
        if context.attempt < 2:
            raise ValueError("once more")

    @pipeline.task
    def heard(event: Any, context: Any) -> None: ...

    from penstock import Invoke

    pipeline.workflow("work", Invoke(work).retry(times=2))
    pipeline.on_event(told, heard, source="shop")
    with Sandbox(pipeline, tmp_path) as sandbox:
        outcome(sandbox.run(workflow="work"))
        assert attempts == [0, 1, 2]
        assert sandbox.home.queues.counts(JOBS).waiting == 2
        assert len(executions(sandbox, "heard")) == 1


@pytest.mark.parametrize("action", ["send", "receive", "put"])
def test_what_was_not_granted_is_refused_with_its_mend(tmp_path: Path, action: str) -> None:
    pipeline = Pipeline("shop")
    jobs, told = pipeline.queue("jobs"), pipeline.event_bus("told")
    others = {"send": [jobs.receive, told.put], "receive": [jobs.send, told.put], "put": [jobs.send, jobs.receive]}

    @pipeline.task(may=others[action])
    def work(event: Any, context: Any) -> None:
        if action == "send":
            context[jobs].send("a")
        elif action == "receive":
            context[jobs].receive()
        else:
            context[told].put("shop", "Placed", {})

    pipeline.workflow("work", work)
    with Sandbox(pipeline, tmp_path) as sandbox:
        execution = sandbox.run()
        assert execution.error == "AccessDeniedError"
        resource = "told" if action == "put" else "jobs"
        hint = msgspec.json.decode(str(execution.cause))["hint"]
        assert hint.startswith(f"add `<{resource}>.{action}` to its may=[…] at ")


@pytest.mark.parametrize(
    "value", [object(), float("nan"), [1, {"a": float("inf")}], {1j: 2}], ids=["object", "nan", "inf", "key"]
)
@pytest.mark.parametrize("to", ["queue", "bus"])
def test_what_cannot_be_json_is_refused(tmp_path: Path, value: Any, to: str) -> None:
    pipeline = Pipeline("shop")
    jobs, told = pipeline.queue("jobs"), pipeline.event_bus("told")

    @pipeline.task(may=[jobs.send, told.put])
    def work(event: Any, context: Any) -> None:
        if to == "queue":
            context[jobs].send(value)
        else:
            context[told].put("shop", "Placed", {"value": value})

    pipeline.workflow("work", work)
    with Sandbox(pipeline, tmp_path) as sandbox:
        assert sandbox.run().error == "ValidationError"
        assert sandbox.home.queues.counts(JOBS).waiting == 0
        assert sandbox.home.events.due(["told"], 9) == []


def listening() -> Pipeline:
    pipeline = Pipeline("shop", region="eu-central-1")
    told = pipeline.event_bus("told")
    pipeline.event_bus("other")

    @pipeline.task(may=[told.put])
    def order(event: Any, context: Any) -> Any:
        return context[told].put("shop.orders", "Placed", {"id": event["id"]}, resources=["order/7"])

    @pipeline.task
    def bill(event: Any, context: Any) -> Any:
        return event

    @pipeline.task
    def count(event: Any, context: Any) -> Any:
        return event["detail"]["id"]

    @pipeline.task
    def cancel(event: Any, context: Any) -> None: ...

    pipeline.workflow("order", order)
    pipeline.on_event(told, bill, source="shop.orders", detail_type="Placed")
    pipeline.on_event(told, count, source=["shop.orders", "shop.returns"])
    pipeline.on_event(told, cancel, source="shop.orders", detail_type="Cancelled")
    return pipeline


def test_an_event_starts_what_matches_it_with_the_whole_event(tmp_path: Path) -> None:
    with Sandbox(listening(), tmp_path) as sandbox:
        ordered = sandbox.run({"id": 7})
        event_id = outcome(ordered)
        [billed], [counted] = executions(sandbox, "bill"), executions(sandbox, "count")
        assert executions(sandbox, "cancel") == []
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
        assert outcome(billed) == {
            "version": "0",
            "id": event_id,
            "detail-type": "Placed",
            "source": "shop.orders",
            "account": "000000000000",
            "time": "2026-02-20T07:57:00Z",
            "region": "eu-central-1",
            "resources": ["order/7"],
            "detail": {"id": 7},
        }
        assert outcome(counted) == 7
        assert (billed.source, billed.root) == (f"event:{event_id}", ordered.id)


def test_an_event_from_outside_starts_executions_of_their_own(tmp_path: Path) -> None:
    with Sandbox(listening(), tmp_path) as sandbox:
        event = BusEvent(source="shop.returns", detail_type="Came back", detail={"id": 8})
        sandbox.home.events.put(TOLD, event)
        sandbox.home.events.put(EventBus(name="other"), event)
        sandbox.run({"id": 1}, workflow="order")
        by_event = [one for one in executions(sandbox, "count") if outcome(one) == 8]
        assert [one.root for one in by_event] == [one.id for one in by_event]
        assert len(by_event) == 1
        assert sandbox.home.events.due(["told", "other"], 9) == []


def test_more_events_than_a_batch_holds_are_all_dispatched(tmp_path: Path) -> None:
    with Sandbox(listening(), tmp_path) as sandbox:
        event = BusEvent(source="shop.orders", detail_type="Cancelled", detail={"id": 0})
        with sandbox.home.database.transaction():
            for _ in range(450):
                sandbox.home.events.put(TOLD, event)
        sandbox.run({"id": 1}, workflow="order")
        found = sandbox.home.journal.find(Filter(workflow="cancel", limit=1000))
        assert len(found) == 450
        assert {one.status for one in found} == {"SUCCEEDED"}
