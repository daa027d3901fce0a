"""What a map run holds open while it runs: the reader of its items, and the writer of its results.

Both are begun anew after a crash: the reader goes on behind the items that were given to children, and the files of
results are written again under the same names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from penstock import states
from penstock.model.pipeline import Definition
from penstock.ports.journal import Execution, Journal
from penstock.ports.map_runs import MapRun, MapRunStatus, MapRunStore
from penstock.ports.objects import ObjectStore
from penstock.runtime.machine.map_run_lake import LakeBucket, Rows
from penstock.runtime.names import name_of
from penstock.runtime.replay import replay
from penstock.states.distributed import (
    Batch,
    Child,
    Item,
    ResultFiles,
    batches,
    given_items,
    outputs,
    read_items,
    transformation,
)
from penstock.states.failures import StateFailedError

PAGE = 1_000

_commands = msgspec.json.Decoder(states.StartMapRun)


class OpenMapRun:
    """A map run's reader and writer.

    Args:
        state: the parent's state, in which the Map waits.
        bucket: what is read and written.
    """

    def __init__(
        self, run: MapRun, command: states.StartMapRun, state: states.ExecutionState, bucket: LakeBucket
    ) -> None:
        self.command = command
        self._run = run
        self._state = state
        self._bucket = bucket
        self._inputs: Iterator[Batch] | None = None
        self._writing: Iterator[Any] | None = None

    @property
    def is_writing(self) -> bool:
        """Whether a part of the results is written."""
        return self._writing is not None

    @property
    def total(self) -> int | None:
        """How many items there are, where that is known before they are read."""
        return None if self.command.items is None else len(self.command.items)

    def take(self, limit: int) -> tuple[list[Batch], bool]:
        """Returns the inputs of the next children, at most so many, and whether there are no more.

        Raises:
            StateFailedError: the items cannot be read, selected or batched.
        """
        if self._inputs is None:
            self._inputs = batches(self._selected(self._found(), self._run.given), self.command.batcher)
        taken = list(islice(self._inputs, limit))
        return taken, len(taken) < limit

    def write(self, store: MapRunStore, run: MapRun) -> tuple[bool, Any]:
        """Writes more of the results; returns whether that is all, and then the Map's output.

        Raises:
            StateFailedError: they cannot be written, or there are too many for an output.
        """
        if self._writing is None:
            self._writing = self._written(store, run)
        for output in self._writing:
            return output is not None, output
        raise RuntimeError("results were written already")

    def close(self) -> None:
        """Gives up what is open."""
        for iterator in (self._inputs, self._writing):
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    def _found(self) -> Iterator[Item]:
        if self.command.reader is None:
            return given_items(self.command.items)
        return read_items(self.command.reader, self._bucket)

    def _selected(self, found: Iterator[Item], first: int) -> Iterator[Any]:
        for index, item in enumerate(islice(found, first, None), start=first):
            yield states.item_input(
                self._state, self.command.token, index, item.value, self._run.started_at,
                key=item.key, source=item.source,
            )  # fmt: skip

    def _written(self, store: MapRunStore, run: MapRun) -> Iterator[Any]:
        """Yields None after each page of children, and the Map's output at the end."""
        writer = self.command.writer
        if writer is None or "Resource" not in writer:
            how = transformation(writer)
            yield outputs(map(_child(run), _children(store, run)), how, self.command.state_name)
            return
        files = ResultFiles(writer, run.id, redrives=run.redrives)
        make = _child(run)
        for number, execution in enumerate(_children(store, run)):
            for key, content in files.add(make(execution)):
                self._bucket.put(files.bucket, key, content)
            if number % PAGE == PAGE - 1:
                yield None
        for number, pending in enumerate(self._never_begun(run)):
            for key, content in files.add(pending):
                self._bucket.put(files.bucket, key, content)
            if number % PAGE == PAGE - 1:
                yield None
        for key, content in files.finish(run.arn):
            self._bucket.put(files.bucket, key, content)
        yield files.output(run.arn)

    def _never_begun(self, run: MapRun) -> Iterator[Child]:
        """Yields what was left of a map run that was stopped, if it can be read."""
        if run.is_read or run.status is not MapRunStatus.STOPPING:
            return
        left = batches(self._selected(self._found(), run.given), self.command.batcher)
        try:
            for batch in left:
                encoded = msgspec.json.encode(batch.input)
                yield Child(id="", name="", machine="", status="PENDING", input=encoded)
        except StateFailedError:
            # It is why the run was stopped, or will be told when the run goes on.
            return


class OpenMapRuns:
    """The map runs that are held open: the latest used of them, and all that write their results.

    Args:
        rows: yields the rows of a Parquet file of the lake by its key; None where there is nothing that could.
        limit: how many are held open.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        map_runs: MapRunStore,
        objects: ObjectStore,
        definitions: Mapping[str, Definition],
        rows: Rows | None,
        limit: int,
    ) -> None:
        self._journal = journal
        self._map_runs = map_runs
        self._objects = objects
        self._definitions = definitions
        self._rows = rows
        self._limit = limit
        self._open: OrderedDict[str, OpenMapRun] = OrderedDict()

    def get(self, run: MapRun) -> OpenMapRun:
        """Returns what a map run holds open. Raises NotFoundError if its parent is gone."""
        if run.id not in self._open:
            self._open[run.id] = self._opened(run)
            idle = next((name for name, opened in self._open.items() if not opened.is_writing), run.id)
            if len(self._open) > self._limit and idle != run.id:
                self.forget(idle)
        self._open.move_to_end(run.id)
        return self._open[run.id]

    def is_writing(self, run: str) -> bool:
        """Tells whether a part of a map run's results is written."""
        return run in self._open and self._open[run].is_writing

    def forget(self, run: str) -> None:
        """Gives up what a map run holds open, if it does."""
        opened = self._open.pop(run, None)
        if opened is not None:
            opened.close()

    def _opened(self, run: MapRun) -> OpenMapRun:
        parent = self._journal.get(run.execution)
        machine = states.parse(self._journal.definition(parent.version))
        state = replay(parent, machine, self._journal.events(parent.id)).state
        workflow = self._definitions[run.pipeline].workflows.get(run.workflow)
        bucket = LakeBucket(self._objects, run.workflow, () if workflow is None else workflow.may, self._rows)
        return OpenMapRun(run, _commands.decode(self._map_runs.command(run.id)), state, bucket)


def _children(store: MapRunStore, run: MapRun) -> Iterator[Execution]:
    after = ""
    while page := store.children(run.id, after, PAGE):
        yield from page
        after = page[-1].id


def _child(run: MapRun) -> Any:
    machine = f"{run.pipeline}.{run.workflow}/{run.label}"

    def described(execution: Execution) -> Child:
        return Child(
            id=execution.id, name=name_of(execution.id), machine=machine, status=execution.status.value,
            input=execution.input, output=execution.output, error=execution.error, cause=execution.cause,
            started_at=execution.started_at, stopped_at=execution.stopped_at, redrives=execution.redrives,
        )  # fmt: skip

    return described
