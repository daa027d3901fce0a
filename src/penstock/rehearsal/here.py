"""The scene on this machine, in a home of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from penstock import states
from penstock.model.metrics import Metric
from penstock.ports.journal import Execution, Filter
from penstock.rehearsal.observed import Neutral, Observed, Ran, is_measured, label_of, raced, sort_messages, summary
from penstock.rehearsal.scene import Arrival, Scene, arrival, visible_states, watched_tables
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.inbox import Inbox
from penstock.runtime.replay import history

MANY = 10_000


class Played(msgspec.Struct, kw_only=True):
    """What came of it.

    Attributes:
        arrivals: by key, the files that arrived.
    """

    observed: Observed
    arrivals: dict[str, Arrival]


def play(scene: Scene, folder: Path) -> Played:
    """Plays a scene and returns what it left. Call it while the process has one thread: tasks are forked.

    Args:
        folder: of the home; new.
    """
    definition = scene.definition
    home = Home(folder)
    began_at = home.clock.now()
    machine = Machine(home, {definition.name: definition})
    try:
        for value in scene.inputs:
            if scene.workflow is not None:
                finish(machine, machine.start(definition.name, value, scene.workflow).id)
        arrivals = _arrive(home, scene, folder / "arrivals")
        finish(machine)
        machine.look_at_alarms()
        observed = _observe(home, machine, scene, began_at)
    finally:
        machine.close()
    return Played(observed=observed, arrivals=arrivals)


def finish(machine: Machine, root: str = "") -> None:
    """Drives everything to its end; messages are kept, and nobody is told."""
    while not (machine.step(root) and machine.is_idle()):
        pass


def _arrive(home: Home, scene: Scene, folder: Path) -> dict[str, Arrival]:
    definition = scene.definition
    inbox = Inbox(
        home.inbox, objects=home.objects, bus=home.bus, clock=home.clock,
        definitions={definition.name: definition}, writer="rehearsal",
    )  # fmt: skip
    folder.mkdir()
    arrivals = {}
    for table in watched_tables(definition):
        first = next(home.objects.list(f"raw/{table.name}/"), None)
        came = arrival(table, b"" if first is None else home.objects.get(first.key), home.clock.now())
        path = folder / came.name
        path.write_bytes(came.data)
        arrivals[inbox.take(table.name, path)] = came
    return arrivals


def _observe(home: Home, machine: Machine, scene: Scene, began_at: float) -> Observed:
    definition = scene.definition
    found = sorted(home.journal.find(Filter(limit=MANY)), key=lambda one: one.created_at)
    roots = [one.id for one in found if one.root == one.id and one.workflow == scene.workflow]
    numbers = {one.id: roots.index(one.id) + 1 if one.id in roots else 0 for one in found}
    neutral = Neutral(numbers, began_at, home.clock.now())
    executions = sorted(ran(home, one, neutral) for one in found)
    by_chance = raced(definition, executions)
    observed = Observed(
        executions=executions,
        objects={neutral.text(one.key): neutral.records(home.objects.get(one.key)) for one in home.objects.list()},
        items={name: sorted(map(neutral.document, _items(home, name, scene))) for name in definition.hot_tables},
        metrics={
            label_of(one): "some values" if label_of(one) in by_chance else _series(home, one)
            for one in home.metrics.series()
        },
        alarms=machine.alarm_states(definition.name),
    )
    sort_messages(_messages(home, neutral), observed)
    return observed


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
        neutral.document(json.loads(told or b"null")),
    )


def _items(home: Home, name: str, scene: Scene) -> list[dict[str, Any]]:
    table = scene.definition.hot_tables[name]
    items: list[dict[str, Any]] = []
    after = None
    while True:
        page = home.hot.scan(table, after=after)
        items += page.items
        after = page.after
        if after is None:
            return items


def _messages(home: Home, neutral: Neutral) -> list[tuple[str, str, str]]:
    messages = {row.message.id: row.message for row in home.outbox.rows(limit=MANY)}
    return [(one.topic, neutral.text(one.subject), neutral.text(one.body)) for one in messages.values()]


def _series(home: Home, metric: Metric) -> str:
    values = home.metrics.values(metric, 0, home.clock.now() + 1)
    spread = [value for _, value, count in values for _ in range(int(count))]
    return summary(spread, measured=is_measured(metric))
