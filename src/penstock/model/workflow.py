"""Workflows: a state machine in Amazon States Language, and what starts it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.model.access import Grant, Kind, WorkflowAction

INVOKE = "arn:aws:states:::lambda:invoke"
State = dict[str, Any]
"""A state as its document has it."""
Path = tuple[str | int, ...]
"""The names and positions that lead to a place in a document."""


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A state machine. ``definition`` is its document, of which a deployment exchanges the names alone.

    Attributes:
        may: everything that its states may do by themselves, without a task.
    """

    name: str
    definition: bytes
    may: tuple[Grant, ...] = ()
    place: str = ""

    @property
    def version(self) -> str:
        """The definition's SHA-256: executions finish under the version that they were started with."""
        return hashlib.sha256(self.definition).hexdigest()

    @property
    def start(self) -> Grant:
        return Grant(Kind.WORKFLOW, self.name, WorkflowAction.START)


class ObjectTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """Starts a workflow for each object that is created in a lake table's raw zone, at least once."""

    name: str
    table: str
    workflow: str
    place: str = ""


class InboxTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """Starts a workflow for each file that arrives in an inbox, at least once."""

    name: str
    inbox: str
    workflow: str
    place: str = ""


class EventTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """Starts a workflow for each event of a bus that it matches, at least once; the event is the workflow's input.

    Attributes:
        source, detail_type: the values that match, exactly; any value where there is none.
    """

    name: str
    bus: str
    workflow: str
    source: tuple[str, ...] = ()
    detail_type: tuple[str, ...] = ()
    place: str = ""

    def matches(self, source: str, detail_type: str) -> bool:
        """Tells whether an event of the bus starts the workflow.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
        """
        return (not self.source or source in self.source) and (not self.detail_type or detail_type in self.detail_type)


def machines_in(state: State) -> list[State]:
    """Returns the machines within a state: a Parallel's branches, or what a Map does with each item."""
    return [*state.get("Branches", ()), *filter(None, (state.get("ItemProcessor"), state.get("Iterator")))]


def placed_states(machine: State, path: Path = ()) -> Iterator[tuple[Path, str, State]]:
    """Yields path, name and body of each state of a machine and of every machine within."""
    for name, state in machine.get("States", {}).items():
        place = (*path, "States", name)
        yield place, name, state
        for number, branch in enumerate(state.get("Branches", ())):
            yield from placed_states(branch, (*place, "Branches", number))
        for field in ("ItemProcessor", "Iterator"):
            if state.get(field):
                yield from placed_states(state[field], (*place, field))


def states_of(machine: State) -> Iterator[tuple[str, State]]:
    """Yields (name, state) of a machine and of every machine within; names differ over a whole document."""
    return ((name, state) for _, name, state in placed_states(machine))


def arguments(state: State) -> Mapping[str, Any]:
    """Returns what a Task state calls its resource with, in either query language; nothing where that is computed."""
    given = state.get("Parameters", state.get("Arguments"))
    return given if isinstance(given, Mapping) else {}
