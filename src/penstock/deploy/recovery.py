"""Backfill: stored objects are put through their triggered workflows again.

Raw objects hold all that triggered workflows know, so that what these had filled can be filled again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from penstock.adapters.aws.executions import DeployedExecution, StepFunctionsExecutions
from penstock.deploy.documents import invoked_tasks
from penstock.errors import AlreadyExistsError, NotFoundError, ThrottledError
from penstock.lake.layout import table_prefix
from penstock.model.access import Action, HotAction, Kind, MetricAction, TopicAction
from penstock.model.pipeline import Definition
from penstock.model.workflow import ObjectTrigger
from penstock.ports.journal import Status
from penstock.ports.objects import ObjectStore

PREFIX = "backfill-"
CONCURRENCY = 10
POLL_SECONDS = 0.5
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DESCRIBES_PER_SECOND = 10
THROTTLED_SECONDS = 5.0
THROTTLED_ATTEMPTS = 20


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that puts a stored object through a triggered workflow.

    Attributes:
        name: follows from label and key; at most 80 characters with the number of a further attempt.
        document: the same input as that of a new object.
    """

    workflow: str
    key: str
    name: str
    document: bytes


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An object that could not be processed again."""

    key: str
    execution: str
    error: str


class Outcome(msgspec.Struct, kw_only=True):
    """What came of a backfill.

    Attributes:
        started: executions that this run started.
        repeated: objects that had been put through under this label before, or were on their way.
        succeeded: executions that this run waited for, and that succeeded.
    """

    started: int = 0
    repeated: int = 0
    succeeded: int = 0
    failures: list[Failure] = []


def filled_tables(definition: Definition) -> list[str]:
    """Returns the hot tables that triggered workflows write: a backfill fills these again, and no others."""
    return _granted(definition, Kind.HOT_TABLE, HotAction.PUT)


def repeated_messages(definition: Definition) -> list[str]:
    """Returns the topics to which triggered workflows publish: a backfill sends these messages again."""
    return _granted(definition, Kind.TOPIC, TopicAction.PUBLISH)


def repeated_metrics(definition: Definition) -> list[str]:
    """Returns the metrics that triggered workflows publish: a backfill counts these values again."""
    return _granted(definition, Kind.METRIC, MetricAction.PUBLISH)


def _granted(definition: Definition, kind: Kind, action: Action) -> list[str]:
    workflows = [definition.workflows[trigger.workflow] for trigger in definition.triggers.values()]
    tasks = [definition.tasks[name] for one in workflows for name in invoked_tasks(definition, one)]
    return sorted({one.resource for task in tasks for one in task.grants if one.kind == kind and one.action == action})


def starts(
    definition: Definition, objects: ObjectStore, *, label: str, tables: Sequence[str] = (), since: float = 0.0
) -> list[Start]:
    """Returns what a backfill would start, in the order in which the objects were written.

    Args:
        label: an object is put through once for each label.
        tables: lake tables; all that trigger a workflow when none is named.
        since: only objects that were written at this time or later, in seconds since the epoch.

    Raises:
        NotFoundError: a table triggers nothing.
    """
    watched = dict.fromkeys(trigger.table for trigger in definition.triggers.values())
    for table in tables:
        if table not in watched:
            known = ", ".join(watched) or "none"
            raise NotFoundError(
                f"no workflow of pipeline {definition.name!r} is triggered by table {table!r}",
                hint=f"tables that trigger one: {known}",
            )
    chosen = [trigger for trigger in definition.triggers.values() if not tables or trigger.table in tables]
    listed = ((one, trigger) for trigger in chosen for one in objects.list(table_prefix(trigger.table)))
    kept = sorted(
        (one.modified_at, one.key, one.size, trigger.name) for one, trigger in listed if one.modified_at >= since
    )
    return [_start(label, key, size, definition.triggers[name]) for _, key, size, name in kept]


def _start(label: str, key: str, size: int, trigger: ObjectTrigger) -> Start:
    document = json.dumps({"table": trigger.table, "key": key, "size": size}).encode()
    return Start(workflow=trigger.workflow, key=key, name=execution_name(label, key), document=document)


def execution_name(label: str, key: str) -> str:
    """Returns the name of an object's execution, the same that the Glue job of ``backfill_job=True`` gives it."""
    digest = hashlib.sha256(f"{label}\n{key}".encode()).hexdigest()
    return f"{PREFIX}{digest[:40]}"


class Backfill:
    """Starts executions and waits for them, a few at a time.

    Run again with the same label, it goes on where it stopped: what succeeded or still runs is not started again, and
    what failed is.

    Args:
        concurrency: how many run at once.
        pause: waits for some seconds.
        progress: told how far it is, after each object.
    """

    def __init__(
        self,
        executions: StepFunctionsExecutions,
        *,
        concurrency: int = CONCURRENCY,
        pause: Callable[[float], None] = time.sleep,
        progress: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self._executions = executions
        self._concurrency = concurrency
        self._pause = pause
        self._progress = progress
        self._known: dict[str, dict[str, DeployedExecution]] = {}
        self._running: dict[str, Start] = {}
        self._outcome = Outcome()

    def run(self, wanted: Iterable[Start]) -> Outcome:
        """Starts what was not put through yet, and returns when everything has ended.

        Raises:
            PortError: Step Functions could not be asked; what was started goes on.
        """
        for start in wanted:
            self._wait_for_fewer_than(self._concurrency)
            self._put_through(start)
        self._wait_for_fewer_than(1)
        return self._outcome

    def _put_through(self, start: Start) -> None:
        if start.workflow not in self._known:
            listed = self._executions.list(start.workflow)
            self._known[start.workflow] = {one.name: one for one in listed if one.name.startswith(PREFIX)}
        name, before = next_attempt(start.name, self._known[start.workflow])
        if before is not None:
            self._outcome.repeated += 1
            if not before.status.is_final:
                self._running[before.arn] = start
            return
        try:
            self._running[self._start(start, name)] = start
            self._outcome.started += 1
        except AlreadyExistsError:
            # Lists of executions lag behind.
            self._outcome.repeated += 1

    def _start(self, start: Start, name: str) -> str:
        for attempt in itertools.count(1):
            try:
                return self._executions.start(start.workflow, name, start.document)
            except ThrottledError:
                if attempt == THROTTLED_ATTEMPTS:
                    raise
                self._pause(THROTTLED_SECONDS)
        raise AssertionError

    def _wait_for_fewer_than(self, limit: int) -> None:
        while len(self._running) >= limit:
            for arn in list(self._running):
                found = self._executions.describe(arn)
                if found.status.is_final:
                    self._end(self._running.pop(arn), found)
            if len(self._running) >= limit:
                self._pause(max(POLL_SECONDS, len(self._running) / DESCRIBES_PER_SECOND))

    def _end(self, start: Start, found: DeployedExecution) -> None:
        if found.status is Status.SUCCEEDED:
            self._outcome.succeeded += 1
        else:
            error = found.error or str(found.status)
            self._outcome.failures.append(Failure(key=start.key, execution=found.name, error=error))
        self._progress(self._outcome)


def next_attempt(name: str, known: Mapping[str, DeployedExecution]) -> tuple[str, DeployedExecution | None]:
    """Returns the name under which to start an object's execution, or the execution that makes it needless.

    A name is used once: after one that failed comes the next number.
    """
    for number in itertools.count(1):
        attempt = name if number == 1 else f"{name}-{number}"
        found = known.get(attempt)
        if found is None or found.status is Status.SUCCEEDED or not found.status.is_final:
            return attempt, found
    raise AssertionError
