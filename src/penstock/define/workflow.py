"""The workflow builder: steps that read like the sentence one would say, emitted as Amazon States Language."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from penstock.define.conditions import Condition
from penstock.model.task import Task

ALL_ERRORS = ("States.ALL",)


@dataclass(frozen=True)
class Retry:
    """How often and when a failed task runs again."""

    times: int
    every: timedelta
    backoff: float
    max_delay: timedelta | None
    jitter: bool
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Catch:
    """Where a workflow goes when a step has failed for good."""

    target: Step | Chain
    errors: tuple[str, ...]
    then_fail: bool


@dataclass(frozen=True)
class Step:
    """One state. Steps are values: each method returns a new one."""

    name: str = ""
    retries: tuple[Retry, ...] = dataclasses.field(default=(), kw_only=True)
    catches: tuple[Catch, ...] = dataclasses.field(default=(), kw_only=True)

    def then(self, following: Stepped) -> Chain:
        """Continues with another step when this one has succeeded."""
        return Chain((self,)).then(following)

    def retry(
        self,
        times: int = 2,
        *,
        every: timedelta = timedelta(seconds=1),
        backoff: float = 2.0,
        max_delay: timedelta | None = None,
        jitter: bool = False,
        errors: Sequence[str] = ALL_ERRORS,
    ) -> Step:
        """Runs a failed task again. On a Parallel or Map it holds for each task inside that has no retry of its own."""
        retry = Retry(times, every, backoff, max_delay, jitter, tuple(errors))
        return dataclasses.replace(self, retries=(*self.retries, retry))

    def catch(self, handler: Stepped, *, errors: Sequence[str] = ALL_ERRORS, then_fail: bool = True) -> Step:
        """Goes to a handler when the step has failed for good.

        The handler's event is ``{"Error": …, "Cause": …}``. With ``then_fail`` the execution then fails
        with that same error; without it, the execution ends as the handler does.
        """
        return dataclasses.replace(self, catches=(*self.catches, Catch(as_step(handler), tuple(errors), then_fail)))


@dataclass(frozen=True)
class Chain:
    """Steps one after another."""

    steps: tuple[Step, ...]

    def then(self, following: Stepped) -> Chain:
        """Continues with another step."""
        added = as_step(following)
        return Chain((*self.steps, *(added.steps if isinstance(added, Chain) else (added,))))


Stepped = Step | Chain | Task


@dataclass(frozen=True)
class Invoke(Step):
    """Runs a task. A task itself stands for ``Invoke(task)``."""

    task: Task | None = None

    def __init__(self, task: Task, name: str = "", **fields: Any) -> None:
        super().__init__(name or task.name, **fields)
        object.__setattr__(self, "task", task)


@dataclass(frozen=True)
class Parallel(Step):
    """Runs branches at once; its output is the list of theirs, in order."""

    branches: tuple[Step | Chain, ...] = ()

    def __init__(self, *branches: Stepped, name: str = "", **fields: Any) -> None:
        super().__init__(name, **{key: fields[key] for key in ("retries", "catches") if key in fields})
        object.__setattr__(self, "branches", fields.get("branches") or tuple(as_step(branch) for branch in branches))


@dataclass(frozen=True)
class Map(Step):
    """Runs steps for each item of a list, several at once; its output is the list of theirs, in the items' order.

    Args:
        items: a path to the list in the input.
        at_once: how many at the most; as many as there may be when 0.
    """

    each: Step | Chain = dataclasses.field(kw_only=True)
    items: str = "$"
    at_once: int = 0

    def __init__(self, each: Stepped, *, items: str = "$", at_once: int = 0, name: str = "", **fields: Any) -> None:
        super().__init__(name, **fields)
        object.__setattr__(self, "each", as_step(each))
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "at_once", at_once)


@dataclass(frozen=True)
class DistributedMap(Step):
    """Runs steps for each item in an execution of its own: for more items than one execution's history can hold.

    Args:
        items: a path to the list in the input; or ``read``, a path to the key of an object in the lake whose items are
            read, in the form ``form``. The workflow needs the grant to read that table.
        at_once: how many executions at the most.
        batch: how many items each execution takes, as ``{"Items": […]}``; one, as it is, when 0.
        tolerate: how many items may fail, ``tolerate_percent`` how many of a hundred; none when both are absent.
    """

    each: Step | Chain = dataclasses.field(kw_only=True)
    items: str = "$"
    read: str = ""
    form: Literal["JSON", "JSONL", "CSV", "PARQUET"] = "JSONL"
    at_once: int = 1000
    batch: int = 0
    tolerate: int | None = None
    tolerate_percent: float | None = None

    def __init__(self, each: Stepped, *, name: str = "", **fields: Any) -> None:
        known = {field.name for field in dataclasses.fields(DistributedMap)}
        if unknown := fields.keys() - known:
            raise TypeError(f"DistributedMap has no {', '.join(sorted(unknown))}")
        super().__init__(name, **{key: fields.pop(key) for key in ("retries", "catches") if key in fields})
        object.__setattr__(self, "each", as_step(each))
        for key, value in fields.items():
            object.__setattr__(self, key, value)


@dataclass(frozen=True)
class Choice(Step):
    """Goes one of several ways."""

    options: tuple[tuple[Condition, Step | Chain], ...] = ()
    default: Step | Chain | None = None

    def when(self, condition: Condition, then: Stepped) -> Choice:
        """Adds a way that is taken if its condition holds; the first that holds wins."""
        return dataclasses.replace(self, options=(*self.options, (condition, as_step(then))))

    def otherwise(self, then: Stepped) -> Choice:
        """Names the way that is taken when no condition holds."""
        return dataclasses.replace(self, default=as_step(then))


@dataclass(frozen=True)
class Wait(Step):
    """Waits for a span, or until the moment that a path of the input names."""

    span: timedelta | None = None
    until_path: str | None = None


@dataclass(frozen=True)
class Pass(Step):
    """Passes its input on, or gives a fixed result."""

    result: Any = None


@dataclass(frozen=True)
class Succeed(Step):
    """Ends the execution with success."""


@dataclass(frozen=True)
class Fail(Step):
    """Ends the execution with an error."""

    error: str = "Failed"
    cause: str = ""


def as_step(thing: Stepped) -> Step | Chain:
    """Returns a task as the step that runs it; steps and chains as they are.

    Raises:
        TypeError: the thing is none of these.
    """
    if isinstance(thing, Task):
        return Invoke(thing)
    if isinstance(thing, Step | Chain):
        return thing
    raise TypeError(
        f"{thing!r} is no step; use a task, Parallel, Map, DistributedMap, Choice, Wait, Pass, Succeed or Fail"
    )
