"""A writer of many records: few objects instead of one for each call of ``append``."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from penstock.errors import UsageError
from penstock.lake import layout
from penstock.lake.batching import DEFAULT_BYTES, Batch
from penstock.model.datasets import LakeTable

if TYPE_CHECKING:
    from penstock.runtime.handles import Appended, Scope


class LakeWriter:
    """Writes records into a table in batches; leaving the ``with`` block writes the last one.

    A batch is closed when it has ``max_bytes``, or when a record comes and the first is ``max_age_seconds`` old. An
    attempt that fails leaves the batch that it had open unwritten. A retry that writes the same records finds the
    objects of full batches there and leaves them; where batches were closed by age it may write records a second
    time, which the table's ``unique`` columns sort out. No record is lost by either.

    Attributes:
        objects: how many objects there are so far.
        records: how many records they hold.
    """

    def __init__(
        self,
        scope: Scope,
        table: LakeTable,
        *,
        source: str | None = None,
        max_bytes: int = DEFAULT_BYTES,
        max_age_seconds: float | None = None,
    ) -> None:
        self._scope = scope
        self._table = table
        self._source = source or scope.call.task
        number = scope.next_number(f"writer:{table.name}:{source}")
        self._name = f"{scope.call.execution}.{scope.visit}.w{number}"
        self._batch = Batch(max_bytes=max_bytes, max_age_seconds=max_age_seconds, compressed=table.compress)
        self._closed = False
        self.objects = 0
        self.records = 0

    def __enter__(self) -> LakeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.flush()
        self._closed = True

    def write(self, item: Any) -> Appended | None:
        """Adds a record; returns the object if this closed a batch.

        Raises:
            UsageError: the writer's block is over.
            ValidationError: the record holds something that JSON or a column cannot.
        """
        if self._closed:
            raise UsageError("the writer is closed", hint="write inside of its `with` block")
        now = self._scope.ports.clock.monotonic()
        written = self.flush() if self._batch.is_due(now) else None
        self._batch.add(item, now)
        return (self.flush() if self._batch.is_due(now) else None) or written

    def flush(self) -> Appended | None:
        """Writes what is held as one object; None when nothing is."""
        from penstock.runtime.handles import Appended, create_object

        full = self._batch.close()
        if full is None:
            return None
        scope = self._scope
        extension = ".json.zst" if self._table.compress else ".json"
        key = layout.raw_key(self._table, scope.call.started_at, self._source, f"{self._name}.{full.name}", extension)
        created = create_object(scope.ports, scope.definition, scope.call, self._table, key, full.data)
        self.objects += 1
        self.records += full.records
        return Appended(key, full.records, created)
