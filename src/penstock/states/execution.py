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
    region: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """What a Map's iteration is for, as the context object says it.

    Attributes:
        key: of an object's item, its name; ``value`` is the item then too.
        source: where the item comes from: the state's data, or an object that was read.
    """

    index: int
    value: Any
    key: str | None = None
    source: str = "STATE_DATA"

    @property
    def given(self) -> Any:
        """What the iteration begins with, unless an ItemSelector says otherwise."""
        return self.value if self.key is None else {"Key": self.key, "Value": self.value}


class Caught(NamedTuple):
    """A failed state that a Catch led away from: where a redrive goes back to."""

    state: State
    number: int
    value: Any
    children: list[Frame]
    results: list[Any]
    waiting: int
    items: list[Item]
    begun: int
    limit: int


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
        items, begun: a Map's items, and how many of them were begun; ``limit``: how many iterations may be at once.
        item: of an iteration, what it is for.
        scope: its variables.
        beats: counts the heartbeat timers, so that each has its own token.
        last: the history's latest event of this machine; ``entered`` the one of entering the present state.
        map_run: the token and the ARN of this visit's Map Run, which a redrive goes on with.
        assigned: the variables that were set the last time.
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
    items: list[Item] = field(default_factory=list)
    begun: int = 0
    limit: int = 0
    item: Item | None = None
    beats: int = 0
    is_done: bool = False
    failure: tuple[str, str] | None = None
    caught: Caught | None = None
    scope: Scope = NO_VARIABLES
    last: int = 0
    entered: int = 0
    map_run: tuple[str, str] | None = None
    assigned: dict[str, Any] = field(default_factory=dict)


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
        redriven_at: when it was put through again the last time.
        transitions: how many states were entered, or tried again, since it began or was last put through again.
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
    redriven_at: float | None = None
    transitions: int = 0

    def active(self) -> list[tuple[str, str, int]]:
        """Returns (state name, what it is doing, attempt) of each state that something is awaited for."""
        doing = {"task": "RUNNING", "map": "RUNNING", "wait": "WAITING", "retry": "RETRYING"}
        return [
            (entry.frame.state.name, doing[entry.kind], entry.frame.attempt)
            for entry in self.outstanding.values()
            if entry.kind in doing and entry.frame.state is not None
        ]
