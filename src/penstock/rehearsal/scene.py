"""What is played in both homes: the workflow with given inputs, then a file that arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition
from penstock.runtime.names import slot_text

HOUR = 3600
# No record of any type: a pipeline that checks what it reads puts it into quarantine.
BAD_LINE = b'{"this line": "is no record of the table"}\n'


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A file that arrives in a lake table."""

    table: str
    name: str
    data: bytes


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What is played.

    Attributes:
        workflow: the one that is started; None when the pipeline has only triggered ones.
        inputs: one execution after the other.
    """

    definition: Definition
    workflow: str | None
    inputs: tuple[dict[str, Any], ...]


def plan_scene(definition: Definition, now: float, inputs: tuple[dict[str, Any], ...] = ()) -> Scene:
    """Returns what is played: the given inputs, or those of the definition, with the slot of two hours ago."""
    triggered = {trigger.workflow for trigger in definition.triggers.values()}
    own = [name for name in definition.workflows if name not in triggered]
    workflow = definition.name if definition.name in own else own[0] if own else None
    slot = slot_text((now // HOUR - 2) * HOUR)
    chosen = inputs or definition.rehearsal
    return Scene(definition=definition, workflow=workflow, inputs=tuple({"slot": slot, **one} for one in chosen))


def watched_tables(definition: Definition) -> list[LakeTable]:
    """Returns the lake tables whose new objects start a workflow."""
    names = dict.fromkeys(trigger.table for trigger in definition.triggers.values())
    return [definition.lake_tables[name] for name in names]


def arrival(table: LakeTable, data: bytes, now: float) -> Arrival:
    """Returns a file with records that the pipeline itself made, and one line that is none."""
    return Arrival(
        table=table.name, name=f"arrived-{datetime.fromtimestamp(now, UTC):%H%M%S}.json", data=data + BAD_LINE
    )


def visible_states(document: bytes) -> set[str]:
    """Returns the states of a workflow that can be seen in any home: the outer ones, and every task."""
    machine = json.loads(document)
    return {*machine["States"], *_tasks(machine)}


def _tasks(machine: Mapping[str, Any]) -> Iterator[str]:
    for name, state in machine.get("States", {}).items():
        if state.get("Type") == "Task":
            yield name
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor", {}), state.get("Iterator", {})):
            yield from _tasks(inner)
