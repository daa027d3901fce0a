"""Map runs: a distributed Map's items, each an execution of its own, so many at once and no more in memory.

Where a map run stands is in its row, never here: items given and their children are written together, and so is a
child's end with its count. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock import states
from penstock.errors import NotFoundError
from penstock.faultpoints import fault_point
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.ports.clock import Clock
from penstock.ports.journal import Execution, Journal, Outcome, Recorded, Status
from penstock.ports.map_runs import MapRun, MapRunStatus, MapRunStore
from penstock.ports.objects import ObjectStore
from penstock.runtime.machine.map_run_description import counts
from penstock.runtime.machine.map_run_lake import Rows
from penstock.runtime.machine.map_run_work import OpenMapRun, OpenMapRuns
from penstock.runtime.replay import context_of
from penstock.states.distributed import (
    Tolerance,
    map_run_arn,
    map_run_id,
    processor_document,
    threshold_exceeded,
)
from penstock.states.failures import StateFailedError

SOURCE = "map:"
# "If you don't specify a value, or set it to zero, Step Functions … runs 10,000 parallel child workflow executions."
CONCURRENCY_LIMIT = 10_000
# How much one turn does, so that the process's other work has its turns too.
CHILDREN_A_TURN = 200
OPEN_LIMIT = 256


class MapRunner:
    """Drives the map runs that this process owns. Belongs to the worker's thread.

    Args:
        rows: yields the rows of a Parquet file of the lake by its key; None where there is nothing that could.
        open_limit: how many readers are held open; what is read by more is opened again and again.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        map_runs: MapRunStore,
        objects: ObjectStore,
        clock: Clock,
        definitions: Mapping[str, Definition],
        owner: str,
        rows: Rows | None = None,
        open_limit: int = OPEN_LIMIT,
    ) -> None:
        self._journal = journal
        self._runs = map_runs
        self._clock = clock
        self._definitions = definitions
        self._owner = owner
        self._open = OpenMapRuns(
            journal=journal, map_runs=map_runs, objects=objects, definitions=definitions, rows=rows, limit=open_limit
        )
        self._stopping: set[str] = set()
        self._deferred: dict[str, tuple[Execution, states.StartMapRun]] = {}
        self._is_busy = False
        self._is_batched = functools.lru_cache(maxsize=1024)(lambda run: self._runs.get(run).is_batched)

    def start(self, execution: Execution, command: states.StartMapRun) -> None:
        """Begins a map run, or goes on with one that is redriven. Asked for again, it changes nothing.

        To be called in the transaction that journals why: a parent may be parked in it.

        Args:
            execution: the parent, in which the Map waits for an answer to the command's token.
        """
        if self._runs.by_token(command.token) is not None:
            return
        self._is_busy = True
        encoded = msgspec.json.encode(command)
        before = self._runs.by_token(command.redriven) if command.redriven else None
        if before is None:
            with self._journal.transaction():
                self._runs.create(self._new(execution, command), encoded)
        elif before.status.is_final:
            self._open.forget(before.id)
            self._runs.redrive(before.id, token=command.token, owner=self._owner, command=encoded)
        else:
            # Its children are still being aborted: which of them are to run again is known afterwards.
            self._deferred[command.token] = (execution, command)

    def cancel(self, token: str) -> None:
        """Gives a map run up: its children are aborted. To be called in the transaction that journals why."""
        self._deferred.pop(token, None)
        run = self._runs.by_token(token)
        if run is not None and self._runs.stop(run.id, MapRunStatus.ABORTING):
            self._stopping.discard(run.id)
            self._is_busy = True

    def ended(self, execution: Execution) -> None:
        """Counts a child's end. To be called in the transaction that journals it."""
        run = execution.source.removeprefix(SOURCE)
        self._runs.ended(run, execution.status, self._size(run, execution))
        # What can be put through again is the parent, as a whole.
        self._journal.bury(execution.id)
        self._is_busy = True
        if run in self._stopping:
            found = self._runs.get(run)
            if found.status is MapRunStatus.ABORTING and not found.executions.running:
                self._answer(found, MapRunStatus.ABORTED, self._clock.now())

    def tick(self, now: float) -> list[Execution]:
        """Gives each map run a turn; returns the children that were created, for this process to drive."""
        self._is_busy = self._runs.claim(self._owner, tuple(self._definitions)) > 0
        deferred, self._deferred = self._deferred, {}
        for execution, command in deferred.values():
            self.start(execution, command)
        created: list[Execution] = []
        for run in self._runs.due(self._owner):
            children = self._turn(run, now)
            created += children
            if not children and not self._open.is_writing(run.id):
                self._runs.rest(run)
        return created

    def next_due_at(self) -> float | None:
        """Returns 0 if there is something to do at once, else None: what happens to children is told."""
        return 0.0 if self._is_busy else None

    def _new(self, execution: Execution, command: states.StartMapRun) -> MapRun:
        label = command.label or command.state_name
        document = processor_document(self._journal.definition(execution.version), command.state_name)
        machine = Workflow(name=f"{execution.workflow}/{label}", definition=document)
        now = self._clock.now()
        self._journal.register(execution.pipeline, [machine], now)
        return MapRun(
            id=map_run_id(command.token),
            token=command.token,
            execution=execution.id,
            arn=map_run_arn(context_of(execution).machine_id, label, command.token),
            pipeline=execution.pipeline,
            workflow=execution.workflow,
            version=machine.version,
            root=execution.root,
            label=label,
            started_at=now,
            is_batched=command.batcher is not None,
            owner=self._owner,
        )

    # -- one turn -----------------------------------------------------------------------------------

    def _turn(self, run: MapRun, now: float) -> list[Execution]:
        if run.status is not MapRunStatus.RUNNING and run.executions.running:
            self._abort_children(run, now)
            return []
        if run.status is MapRunStatus.ABORTING:
            self._answer(run, MapRunStatus.ABORTED, now)
            return []
        try:
            opened = self._open.get(run)
            if run.status is MapRunStatus.RUNNING:
                return self._run(run, opened, now)
            self._finish(run, opened, now)
        except StateFailedError as failure:
            self._fail(run, failure, now)
        except NotFoundError:
            # The parent waits for it no more.
            self._runs.stop(run.id, MapRunStatus.ABORTING)
            self._is_busy = True
        return []

    def _run(self, run: MapRun, opened: OpenMapRun, now: float) -> list[Execution]:
        command = opened.command
        total = run.given if run.is_read else opened.total
        tolerance = Tolerance(count=command.tolerated_failure_count, percentage=command.tolerated_failure_percentage)
        if not run.waiting and tolerance.is_exceeded(counts(run.items), total=total):
            raise threshold_exceeded()
        limit = min(command.max_concurrency or CONCURRENCY_LIMIT, CONCURRENCY_LIMIT)
        room = min(limit - run.executions.running, CHILDREN_A_TURN)
        if room > 0 and run.waiting:
            return self._resume(run, room, now)
        if room > 0 and not run.is_read:
            return self._begin(run, opened, room, now)
        if run.is_read and not run.executions.running and not run.waiting:
            self._finish(run, opened, now)
        return []

    def _begin(self, run: MapRun, opened: OpenMapRun, room: int, now: float) -> list[Execution]:
        """Gives the next items to new children."""
        try:
            taken, is_read = opened.take(room)
            created = [
                Execution(
                    id=f"{run.id}-{number:09d}", pipeline=run.pipeline, workflow=run.workflow, version=run.version,
                    input=msgspec.json.encode(batch.input), source=f"{SOURCE}{run.id}", root=run.root, created_at=now,
                    owner=self._owner,
                )
                for number, batch in enumerate(taken, start=run.children)
            ]  # fmt: skip
            fault_point("map_runs.before_begin")
            with self._journal.transaction():
                for execution in created:
                    self._journal.create(execution)
                items = sum(batch.size for batch in taken)
                self._runs.begun(run.id, children=len(created), items=items, is_read=is_read)
        except BaseException:
            # What was read and not written has to be read again.
            self._open.forget(run.id)
            raise
        fault_point("map_runs.after_begin")
        self._is_busy = True
        return created

    def _resume(self, run: MapRun, room: int, now: float) -> list[Execution]:
        """Puts children through again that had failed when the Map was redriven; returns what there is to drive."""
        event = msgspec.json.encode(states.Redriven(at=now))
        with self._journal.transaction():
            for execution in self._runs.redriven(run.id, room):
                self._runs.resumed(run.id, execution.status, self._size(run.id, execution))
                if execution.started_at is not None:
                    sequence = len(self._journal.events(execution.id))
                    self._journal.append([(execution.id, Recorded(sequence, event))])
                self._journal.reopen(execution.id)
        self._is_busy = True
        return self._journal.claim(self._owner, tuple(self._definitions), room, now)

    # -- the end ------------------------------------------------------------------------------------

    def _abort_children(self, run: MapRun, now: float) -> None:
        """Stops every child that is not over, wherever it is driven. After a crash it is asked for again."""
        if run.id in self._stopping:
            return
        self._stopping.add(run.id)
        stopped = msgspec.json.encode(states.Stopped(cause="The Map Run was stopped", at=now))
        after = ""
        while page := self._runs.unfinished(run.id, after, CHILDREN_A_TURN):
            with self._journal.transaction():
                for execution in page:
                    if execution.owner is None and execution.started_at is None:
                        self._journal.finish(execution.id, Outcome(Status.ABORTED, now))
                        execution.status = Status.ABORTED
                        self.ended(execution)
                    else:
                        self._journal.post(execution.id, stopped)
            after = page[-1].id

    def _fail(self, run: MapRun, failure: StateFailedError, now: float) -> None:
        """Stops a map run that cannot succeed any more; one that was about to end ends at once."""
        self._is_busy = True
        if run.status is MapRunStatus.RUNNING and self._runs.stop(
            run.id, MapRunStatus.STOPPING, failure.error, failure.cause
        ):
            self._open.forget(run.id)
            return
        self._answer(run, MapRunStatus.FAILED, now, error=run.error or failure.error, cause=run.cause or failure.cause)

    def _finish(self, run: MapRun, opened: OpenMapRun, now: float) -> None:
        """Writes the results, a part a turn, and answers the parent."""
        is_failed = run.status is MapRunStatus.STOPPING
        output: Any = None
        if not is_failed or (opened.command.writer or {}).get("Resource"):
            is_done, output = opened.write(self._runs, run)
            if not is_done:
                self._is_busy = True
                return
        if is_failed:
            self._answer(run, MapRunStatus.FAILED, now, error=run.error, cause=run.cause)
        else:
            self._answer(run, MapRunStatus.SUCCEEDED, now, output=output)

    def _answer(
        self, run: MapRun, status: MapRunStatus, now: float, *, output: Any = None, error: str = "", cause: str = ""
    ) -> None:
        self._open.forget(run.id)
        self._stopping.discard(run.id)
        event: Any = states.TaskFailed(token=run.token, error=error, cause=cause, at=now)
        if status is MapRunStatus.SUCCEEDED:
            event = states.TaskSucceeded(token=run.token, output=output, at=now)
        fault_point("map_runs.before_answer")
        with self._journal.transaction():
            if self._runs.finish(run.id, status, now) and status is not MapRunStatus.ABORTED:
                self._journal.post(run.execution, msgspec.json.encode(event))
        fault_point("map_runs.after_answer")

    def _size(self, run: str, execution: Execution) -> int:
        """Returns how many items a child has."""
        return len(_batches.decode(execution.input).Items) if self._is_batched(run) else 1


class _Batched(msgspec.Struct):
    Items: list[msgspec.Raw]


_batches = msgspec.json.Decoder(_Batched)
