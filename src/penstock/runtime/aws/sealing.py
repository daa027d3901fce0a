"""The function that seals the lake in an account: what is due of the last days, or what an event asks for.

It is started by the clock, and by hand with ``{"days": 30}`` or ``{"table": "orders", "partition": "year=2026/…"}``.
Two that run at once do no harm: of both that seal one partition, one replaces the file and the other looks again.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec

from penstock.errors import PenstockError, PortError, UsageError
from penstock.lake.layout import parse_key, table_prefix
from penstock.lake.sealing import is_closed, partition_of
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.pipeline import Definition
from penstock.ports.objects import ObjectInfo, ObjectStore
from penstock.runtime.aws.log import write_line

DAYS = 3
LONGEST_DAYS = 3660
# No sealing takes longer: the function is stopped after 15 minutes. What is older than the sealed file by more than
# this was there when it was begun.
OVERLAP_SECONDS = 3600
# What a partition may still take is not known; what is left waits for the next run.
RESERVE_MS = 240_000
SCRATCH = Path("/tmp/penstock-sealing")  # noqa: S108 - the one place where a function may write
# Of the function's memory, in parts of a hundred, for the engine that sorts.
ENGINE_PERCENT = 60


class Sealer(Protocol):
    """Seals one partition."""

    def seal(self, table: LakeTable, partition: str) -> Any: ...


class Due(msgspec.Struct, frozen=True, order=True):
    """A partition that may have something to seal."""

    table: str
    partition: str


class SealingFunction:
    """Seals what is due, as a Lambda function.

    Args:
        objects: the lake.
        sealer: seals one partition; does nothing where all is sealed.
        now: seconds since the epoch.
        write: takes a line of the log.
    """

    def __init__(
        self,
        definition: Definition,
        objects: ObjectStore,
        sealer: Sealer,
        now: Callable[[], float],
        write: Callable[[str], Any] = write_line,
    ) -> None:
        self._definition = definition
        self._objects = objects
        self._sealer = sealer
        self._now = now
        self._write = write

    def __call__(self, event: Any, context: Any) -> dict[str, int]:
        """Answers one invocation with how many partitions were looked at, failed, or are left for the next one.

        Raises:
            PortError: a partition could not be sealed. All others have been tried before.
        """
        done = failed = 0
        due = sorted(self._due(event if isinstance(event, dict) else {}))
        for one in due:
            if context.get_remaining_time_in_millis() < RESERVE_MS:
                break
            failed += not self._seal(one)
            done += 1
        answer = {"partitions": done, "failed": failed, "left": len(due) - done}
        self._log("ERROR" if failed else "INFO", "sealing is over", **answer)
        if failed:
            raise PortError(f"{failed} of {done} partitions could not be sealed", hint="the log tells why", **answer)
        return answer

    def _seal(self, one: Due) -> bool:
        named = {"table": one.table, "partition": one.partition}
        try:
            outcome = self._sealer.seal(self._definition.lake_tables[one.table], one.partition)
        except PenstockError as error:
            self._log("ERROR", "not sealed", **named, error=error.code, cause=error.message, hint=error.hint)
            return False
        self._log("INFO", "partition", **{**named, **msgspec.to_builtins(outcome)})
        return True

    def _log(self, level: str, message: str, **more: Any) -> None:
        line = {"level": level, "message": message, "pipeline": self._definition.name, **more}
        self._write(msgspec.json.encode(line).decode())

    def _due(self, event: Mapping[str, Any]) -> Iterator[Due]:
        tables = self._definition.lake_tables
        if "partition" in event:
            if event.get("table") not in tables:
                raise UsageError(f"there is no table {event.get('table')!r}", hint=f"there are {', '.join(tables)}")
            yield Due(str(event["table"]), str(event["partition"]).strip("/"))
            return
        days = event.get("days", DAYS)
        if not isinstance(days, int) or not 0 < days <= LONGEST_DAYS:
            raise UsageError(f"{days!r} is no number of days", hint=f"1 to {LONGEST_DAYS}")
        for table in tables.values():
            if event.get("table", table.name) == table.name:
                yield from self._due_of(table, days)

    def _due_of(self, table: LakeTable, days: int) -> Iterator[Due]:
        """Yields the closed partitions with a raw object that the sealed file may not cover."""
        now = self._now()
        today = datetime.fromtimestamp(now // 1, UTC)
        for back in range(days):
            day = f"{today - timedelta(days=back):year=%Y/month=%m/day=%d/}"
            sealed = {partition: one.modified_at for partition, one in self._newest(table, "sealed", day).items()}
            for partition, one in self._newest(table, "raw", day).items():
                is_newer = one.modified_at > sealed.get(partition, 0.0) - OVERLAP_SECONDS
                if is_newer and is_closed(table, one.key, now):
                    yield Due(table.name, partition)

    def _newest(self, table: LakeTable, zone: str, day: str) -> dict[str, ObjectInfo]:
        """Returns the newest object of each partition of a day."""
        found: dict[str, ObjectInfo] = {}
        for one in self._objects.list(f"{table_prefix(table.name, zone)}{day}"):
            try:
                columns = tuple(parse_key(one.key).partition)
            except PenstockError:
                columns = ()
            if columns != PARTITION_COLUMNS[table.partition]:
                # Somebody else's: in no partition of this table.
                continue
            partition = partition_of(one.key)
            if partition not in found or one.modified_at > found[partition].modified_at:
                found[partition] = one
        return found


def load(definition: Definition) -> Callable[[Any, Any], Any]:
    """Returns the function, over the bucket that its environment names; the bucket is opened by the first call."""
    # Raw objects of others come compressed, whatever the table says of its own.
    import penstock.lake.zstd  # noqa: F401
    from penstock.adapters.aws.objects import ListedObjectStore
    from penstock.adapters.local.rows import DuckDbRowReader
    from penstock.adapters.local.sealer import DuckDbSealer
    from penstock.runtime.aws.ports import LambdaClock
    from penstock.runtime.lake.seal import PartitionSealer

    @functools.cache
    def function() -> SealingFunction:
        objects = ListedObjectStore(os.environ["PENSTOCK_LAKE_BUCKET"])
        memory_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")) * ENGINE_PERCENT // 100
        engine = DuckDbSealer(SCRATCH, objects=objects, memory_limit_mb=memory_mb)
        return SealingFunction(
            definition, objects, PartitionSealer(objects, engine, DuckDbRowReader()), LambdaClock().now
        )

    def handler(event: Any, context: Any) -> dict[str, int]:
        return function()(event, context)

    return handler
