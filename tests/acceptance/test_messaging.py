"""Queues and events on a machine, as a person uses them: a task puts an event, which starts a second workflow."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHOP = '''
"""A shop."""
from penstock import Pipeline, minutes

shop = Pipeline("shop")
told = shop.event_bus("shop-events")
jobs = shop.queue("jobs", visibility=minutes(10))


@shop.task(may=[told.put])
def order(event, context):
    return context[told].put("shop.orders", "OrderPlaced", {"id": event["id"]})


@shop.task(may=[jobs.send])
def bill(event, context):
    return context[jobs].send({"bill": event["detail"]["id"], "said_by": event["source"]})


orders = shop.workflow("orders", order)
shop.on_event(told, bill, source="shop.orders", detail_type="OrderPlaced")
'''


class Shell:
    """Types commands in a folder with the shop in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "shop.py").write_text(SHOP)
        self.environment = {**os.environ, "NO_COLOR": "1", "PENSTOCK_HOME": str(folder / "home")}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "penstock", "-f", "shop.py", *arguments]

    def __call__(self, *arguments: str, code: int = 0, **environment: str) -> str:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env={**self.environment, **environment}, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def counts(shell: Shell) -> dict[str, int]:
    [queue] = shell.json("queue")
    return {name: queue[name] for name in ("waiting", "in_flight", "delayed")}


def test_an_event_starts_a_workflow_whose_message_is_received(shell: Shell) -> None:
    assert counts(shell) == {"waiting": 0, "in_flight": 0, "delayed": 0}
    ran = shell.json("run", "shop", "--input", '{"id": 7}')
    assert [(one["workflow"], one["status"]) for one in ran["followed_by"]] == [("bill", "SUCCEEDED")]
    assert counts(shell) == {"waiting": 1, "in_flight": 0, "delayed": 0}
    [message] = shell.json("queue", "receive", "jobs")
    assert json.loads(message["body"]) == {"bill": 7, "said_by": "shop.orders"}
    assert shell.json("queue", "receive", "jobs") == []
    assert counts(shell) == {"waiting": 0, "in_flight": 1, "delayed": 0}
    shell("queue", "delete", "jobs", message["receipt"])
    assert counts(shell) == {"waiting": 0, "in_flight": 0, "delayed": 0}


def test_a_person_sends_receives_and_purges(shell: Shell) -> None:
    shell("queue", "send", "jobs", "by hand", "--attribute", "kind=order")
    shell("queue", "send", "jobs", "later", "--delay", "900")
    assert "jobs" in shell("queue", "list")
    assert "by hand" in shell("queue", "receive", "jobs", "--delete")
    assert counts(shell) == {"waiting": 0, "in_flight": 0, "delayed": 1}
    # Nobody is there to be asked.
    assert "--yes" in shell("queue", "purge", "jobs", code=2)
    assert "1 message" in shell("queue", "purge", "jobs", "--yes")
    assert counts(shell) == {"waiting": 0, "in_flight": 0, "delayed": 0}
    assert "the queues are: jobs" in shell("queue", "send", "nothing", "a", code=4)
    assert "shop-events" in shell("event", "put", "nothing", "--source", "a", "--detail-type", "b", code=4)
    assert "no JSON object" in shell(
        "event", "put", "shop-events", "--source", "a", "--detail-type", "b", "--detail", "[]", code=2
    )
    shown = shell("show", "shop")
    assert "OrderPlaced of shop.orders on shop-events" in shown
    assert "queue:jobs.send" in shown


def put(shell: Shell, number: int, detail_type: str = "OrderPlaced") -> Any:
    arguments = ("--source", "shop.orders", "--detail-type", detail_type, "--detail", json.dumps({"id": number}))
    return shell.json("event", "put", "shop-events", *arguments)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_running_machine_hears_of_events_at_once(shell: Shell) -> None:
    with subprocess.Popen(
        shell.command("up"), cwd=shell.folder, env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as up:
        try:
            assert put(shell, 1)["starts"] == ["bill"]
            assert put(shell, 2, "OrderCancelled")["starts"] == []
            until(lambda: counts(shell)["waiting"] == 1)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)


@pytest.mark.parametrize("point", ["database.before_commit:kill:2", "dispatcher.after_dispatch:kill"])
def test_a_machine_that_is_killed_starts_each_execution_once(shell: Shell, point: str) -> None:
    """Whether it dies before an event is dispatched or after, the next one goes on; no event starts two executions."""
    events = {put(shell, number)["id"] for number in range(3)}
    shell("run", "shop", "--input", '{"id": 9}', code=-9, PENSTOCK_FAULT=point)
    shell("run", "shop", "--input", '{"id": 10}')
    bills = [one for one in shell.json("executions") if one["workflow"] == "bill"]
    assert {one["status"] for one in bills} == {"SUCCEEDED"}
    sources = [one["source"] for one in bills]
    assert len(sources) == len(set(sources))
    assert {f"event:{event}" for event in events} <= set(sources)
