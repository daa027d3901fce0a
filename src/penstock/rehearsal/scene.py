"""What is played in both homes: workflows with given inputs, then files that arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.deploy.service_calls import is_distributed
from penstock.errors import UsageError
from penstock.lake.inbox_keys import inbox_prefix
from penstock.lake.layout import table_prefix
from penstock.model.datasets import LakeTable
from penstock.model.integrations import parse_resource
from penstock.model.pipeline import Definition
from penstock.model.workflow import State, machines_in
from penstock.rehearsal.unrehearsed import check_rehearsable, unrehearsed
from penstock.runtime.names import slot_text

HOUR = 3600
# No record of any type: a pipeline that checks what it reads puts it into quarantine.
BAD_LINE = b'{"this line": "is no record of the table"}\n'


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A file that arrives in a lake table, or in an inbox."""

    table: str
    name: str
    data: bytes


class Start(msgspec.Struct, frozen=True):
    """An execution that a rehearsal starts."""

    workflow: str
    input: dict[str, Any]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What is played.

    Attributes:
        starts: one execution after the other; none when all workflows are triggered.
    """

    definition: Definition
    starts: tuple[Start, ...]


def plan_scene(definition: Definition, now: float, inputs: tuple[dict[str, Any], ...] = ()) -> Scene:
    """Returns what is played: every workflow that nothing triggers, each execution with the slot of two hours ago.

    Workflows that an emulator cannot run are left out.

    Args:
        inputs: of the main workflow; those of the definition, or of the schedule, when empty.

    Raises:
        UsageError: no emulator has what it needs; or there are inputs, and no main workflow that could have them.
    """
    check_rehearsable(definition)
    main = main_workflow(definition)
    chosen = {(name or main): given for name, given in definition.rehearsal.inputs.items()}
    if inputs:
        chosen[main] = inputs
    if "" in chosen:
        raise UsageError(
            f"pipeline {definition.name!r} has no main workflow that could have these inputs",
            hint=f"name it: pipeline.rehearse(…, workflow=…) for one of {', '.join(definition.workflows) or 'none'}",
        )
    left_out = unrehearsed(definition)
    slot = slot_text((now // HOUR - 2) * HOUR)
    return Scene(
        definition=definition,
        starts=tuple(
            Start(name, {"slot": slot, **one})
            for name in _in_order(definition, main)
            if name not in left_out
            for one in chosen.get(name, _inputs_of_schedules(definition, name))
        ),
    )


def main_workflow(definition: Definition) -> str:
    """Returns the workflow that inputs without a name are for; ``""`` when there is none, or more than one."""
    if definition.name in definition.workflows:
        return definition.name
    own = _untriggered(definition) or list(definition.workflows)
    return own[0] if len(own) == 1 else ""


def _untriggered(definition: Definition) -> list[str]:
    triggered = {trigger.workflow for trigger in definition.triggers.values()}
    triggered |= {trigger.workflow for trigger in definition.event_triggers.values()}
    triggered |= {trigger.workflow for trigger in definition.inbox_triggers.values()}
    return [name for name in definition.workflows if name not in triggered]


def _in_order(definition: Definition, main: str) -> list[str]:
    """A triggered workflow is started by files; by hand only if the definition has inputs for it."""
    asked = [name for name in definition.workflows if name in definition.rehearsal.inputs]
    names = [*([main] if main in _untriggered(definition) else ()), *_untriggered(definition), *asked]
    return list(dict.fromkeys(names))


def _inputs_of_schedules(definition: Definition, workflow: str) -> tuple[dict[str, Any], ...]:
    given = [one.input or {} for one in definition.schedules.values() if one.workflow == workflow]
    return tuple(dict(one) for number, one in enumerate(given) if one not in given[:number]) or ({},)


def watched_tables(definition: Definition) -> list[LakeTable]:
    """Returns the lake tables whose new objects start a workflow."""
    names = dict.fromkeys(trigger.table for trigger in definition.triggers.values())
    return [definition.lake_tables[name] for name in names]


def watched_inboxes(definition: Definition) -> list[str]:
    """Returns the inboxes whose new files start a workflow."""
    return list(dict.fromkeys(trigger.inbox for trigger in definition.inbox_triggers.values()))


def file_of(definition: Definition, inbox: str) -> Arrival | None:
    """Returns the file that arrives in an inbox, kept as it is; None where the definition gives none."""
    data, name = definition.rehearsal.files.get(inbox), "arrived"
    if data is None and (example := definition.shown.example) is not None:
        data, name = example.read_bytes(), example.name
    return None if data is None else Arrival(table=inbox, name=name, data=data)


def triggering_prefixes(definition: Definition) -> list[tuple[str, str]]:
    """Returns the tables and inboxes whose new objects start a workflow, each with what begins its keys."""
    tables = [(table.name, table_prefix(table.name)) for table in watched_tables(definition)]
    return tables + [(name, inbox_prefix(name)) for name in watched_inboxes(definition)]


def arrival(table: LakeTable, data: bytes, now: float) -> Arrival:
    """Returns a file with records, and one line that is none."""
    whole = data if not data or data.endswith(b"\n") else data + b"\n"
    return Arrival(
        table=table.name, name=f"arrived-{datetime.fromtimestamp(now, UTC):%H%M%S}.json", data=whole + BAD_LINE
    )


def visible_states(document: bytes) -> set[str]:
    """Returns the states of a workflow that can be seen in any home: the outer ones, and every task that calls one.

    Items of a distributed Map have executions of their own, with a history of their own.
    """
    machine = json.loads(document)
    tasks = {name for name, state in _of_one_history(machine) if _calls_a_function(state)}
    return {*machine["States"], *tasks}


def _of_one_history(machine: State) -> Iterator[tuple[str, State]]:
    for name, state in machine.get("States", {}).items():
        yield name, state
        for inner in () if is_distributed(state) else machines_in(state):
            yield from _of_one_history(inner)


def _calls_a_function(state: State) -> bool:
    """Other services leave no trace of the state that called them, where the emulator has none."""
    if state.get("Type") != "Task":
        return False
    call = parse_resource(str(state.get("Resource", "")))
    return call is None or call.service == "lambda"
