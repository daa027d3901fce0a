"""Map runs, driven without tasks and processes: each child is stepped as soon as it is created."""

import json
from pathlib import Path
from typing import Any

import msgspec

from penstock import states
from penstock.adapters.local.database import Database
from penstock.adapters.local.journal import SqliteJournal
from penstock.adapters.local.map_runs import SqliteMapRunStore
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.model.access import Grant, Kind
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.ports.journal import Execution, Outcome, Recorded, Status
from penstock.runtime.machine.map_runs import MapRunner
from penstock.runtime.machine.stores import JOURNAL_MIGRATIONS
from penstock.runtime.replay import begin, replay

ECHO = {"StartAt": "E", "States": {"E": {"Type": "Pass", "End": True}}}
# Fails on items whose "bad" is there, waits on those whose "slow" is there, and gives any other back.
CHOOSY = {
    "StartAt": "C",
    "States": {
        "C": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.bad", "IsPresent": True, "Next": "F"},
                {"Variable": "$.slow", "IsPresent": True, "Next": "W"},
            ],
            "Default": "E",
        },
        "F": {"Type": "Fail", "Error": "Boom", "Cause": "why"},
        "W": {"Type": "Wait", "Seconds": 3600, "Next": "E"},
        "E": {"Type": "Pass", "End": True},
    },
}
GET = "arn:aws:states:::s3:getObject"
PUT = "arn:aws:states:::s3:putObject"
MAY = tuple(Grant(Kind.LAKE, "t", action) for action in ("read", "append", "list"))


class World:
    """A home's journal and lake, and one process that drives map runs."""

    open_limit = 256

    def __init__(self, folder: Path, document: dict[str, Any], may: tuple[Grant, ...] = MAY) -> None:
        self.database = Database(folder / "journal.sqlite", JOURNAL_MIGRATIONS)
        self.objects = FileObjectStore(folder / "lake")
        self.journal = SqliteJournal(self.database)
        self.runs = SqliteMapRunStore(self.database)
        self.clock = VirtualClock(1_000.0)
        self.workflow = Workflow(name="w", definition=json.dumps(document).encode(), may=may)
        self.definitions = {"p": Definition(name="p", namespace="p", workflows={"w": self.workflow})}
        self.journal.register("p", [self.workflow], 0.0)
        self.running: dict[str, tuple[Execution, Any, Any]] = {}
        self.runner = self.another("me")
        self.most_running = 0

    def another(self, owner: str) -> MapRunner:
        """Returns what a process has after it starts."""
        self.owner = owner
        return MapRunner(
            journal=self.journal, map_runs=self.runs, objects=self.objects, clock=self.clock,
            definitions=self.definitions, owner=owner, open_limit=self.open_limit,
        )  # fmt: skip

    def start(self, value: Any) -> states.StartMapRun:
        """Begins the parent up to its Map."""
        self.parent = Execution(
            id="parent", pipeline="p", workflow="w", version=self.workflow.version, source="manual", root="parent",
            input=msgspec.json.encode(value), created_at=self.clock.now(), owner="me",
        )  # fmt: skip
        self.journal.create(self.parent)
        self.journal.start("parent", self.clock.now())
        self.parent = self.journal.get("parent")
        commands = begin(self.parent, states.parse(self.workflow.definition)).commands
        for command in commands:
            assert isinstance(command, states.StartMapRun)
            self.runner.start(self.parent, command)
        return commands[0]

    def turn(self) -> None:
        """Gives the map runs a turn, and the children what follows from it."""
        for child in self.runner.tick(self.clock.now()):
            self.begin(child)
        # Those that were put through again, or left by a process that died.
        for child in self.journal.claim(self.owner, ["p"], 1000, self.clock.now()):
            if child.id != "parent":
                self.begin(child)
        self.most_running = max(self.most_running, len(self.running))
        for mail in self.journal.mail(self.owner):
            if mail.execution != "parent" and mail.execution in self.running:
                self.journal.take(mail)
                self.step(mail.execution, msgspec.json.decode(mail.event, type=states.Event))

    def begin(self, child: Execution) -> None:
        machine = states.parse(self.journal.definition(child.version))
        recorded = self.journal.events(child.id)
        self.journal.start(child.id, self.clock.now())
        child.started_at = self.clock.now()
        made = replay(child, machine, recorded) if recorded else begin(child, machine)
        self.running[child.id] = (child, machine, made.state)
        self.settle(child, made.commands)

    def step(self, child: str, event: Any) -> None:
        execution, machine, state = self.running[child]
        made = states.step(machine, state, event)
        sequence = len(self.journal.events(child))
        self.journal.append([(child, Recorded(sequence, msgspec.json.encode(event)))])
        self.settle(execution, made.commands)

    def settle(self, child: Execution, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, states.Finish):
                output = None if command.error else msgspec.json.encode(command.output)
                end = Outcome(Status(command.status), self.clock.now(), output, command.error, command.cause)
                child.status, child.output = end.status, end.output
                with self.journal.transaction():
                    self.journal.finish(child.id, end)
                    self.runner.ended(child)
                del self.running[child.id]

    def answer(self) -> Any:
        """Goes on until the parent is answered."""
        for _ in range(1000):
            for mail in self.journal.mail("me"):
                if mail.execution == "parent":
                    return msgspec.json.decode(mail.event, type=states.Event)
            self.turn()
        raise AssertionError("the map run does not end")


def document(processor: dict[str, Any] = ECHO, **fields: Any) -> dict[str, Any]:
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    return {
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "End": True, "ItemProcessor": {**config, **processor}, **fields}},
    }


def reader(key: str = "raw/t/items.jsonl", kind: str = "JSONL", **more: Any) -> dict[str, Any]:
    return {"Resource": GET, "ReaderConfig": {"InputType": kind, **more}, "Parameters": {"Bucket": "lake", "Key": key}}
