"""What an execution asks of the world."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class InvokeTask(msgspec.Struct, frozen=True, kw_only=True):
    """Call a task.

    Attributes:
        token: names this attempt; the answer must carry it.
        key: the same for all attempts of one visit of one state: an idempotency key.
        input: the effective input, after InputPath and Parameters.
        attempt: counts from 0.
        timeout_seconds, heartbeat_seconds: the state's limits, kept by the machine's own timers.
    """

    token: str
    key: str
    state_name: str
    resource: str
    input: Any
    attempt: int
    timeout_seconds: float | None = None
    heartbeat_seconds: float | None = None


class StartMapRun(msgspec.Struct, frozen=True, kw_only=True):
    """Begin a distributed Map: a workflow execution of its own for each item, or batch of items.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html. ``processor`` gives the machine of
    the executions, and ``item_input`` what each item is for it. The answer is a task's: the Map's output, or an error.

    Attributes:
        token: names this attempt; ``key`` is the same for all attempts of one visit of the state.
        items: the items in the state's input, or None where a reader finds them.
        reader: ItemReader: ``Resource``, ``ReaderConfig`` and ``Parameters`` (JSONata's Arguments too).
        batcher: ItemBatcher: ``MaxItemsPerBatch``, ``MaxInputBytesPerBatch`` and ``BatchInput``.
        writer: ResultWriter: ``Resource``, ``WriterConfig`` and ``Parameters`` (JSONata's Arguments too).
        max_concurrency: how many executions at once; 0 names no limit.
        tolerated_failure_count, tolerated_failure_percentage: the failures that the Map bears, of its items.
        redriven: the token of the attempt to go on with: what succeeded there does not run again.
    """

    token: str
    key: str
    state_name: str
    attempt: int
    items: list[Any] | dict[str, Any] | None = None
    reader: dict[str, Any] | None = None
    batcher: dict[str, Any] | None = None
    writer: dict[str, Any] | None = None
    max_concurrency: int = 0
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: float | None = None
    label: str = ""
    execution_type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    redriven: str = ""


class CancelTask(msgspec.Struct, frozen=True):
    """Nobody waits for this task, or this distributed Map, any more."""

    token: str


class StartTimer(msgspec.Struct, frozen=True):
    """Say when a moment has come. ``due_at`` is in seconds since the epoch."""

    token: str
    due_at: float


class CancelTimer(msgspec.Struct, frozen=True):
    """Nobody waits for this timer any more."""

    token: str


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """The execution is over."""

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    output: Any = None
    error: str = ""
    cause: str = ""


Command = InvokeTask | StartMapRun | CancelTask | StartTimer | CancelTimer | Finish
