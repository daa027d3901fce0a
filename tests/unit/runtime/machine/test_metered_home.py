"""A home that meters itself: what a run of a pipeline counts, in this process and in those that call the tasks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Invoke, Pipeline, TaskError
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.cost.prices import book
from penstock.model.pipeline import Definition
from penstock.pipelines.metrics import pipeline as metrics
from penstock.ports.journal import Status
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.billing import measured_bill, opened_meter
from penstock.runtime.machine.home import Home

NOW = 1_771_574_220.0
FLEET = {"fleet": {"instances": 3, "seed": 7}}
Open = Callable[..., tuple[Home, Machine]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    machines: list[Machine] = []

    def open_machine(definition: Definition) -> tuple[Home, Machine]:
        clock = VirtualClock(NOW)
        home = Home(tmp_path / "home", clock=clock, entropy=SeededEntropy(0), meter=True)
        caller = TaskCaller({definition.name: definition}, lambda: home.ports("test"))
        machines.append(Machine(home, {definition.name: definition}, make_invoker=lambda _: InlineInvoker(caller)))
        return home, machines[-1]

    yield open_machine
    for machine in machines:
        machine.close()


def drive(home: Home, machine: Machine, root: str) -> Status:
    clock = home.clock
    assert isinstance(clock, VirtualClock)
    while not machine.step(root):
        due_at = machine.next_due_at()
        if due_at is not None and due_at > clock.now():
            clock.advance(due_at - clock.now())
    return home.journal.get(root).status


def counted(home: Home) -> Counter[str]:
    assert home.meter is not None
    found: Counter[str] = Counter()
    for one in home.meter.used():
        found[one.item] += one.quantity  # type: ignore[assignment]
    return found


def test_one_collection_by_hand(opened: Open) -> None:
    home, machine = opened(metrics.build())
    assert drive(home, machine, machine.start("metrics", FLEET).id) == "SUCCEEDED"
    found = counted(home)
    assert {item: found[item] for item in found if not item.startswith(("lambda-arm64", "logs"))} == {
        # four collectors, one processor for each of their objects, and who tells of it
        "lambda-requests": 4 + 4 + 1,
        # the Parallel, its four branches, the notifier; four executions of one state
        "transitions": 6 + 4,
        "s3-put": 4,
        "s3-get": 4,
        # four metrics of three instances, each in the table and in two indexes
        "dynamodb-write": 4 * 3 * 3,
        # seven that tasks publish or cause, and seven heartbeats
        "metrics": 14,
        "sns-publish": 1,
        "sns-mail": 1,
    }


def test_a_home_that_does_not_meter_writes_no_meter(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert home.meter is None
    assert home.ports("test") is home
    home.close()
    assert not (tmp_path / "home" / "meter.sqlite").exists()


def test_settings_turn_it_on(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("meter = true\n")
    home = Home(tmp_path)
    assert home.meter is not None
    home.close()


def flaky(failures: list[str]) -> Pipeline:
    shop = Pipeline("shop")

    @shop.task(may=[])
    def work(event: Any, context: Any) -> Any:
        if failures:
            raise TaskError("not now", hint="later", error=failures.pop())
        return event

    @shop.task(may=[])
    def after(event: Any, context: Any) -> None: ...

    shop.workflow("shop", Invoke(work).retry(times=2).then(after))
    return shop


def test_a_retry_is_a_transition(opened: Open) -> None:
    """https://aws.amazon.com/step-functions/pricing/: each retry is charged as an additional state transition."""
    home, machine = opened(flaky(["Boom", "Boom"]).build())
    assert drive(home, machine, machine.start("shop", {}).id) == "SUCCEEDED"
    assert counted(home)["transitions"] == 2 + 2
    assert counted(home)["lambda-requests"] == 4


def test_what_is_put_through_again_counts_what_it_does_again(opened: Open) -> None:
    home, machine = opened(flaky(["Boom"] * 3).build())
    execution = machine.start("shop", {}).id
    assert drive(home, machine, execution) == "FAILED"
    assert counted(home)["transitions"] == 3
    machine.redrive(execution)
    assert drive(home, machine, execution) == "SUCCEEDED"
    # The state that failed, and the one behind it.
    assert counted(home)["transitions"] == 3 + 2


def test_a_state_that_calls_a_service_is_asked_of_that_service(opened: Open, tmp_path: Path) -> None:
    shop = Pipeline("shop")
    table = shop.hot_table("items", key="id")
    document = tmp_path / "shop.asl.json"
    document.write_text(
        json.dumps(
            {
                "StartAt": "Put",
                "States": {
                    "Put": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::dynamodb:putItem",
                        "Parameters": {"TableName": "items", "Item": {"id": {"S": "a"}}},
                        "End": True,
                    }
                },
            }
        )
    )
    shop.workflow("shop", document, may=[table.put])
    home, machine = opened(shop.build())
    assert drive(home, machine, machine.start("shop", {}).id) == "SUCCEEDED"
    found = counted(home)
    assert (found["dynamodb-write"], found["transitions"], found["lambda-requests"]) == (1, 1, 0)


def test_what_was_there_before_the_meter_is_kept_from_the_first_moment(tmp_path: Path) -> None:
    definition, clock = metrics.build(), VirtualClock(NOW)
    for meter in (False, True):
        home = Home(tmp_path / "home", clock=clock, entropy=SeededEntropy(0), meter=meter)
        caller = TaskCaller({"metrics": definition}, lambda home=home: home.ports("test"))  # type: ignore[misc]
        machine = Machine(home, {"metrics": definition}, make_invoker=lambda _, call=caller: InlineInvoker(call))  # type: ignore[misc]
        if not meter:
            drive(home, machine, machine.start("metrics", FLEET).id)
        else:
            clock.advance(86_400.0)
        machine.close()
    raw = sum(path.stat().st_size for path in (tmp_path / "home" / "lake" / "raw").rglob("*.json*"))
    with opened_meter(tmp_path / "home") as kept:
        lines = {line.price: line for line in measured_bill(kept, {"metrics": definition}, book()).lines}
    # A day was measured in which nothing happened; what is there stays as it is.
    assert lines["s3-storage"].measured == lines["s3-storage"].quantity == pytest.approx(raw / 1e9, rel=0.01)
    # Twelve items in three copies, of some 300 bytes and 100 beside each.
    assert 12 * 3 * 200 < lines["dynamodb-storage"].quantity * 1e9 < 12 * 3 * 900
    assert "dynamodb-write" not in lines


def test_processes_that_call_tasks_write_into_the_same_meter(tmp_path: Path) -> None:
    definition = metrics.build()
    home = Home(tmp_path / "home", meter=True)
    machine = Machine(home, {"metrics": definition})
    try:
        machine.run(machine.start("metrics", FLEET).id)
        found = counted(home)
    finally:
        machine.close()
    assert (found["lambda-requests"], found["s3-put"], found["dynamodb-write"]) == (9, 4, 36)
    assert 0 < found["lambda-arm64"] < 9 * 30 / 8
    again = Home(tmp_path / "home", meter=True)
    assert again.meter is not None
    span = again.meter.span()
    again.close()
    assert span is not None
    assert span.seconds < 600


def test_an_instance_calls_no_functions(opened: Open) -> None:
    definition = metrics.build()
    chosen = msgspec.structs.replace(definition.deployment, compute="ec2")
    home, machine = opened(msgspec.structs.replace(definition, deployment=chosen))
    drive(home, machine, machine.start("metrics", FLEET).id)
    found = counted(home)
    assert (found["lambda-requests"], found["transitions"], found["s3-put"]) == (0, 0, 4)
