"""Which executions a backfill starts, under which names, how many at once; and what it does when it is run again."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.deployments import metrics

from penstock import Pipeline
from penstock.adapters.aws.executions import DeployedExecution
from penstock.deploy.assets import backfill as job
from penstock.deploy.recovery import (
    THROTTLED_ATTEMPTS,
    Backfill,
    Start,
    filled_tables,
    next_attempt,
    repeated_messages,
    repeated_metrics,
    starts,
)
from penstock.errors import AlreadyExistsError, NotFoundError, ThrottledError
from penstock.model.pipeline import Definition
from penstock.ports.journal import Status
from penstock.ports.objects import ObjectInfo


class Sale(msgspec.Struct):
    id: str


def shop() -> Definition:
    """Returns a pipeline with two tables that trigger a workflow, and one that does not."""
    pipeline = Pipeline("shop")
    orders, returns, _ = (pipeline.lake(name, Sale) for name in ("orders", "returns", "visits"))
    stock = pipeline.hot_table("Stock", key="item")
    pipeline.hot_table("Prices", key="item")
    people = pipeline.topic("people", "console:")

    @pipeline.task(may=[orders.read, stock.put])
    def book(event: Any, context: Any) -> None:
        """Books."""

    @pipeline.task(may=[returns.read, stock.get, people.publish])
    def refund(event: Any, context: Any) -> None:
        """Refunds."""

    pipeline.on_object(orders, book)
    pipeline.on_object(returns, refund)
    return pipeline.build()


class Bucket:
    """A lake with three orders, written in another order than that of their keys, and a return."""

    objects = (
        ObjectInfo("raw/orders/year=2026/a.json", 1, 30.0, ""),
        ObjectInfo("raw/orders/year=2026/b.json", 2, 10.0, ""),
        ObjectInfo("raw/orders/year=2026/c.json", 3, 20.0, ""),
        ObjectInfo("raw/returns/year=2026/d.json", 4, 15.0, ""),
        ObjectInfo("raw/visits/year=2026/e.json", 5, 15.0, ""),
        ObjectInfo("quarantine/orders/year=2026/f.json", 6, 15.0, ""),
    )

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        return (one for one in self.objects if one.key.startswith(prefix))


def wanted(**chosen: Any) -> list[Start]:
    return starts(shop(), Bucket(), label="l", **chosen)  # type: ignore[arg-type]


def names(found: list[Start]) -> str:
    return "".join(one.key.rpartition("/")[2][0] for one in found)


def test_objects_of_triggers_are_put_through_in_the_order_in_which_they_were_written() -> None:
    assert names(wanted()) == "bdca"
    assert [one.workflow for one in wanted()] == ["book", "refund", "book", "book"]
    assert names(wanted(tables=["orders"])) == "bca"
    assert names(wanted(since=20.0)) == "ca"


def test_a_table_that_triggers_nothing_is_named() -> None:
    with pytest.raises(NotFoundError, match="triggered by table 'visits'") as unknown:
        wanted(tables=["orders", "visits"])
    assert "orders, returns" in unknown.value.hint


def test_the_input_is_that_of_a_new_object() -> None:
    assert json.loads(wanted()[0].document) == {"table": "orders", "key": "raw/orders/year=2026/b.json", "size": 2}


def test_names_follow_from_label_and_key_as_in_the_glue_job() -> None:
    digest = hashlib.sha256(b"l\nraw/orders/year=2026/b.json").hexdigest()
    assert wanted()[0].name == f"backfill-{digest[:40]}"
    started: list[dict[str, str]] = []

    class Workflows:
        def start_execution(self, **given: str) -> None:
            started.append(given)

    orders = wanted(tables=["orders"])
    trigger = {"table": "orders", "machine": "arn"}
    stored = [(one.key, json.loads(one.document)["size"]) for one in orders]
    job.start_all(Workflows(), trigger, stored, "l", 0, sleep=lambda seconds: None)
    assert [(one["name"], one["input"].encode()) for one in started] == [(one.name, one.document) for one in orders]


def test_what_a_backfill_touches_follows_from_the_grants() -> None:
    assert (filled_tables(shop()), repeated_messages(shop()), repeated_metrics(shop())) == (["Stock"], ["people"], [])
    assert filled_tables(metrics()) == ["InfraMetrics"]
    assert repeated_messages(metrics()) == []


class Executions:
    """A Step Functions in which each execution ends after it was looked at twice."""

    def __init__(self, *before: DeployedExecution, endings: Callable[[str], Status] | None = None) -> None:
        self.before = before
        self.started: list[str] = []
        self.most = 0
        self.refusals: Iterator[Exception | None] = itertools.repeat(None)
        self._endings = endings or (lambda name: Status.SUCCEEDED)
        self._looks: dict[str, int] = {one.arn: 0 for one in before if not one.status.is_final}

    def list(self, workflow: str, status: Status | None = None) -> Iterator[DeployedExecution]:
        return (one for one in self.before if one.workflow == workflow)

    def start(self, workflow: str, name: str, document: bytes) -> str:
        refusal = next(self.refusals)
        if refusal is not None:
            raise refusal
        self.started.append(name)
        self._looks[f"arn:{name}"] = 0
        self.most = max(self.most, len(self._looks))
        return f"arn:{name}"

    def describe(self, arn: str) -> DeployedExecution:
        self._looks[arn] += 1
        status = Status.RUNNING
        if self._looks[arn] == 2:
            del self._looks[arn]
            status = self._endings(arn.removeprefix("arn:"))
        return execution(arn.removeprefix("arn:"), status)


def execution(name: str, status: Status, workflow: str = "on-orders") -> DeployedExecution:
    error = "Broken" if status is Status.FAILED else None
    return DeployedExecution(
        arn=f"arn:{name}", name=name, workflow=workflow, status=status, started_at=0.0, error=error
    )


def start(number: int) -> Start:
    return Start(workflow="on-orders", key=f"raw/orders/{number}", name=f"backfill-{number}", document=b"{}")


def backfill(executions: Executions, **chosen: Any) -> Backfill:
    return Backfill(executions, pause=lambda seconds: None, **chosen)  # type: ignore[arg-type]


def test_no_more_run_at_once_than_may() -> None:
    executions, told = Executions(), list[int]()
    outcome = backfill(executions, concurrency=3, progress=lambda one: told.append(one.succeeded)).run(
        map(start, range(10))
    )
    assert (outcome.started, outcome.succeeded, outcome.repeated, outcome.failures) == (10, 10, 0, [])
    assert executions.most == 3
    assert told == list(range(1, 11))


def test_a_backfill_that_was_stopped_goes_on() -> None:
    executions = Executions(
        execution("backfill-0", Status.SUCCEEDED),
        execution("backfill-1", Status.RUNNING),
        execution("backfill-2", Status.FAILED),
        execution("backfill-3", Status.FAILED),
        execution("backfill-3-2", Status.SUCCEEDED),
        execution("backfill-4", Status.SUCCEEDED, workflow="on-returns"),
    )
    outcome = backfill(executions).run(map(start, range(6)))
    assert executions.started == ["backfill-2-2", "backfill-4", "backfill-5"]
    assert (outcome.started, outcome.repeated) == (3, 3)
    assert outcome.succeeded == 4, "that of the one that was still running is waited for"


def test_what_fails_is_told_with_its_object() -> None:
    executions = Executions(endings=lambda name: Status.FAILED if name == "backfill-1" else Status.SUCCEEDED)
    outcome = backfill(executions).run(map(start, range(3)))
    assert (outcome.started, outcome.succeeded) == (3, 2)
    assert [(one.key, one.execution, one.error) for one in outcome.failures] == [
        ("raw/orders/1", "backfill-1", "Broken")
    ]


def test_an_execution_that_the_list_did_not_have_yet_is_no_failure() -> None:
    executions = Executions()
    executions.refusals = iter([AlreadyExistsError("there"), None])
    outcome = backfill(executions).run(map(start, range(2)))
    assert (outcome.started, outcome.repeated, outcome.failures) == (1, 1, [])


def test_a_throttle_is_waited_out_but_not_for_ever() -> None:
    executions, pauses = Executions(), list[float]()
    executions.refusals = iter([*[ThrottledError("slow down")] * (THROTTLED_ATTEMPTS - 1), None])
    assert Backfill(executions, pause=pauses.append).run([start(0)]).started == 1  # type: ignore[arg-type]
    assert pauses.count(5.0) == THROTTLED_ATTEMPTS - 1
    executions.refusals = itertools.repeat(ThrottledError("slow down"))
    with pytest.raises(ThrottledError):
        backfill(executions).run([start(1)])


@pytest.mark.parametrize(
    ("before", "name", "is_new"),
    [
        ({}, "n", True),
        ({"n": Status.SUCCEEDED}, "n", False),
        ({"n": Status.RUNNING}, "n", False),
        ({"n": Status.PENDING}, "n", False),
        ({"n": Status.FAILED}, "n-2", True),
        ({"n": Status.TIMED_OUT, "n-2": Status.ABORTED}, "n-3", True),
        ({"n": Status.FAILED, "n-2": Status.RUNNING}, "n-2", False),
        ({"n-2": Status.SUCCEEDED}, "n", True),
    ],
)
def test_a_name_is_used_once(before: dict[str, Status], name: str, is_new: bool) -> None:
    attempt, found = next_attempt("n", {one: execution(one, status) for one, status in before.items()})
    assert (attempt, found is None) == (name, is_new)
