"""A workflow on an instance: retries wait, what is caught goes on, and metrics and lines tell of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock import Context, Invoke, Pipeline, seconds
from penstock.adapters.virtual.clock import VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.errors import NotFoundError
from penstock.model.metrics import Datapoint
from penstock.ports.invoke import Answer
from penstock.runtime.aws.instance import WorkflowRun
from penstock.runtime.aws.instance_entry import fitted
from penstock.runtime.aws.ports import LambdaPorts
from penstock.runtime.invoke import TaskCaller

NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z


class Clocked(InlineInvoker):
    """Time passes where nothing is to be done."""

    def __init__(self, clock: VirtualClock, perform: Any) -> None:
        super().__init__(perform)
        self._clock = clock

    def wait(self, timeout_seconds: float) -> list[Answer]:
        if not self._queue:
            self._clock.advance(timeout_seconds)
        return super().wait(0)


class Shop:
    """A pipeline whose task fails as often as it is told, and the instance that runs it."""

    def __init__(self, failures: int) -> None:
        self.clock = VirtualClock(NOW)
        self.lines: list[dict[str, Any]] = []
        self.points: list[Datapoint] = []
        self.calls: list[tuple[float, Any]] = []
        self.caught: list[Any] = []
        pipeline = Pipeline("shop", namespace="Shop")

        @pipeline.task(errors=pipeline.metric("Errors", "Count"), memory=3008)
        def work(event: Any, context: Context) -> str:
            self.calls.append((self.clock.now(), event))
            if len(self.calls) <= failures:
                raise ConnectionError("not yet")
            return "done"

        @pipeline.task
        def tell(event: Any, context: Context) -> None:
            self.caught.append(event)

        run = pipeline.workflow("shop", Invoke(work).retry(times=2, every=seconds(10)).catch(tell))
        pipeline.cron("0 6 * * ? *", run, name="daily", input={"of": "the shop"})
        self.definition = pipeline.build()

    def publish(self, data: Any, *, token: str | None = None) -> bool:
        self.points += data
        return True

    def run(self, schedule: str = "daily") -> Any:
        invoker = Clocked(self.clock, TaskCaller({"shop": self.definition}, LambdaPorts))
        run = WorkflowRun(
            self.definition, invoker=invoker, metrics=self, clock=self.clock,
            write=lambda line: self.lines.append(json.loads(line)),
        )  # fmt: skip
        return run.of_schedule(schedule)


def test_a_workflow_has_its_schedules_input_and_last_slot() -> None:
    shop = Shop(failures=0)
    ended = shop.run()
    assert (ended.status, ended.output) == ("SUCCEEDED", "done")
    ((_, event),) = shop.calls
    assert event == {"of": "the shop", "slot": "2026-02-20T06:00:00Z"}
    assert [line["message"] for line in shop.lines] == ["work succeeded", "workflow shop succeeded"]


def test_what_fails_is_tried_again_after_its_time() -> None:
    """The second wait is twice the first: BackoffRate is 2 where a state says nothing else."""
    shop = Shop(failures=2)
    assert shop.run().status == "SUCCEEDED"
    assert [at - NOW for at, _ in shop.calls] == [0, 10, 30]
    assert [point.value for point in shop.points] == [1.0, 1.0, 0.0]
    assert [(line["level"], line.get("attempt")) for line in shop.lines] == [
        ("ERROR", 0), ("ERROR", 1), ("INFO", 2), ("INFO", None),
    ]  # fmt: skip


def test_what_fails_for_good_is_caught() -> None:
    shop = Shop(failures=3)
    ended = shop.run()
    assert (ended.status, ended.error) == ("FAILED", "ConnectionError")
    (caught,) = shop.caught
    assert caught["Error"] == "ConnectionError"
    assert len(shop.calls) == 3


def test_a_schedule_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFoundError, match="no schedule 'weekly'"):
        Shop(failures=0).run("weekly")


def test_tasks_ask_for_no_more_memory_than_there_is() -> None:
    """70 % of 1911 MB, which Linux has of the 2 GiB of a t3.small."""
    tasks = fitted(Shop(0).definition, 1911).tasks
    assert (tasks["work"].memory_mb, tasks["tell"].memory_mb) == (1337, Shop(0).definition.tasks["tell"].memory_mb)
