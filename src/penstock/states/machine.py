"""A parsed state machine: every path, template and rule is compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from penstock.states.choice import Test
from penstock.states.flow import Finish
from penstock.states.paths import Resolve


@dataclass(frozen=True, slots=True)
class Retrier:
    """When a failed state is tried again."""

    errors: tuple[str, ...]
    interval_seconds: float = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: float | None = None
    full_jitter: bool = False


@dataclass(frozen=True, slots=True)
class Catcher:
    """Where a failed state goes on."""

    errors: tuple[str, ...]
    following: str
    output: Finish
    assign: Finish | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One way out of a Choice."""

    test: Test
    following: str
    output: Finish | None = None
    assign: Finish | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a distributed Map spreads its items over executions; every function is one of (value, surroundings)."""

    reader: Resolve | None
    batcher: Resolve | None
    writer: Resolve | None
    tolerated_count: Resolve | None
    tolerated_percentage: Resolve | None
    label: str
    execution_type: Literal["STANDARD", "EXPRESS"]


@dataclass(frozen=True, slots=True)
class State:
    """One state. Which fields mean something depends on its type.

    Attributes:
        following: the next state's name; None for an end.
        begin: makes the effective input; ``finish`` the output, and ``assign`` the variables, of input and result.
        processor: what a Map does with each item; ``items`` finds them, ``selector`` makes each one's input.
        distribution: of a distributed Map.
        seconds: a Wait's span, as a function of the input; ``moment`` its timestamp.
    """

    name: str
    type: str
    following: str | None
    begin: Resolve
    finish: Finish
    assign: Finish | None = None
    is_jsonata: bool = False
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    resource: str = ""
    timeout: Resolve | None = None
    heartbeat: Resolve | None = None
    branches: tuple[Machine, ...] = ()
    processor: Machine | None = None
    items: Resolve | None = None
    selector: Resolve | None = None
    concurrency: Resolve | None = None
    distribution: Distribution | None = None
    rules: tuple[Rule, ...] = ()
    default: str | None = None
    seconds: Resolve | None = None
    moment: Resolve | None = None
    has_result: bool = False
    result: Any = None
    error: Resolve | None = None
    cause: Resolve | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A state machine, a branch of a Parallel, or what a Map does with an item."""

    start_at: str
    states: dict[str, State] = field(hash=False)
    timeout_seconds: float | None = None
    comment: str = ""
