"""The scene on this machine, in a home of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from penstock import states
from penstock.errors import UnavailableError
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.model.topics import Subscription
from penstock.ports.hot import scan_all
from penstock.ports.journal import Execution, Filter
from penstock.ports.queues import QueueStore
from penstock.rehearsal.observed import Neutral, Observed, Ran, raced, series, sort_messages
from penstock.rehearsal.scene import (
    Arrival,
    Scene,
    arrival,
    file_of,
    visible_states,
    watched_inboxes,
    watched_tables,
)
from penstock.rehearsal.warehouse_rows import rows
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home
from penstock.runtime.replay import history

MANY = 10_000
LONGEST_SECONDS = 600.0
# Items that have the second in their keys are not to overwrite each other, as minutes lie between two runs in life.
BETWEEN_SECONDS = 1.0
HIDDEN_SECONDS = 600
EARS = Subscription(endpoint="console:")
OF_A_MAP = "map:"


class Played(msgspec.Struct, kw_only=True):
    """What came of it.

    Attributes:
        arrivals: by key, the files that arrived.
        neutral: what stands for the run's ids and times, which may be in those files.
    """

    observed: Observed
    arrivals: dict[str, Arrival]
    neutral: Neutral


def play(scene: Scene, folder: Path) -> Played:
    """Plays a scene and returns what it left. Call it while the process has one thread: tasks are forked.

    Args:
        folder: of the home; new.
    """
    definition = scene.definition
    home = Home(folder)
    began_at = home.clock.now()
    machine = Machine(home, {definition.name: audible(definition)})
    try:
        roots = start_all(machine, scene)
        arrivals = _arrive(home, scene, folder / "arrivals")
        finish(machine)
        machine.look_at_alarms()
        found = executions_of(home)
        neutral = Neutral(numbered(found, roots), began_at, home.clock.now())
        observed = _observe(home, machine, scene, found, neutral)
    finally:
        machine.close()
    return Played(observed=observed, arrivals=arrivals, neutral=neutral)


def audible(definition: Definition) -> Definition:
    """Returns a pipeline whose topics all have a subscriber: what nobody hears leaves no trace."""
    topics = {
        name: topic if topic.subscriptions else msgspec.structs.replace(topic, subscriptions=(EARS,))
        for name, topic in definition.topics.items()
    }
    return msgspec.structs.replace(definition, topics=topics)


def executions_of(home: Home) -> list[Execution]:
    """Returns the executions of a home, without those that Maps started for their items: nobody lists these in AWS."""
    return [one for one in home.journal.find(Filter(limit=MANY)) if not one.source.startswith(OF_A_MAP)]


def start_all(machine: Machine, scene: Scene, announce: Callable[[], None] = lambda: None) -> list[str]:
    """Runs a scene's executions, one after the other with all that follows from it, and returns their ids.

    Args:
        announce: says which objects are new, where tasks write into a bucket that does not.

    Raises:
        UnavailableError: one still runs after ten minutes.
    """
    roots = []
    for one in scene.starts:
        roots.append(machine.start(scene.definition.name, one.input, one.workflow).id)
        finish(machine, roots[-1])
        announce()
        finish(machine)
        time.sleep(BETWEEN_SECONDS)
    return roots


def finish(machine: Machine, root: str = "") -> None:
    """Drives everything to its end; messages are kept, and nobody is told.

    Raises:
        UnavailableError: something still runs after ten minutes.
    """
    end = time.monotonic() + LONGEST_SECONDS
    while not (machine.step(root) and machine.is_idle()):
        if time.monotonic() > end:
            raise UnavailableError(
                "executions still run on this machine after ten minutes",
                hint="give the rehearsal inputs with which the workflow waits less: pipeline.rehearse(…)",
            )


def _arrive(home: Home, scene: Scene, folder: Path) -> dict[str, Arrival]:
    definition = scene.definition
    inbox = home.file_inbox({definition.name: definition}, "rehearsal")
    folder.mkdir()
    arrivals = {}
    for table in watched_tables(definition):
        first = next(home.objects.list(f"raw/{table.name}/"), None)
        own = b"" if first is None else home.objects.get(first.key)
        came = arrival(table, definition.rehearsal.files.get(table.name, own), home.clock.now())
        path = folder / came.name
        path.write_bytes(came.data)
        arrivals[inbox.take(table.name, path)] = came
    for name in watched_inboxes(definition):
        if (sent := file_of(definition, name)) is not None:
            path = folder / sent.name
            path.write_bytes(sent.data)
            arrivals[inbox.take(name, path)] = sent
    return arrivals


def _observe(home: Home, machine: Machine, scene: Scene, found: list[Execution], neutral: Neutral) -> Observed:
    definition = scene.definition
    executions = sorted(ran(home, one, neutral) for one in found)
    observed = Observed(
        executions=executions,
        objects=neutral.objects((one.key, home.objects.get(one.key)) for one in home.objects.list()),
        items={
            name: sorted(neutral.item(table, one) for one in scan_all(home.hot, table))
            for name, table in definition.hot_tables.items()
        },
        rows=rows(lambda: home.warehouses, definition, neutral),
        waiting=waiting(home.queues, definition, neutral),
        metrics=series(_points(home)),
        by_chance=raced(definition, executions),
        alarms=machine.alarm_states(definition.name),
    )
    sort_messages(_messages(home, neutral), observed, {*definition.alarms, *definition.composite_alarms})
    return observed


def numbered(found: list[Execution], roots: list[str]) -> dict[str, int]:
    """Returns what stands for each execution: those that were started are counted, what followed from them is not."""
    return {one.id: roots.index(one.id) + 1 if one.id in roots else 0 for one in found}


def ran(home: Home, execution: Execution, neutral: Neutral) -> Ran:
    """Returns an execution of a home as it is compared."""
    document = home.journal.definition(execution.version)
    machine = states.parse(document)
    happened = history(execution, machine, home.journal.events(execution.id))
    entered = [entry.state_name for entry in happened if entry.type.endswith("StateEntered")]
    told = execution.output if execution.error is None else msgspec.json.encode(execution.error)
    return Ran(
        execution.workflow,
        str(execution.status),
        tuple(sorted({*entered} & visible_states(document))),
        neutral.outcome(json.loads(told or b"null")),
    )


def waiting(queues: QueueStore, definition: Definition, neutral: Neutral) -> list[tuple[str, str]]:
    """Returns the messages that wait in queues; they are taken out."""
    found = []
    for name, queue in definition.queues.items():
        while received := queues.receive(queue, visibility_seconds=HIDDEN_SECONDS):
            for one in received:
                found.append((name, neutral.records(one.body.encode())))
                queues.delete(queue, one.receipt)
    return sorted(found)


def _messages(home: Home, neutral: Neutral) -> list[tuple[str, str, str]]:
    messages = {row.message.id: row.message for row in home.outbox.rows(limit=MANY)}
    return [(one.topic, neutral.text(one.subject), neutral.said(one.body)) for one in messages.values()]


def _points(home: Home) -> Iterator[Datapoint]:
    for metric in home.metrics.series():
        for at, value, count in home.metrics.values(metric, 0, home.clock.now() + 1):
            yield Datapoint(metric, at, value, count)
