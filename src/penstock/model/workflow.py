"""Workflows: a state machine in Amazon States Language, and what starts it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

INVOKE = "arn:aws:states:::lambda:invoke"
State = dict[str, Any]
"""A state as its document has it."""


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A state machine. ``definition`` is its Amazon States Language document, byte for byte as it is deployed."""

    name: str
    definition: bytes
    place: str = ""

    @property
    def version(self) -> str:
        """The definition's SHA-256: executions finish under the version that they were started with."""
        return hashlib.sha256(self.definition).hexdigest()


class ObjectTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """Starts a workflow for each object that is created in a lake table's raw zone, at least once."""

    name: str
    table: str
    workflow: str
    place: str = ""


def machines_in(state: State) -> list[State]:
    """Returns the machines within a state: a Parallel's branches, or what a Map does with each item."""
    return [*state.get("Branches", ()), *filter(None, (state.get("ItemProcessor"), state.get("Iterator")))]


def states_of(machine: State) -> Iterator[tuple[str, State]]:
    """Yields (name, state) of a machine and of every machine within; names differ over a whole document."""
    for name, state in machine.get("States", {}).items():
        yield name, state
        for inner in machines_in(state):
            yield from states_of(inner)


def arguments(state: State) -> Mapping[str, Any]:
    """Returns what a Task state calls its resource with, in either query language; nothing where that is computed."""
    given = state.get("Parameters", state.get("Arguments"))
    return given if isinstance(given, Mapping) else {}
