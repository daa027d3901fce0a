"""Where an execution stands. Only ``penstock.states.step`` changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from penstock.states.commands import Command
from penstock.states.machine import Machine, State
from penstock.states.variables import NO_VARIABLES, Scope


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What the context object says. ``started_at`` is in seconds since the epoch."""

    execution_id: str
    execution_name: str
    started_at: float
    machine_id: str
    machine_name: str
    role: str = ""


class HistoryEntry(NamedTuple):
    """One event of the history, by its name in AWS.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
    """

    type: str
    at: float
    state_name: str
    detail: dict[str, Any]


class Caught(NamedTuple):
    """A failed state that a Catch led away from: where a redrive goes back to."""

    state: State
    number: int
    value: Any
    children: list[Frame]
    results: list[Any]
    waiting: int
    items: list[Any]
    begun: int


@dataclass(slots=True, eq=False)
class Frame:
    """One running machine: the whole, a branch, or an iteration. It is in one state at a time.

    Attributes:
        path: tells frames apart: the visits of Parallel and Map states, and the numbers in them, that lead to it.
        visit: counts the states that it entered; ``number`` is the present state's.
        value: the state's raw input; ``effective`` after InputPath and Parameters.
        attempt: counts the calls of this visit's task from 0.
        retries: how often each of the state's retriers was used.
        waiting: how many branches or iterations are not done.
        items, begun: a Map's items, and how many of them were begun.
        item: of an iteration, the item's index and value.
        scope: its variables.
        beats: counts the heartbeat timers, so that each has its own token.
    """

    path: str
    machine: Machine
    parent: Frame | None = None
    index: int = 0
    state: State | None = None
    visit: int = 0
    number: int = 0
    value: Any = None
    effective: Any = None
    entered_at: float = 0.0
    attempt: int = 0
    retries: list[int] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    children: list[Frame] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    waiting: int = 0
    items: list[Any] = field(default_factory=list)
    begun: int = 0
    item: tuple[int, Any] | None = None
    beats: int = 0
    is_done: bool = False
    failure: tuple[str, str] | None = None
    caught: Caught | None = None
    scope: Scope = NO_VARIABLES


class Outstanding(NamedTuple):
    """A task or a timer that an answer is awaited for."""

    frame: Frame
    kind: str
    command: Command


@dataclass(slots=True, eq=False)
class ExecutionState:
    """An execution's state.

    Attributes:
        status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        told: counts the history's entries, which are limited, whether they are built or not.
    """

    machine: Machine
    context: ExecutionContext
    seed: str
    input: Any
    status: str = "RUNNING"
    output: Any = None
    error: str = ""
    cause: str = ""
    root: Frame | None = None
    outstanding: dict[str, Outstanding] = field(default_factory=dict)
    redrives: int = 0
    told: int = 0

    def active(self) -> list[tuple[str, str, int]]:
        """Returns (state name, what it is doing, attempt) of each state that something is awaited for."""
        doing = {"task": "RUNNING", "wait": "WAITING", "retry": "RETRYING"}
        return [
            (entry.frame.state.name, doing[entry.kind], entry.frame.attempt)
            for entry in self.outstanding.values()
            if entry.kind in doing and entry.frame.state is not None
        ]
