"""A pipeline with one of everything that a workflow can be granted, and its services in a temporary home."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline
from penstock.model.access import Grant
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.ports.invoke import Call, Reply
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.home import Home

# An object, an event and an item that the tests write and ask for.
KEY = "raw/orders/year=2026/month=02/day=20/first.json"
PUT = {"Bucket": "lake", "Key": KEY, "Body": {"id": 1, "name": "pen", "price": 1.5}, "IfNoneMatch": "*"}
EVENT = {"EventBusName": "happenings", "Source": "shop.orders", "DetailType": "Placed", "Detail": {"id": 7}}
A = {"TableName": "latest", "Key": {"id": {"S": "a"}}}


class Order(msgspec.Struct):
    id: int
    name: str = ""
    price: float | None = None


def shop() -> Pipeline:
    pipeline = Pipeline("shop")
    orders = pipeline.lake("orders", Order, partition="day")
    pipeline.lake("returns", Order, partition="day")
    pipeline.hot_table("latest", key="id")
    pipeline.hot_table("visits", key=("page", "day"))
    pipeline.topic("alerts", "file:")
    pipeline.queue("jobs")
    pipeline.event_bus("happenings")

    failed, took = pipeline.metric("LoadErrors", "Count"), pipeline.metric("LoadDuration", "Milliseconds")

    @pipeline.task(may=[orders.append], errors=failed, duration=took)
    def load(event: Any, context: Any) -> None:
        if event.get("--fail"):
            raise ValueError("no such file")
        context[orders].append([{"id": int(event.get("--id", 1)), "name": event.get("--name", "")}])

    return pipeline


def everything(definition: Definition) -> list[Grant]:
    """Returns every grant that a workflow can use."""
    latest, visits = definition.hot_tables["latest"], definition.hot_tables["visits"]
    orders = definition.lake_tables["orders"]
    return [
        *(grant for table in (latest, visits) for grant in (table.get, table.put, table.update, table.delete)),
        orders.append, orders.read, orders.list, orders.query, orders.quarantine,
        definition.topics["alerts"].publish, definition.queues["jobs"].send, definition.event_buses["happenings"].put,
    ]  # fmt: skip


class Services:
    """The services of a home, as the workflow ``main`` of pipeline ``shop`` meets them."""

    def __init__(self, home: Home, may: Callable[[Definition], Sequence[Grant]]) -> None:
        definition = shop().declared()
        workflow = Workflow(name="main", definition=b"{}", may=tuple(may(definition)), place="shop.py:7")
        self.definition = msgspec.structs.replace(definition, workflows={"main": workflow})
        self.home = home
        self._caller = TaskCaller({"shop": self.definition}, lambda: home.ports("tests"))
        self._count = 0

    def reply(self, resource: str, arguments: Any, token: str = "") -> Reply:
        """Calls a service; the same token is the same attempt, made again."""
        self._count += 1
        return self._caller(
            Call(
                token=token or f"run/{self._count}", key="run/key", execution="run", pipeline="shop", task="",
                state="Call", event=json.dumps(arguments).encode(), started_at=1_771_571_820.0, slot=None, attempt=0,
                timeout_seconds=60, resource=f"arn:aws:states:::{resource}", workflow="main",
            )
        )  # fmt: skip

    def call(self, resource: str, arguments: Any, token: str = "") -> Any:
        """Returns what a call gives the state, without how an optimised integration's answer came."""
        reply = self.reply(resource, arguments, token)
        assert reply.error is None, (reply.error, reply.cause)
        answer = json.loads(reply.output or b"")
        return {name: value for name, value in answer.items() if not name.startswith("Sdk")}

    def error(self, resource: str, arguments: Any) -> tuple[str, str]:
        """Returns the error and the cause of a call that fails."""
        reply = self.reply(resource, arguments)
        assert reply.output is None, reply.output
        return str(reply.error), str(reply.cause)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def services(home: Home) -> Services:
    return Services(home, everything)


@pytest.fixture
def without_grants(home: Home) -> Services:
    return Services(home, lambda _: [])
