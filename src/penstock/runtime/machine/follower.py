"""Following log files: their lines become raw objects of a lake table, each line once.

A batch is noted with the offsets after it, then stored as one object, then its offsets are made those of the files.
On a restart the object decides: is it there, the batch was stored; is it not, its lines are read again. A file's lines
keep their order, within an object and over objects in the order of their keys.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from pathlib import Path

import msgspec

from penstock.errors import UsageError
from penstock.faultpoints import fault_point
from penstock.lake import layout
from penstock.logs import formats
from penstock.logs.entry import LogEntry, Origin, encode
from penstock.model.datasets import LakeTable
from penstock.ports.bus import Announcer, ObjectCreated
from penstock.ports.clock import Clock, Entropy
from penstock.ports.objects import ObjectStore
from penstock.ports.offsets import Batch, FileOffset, OffsetStore
from penstock.runtime.machine.log_file import LINE_LIMIT_BYTES, Lines, LogFile
from penstock.runtime.machine.log_files import SETTLE_SECONDS, LogFiles
from penstock.runtime.machine.log_patterns import checked, matches

BATCH_BYTES = 4 * 1024 * 1024
FLUSH_SECONDS = 5.0
# How long an entry that could go on in the next line waits for it.
HOLD_SECONDS = 2.0
# How long a log's newer generation waits for the rest of an older one that is still written to.
WAIT_SECONDS = 60.0


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """The lake table that lines go to.

    Attributes:
        pipeline: of the table.
        is_watched: whether an object of the table triggers something.
    """

    pipeline: str
    table: LakeTable
    is_watched: bool = False


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Files that are followed, and what is assumed of their lines.

    Attributes:
        patterns: paths; the last part may hold ``*``, ``?`` and ``[…]``.
        format: of the lines; found out for each when it is ``auto``.
        service, host: what lines are said to be of that do not say; the file's name and this machine's when empty.
        zone: of times that name none.
        from_end: leave out what is in the files when they are first followed.
    """

    patterns: tuple[Path, ...]
    format: str = formats.AUTO
    service: str = ""
    host: str = ""
    zone: tzinfo = UTC
    from_end: bool = False

    def means(self, source: str) -> bool:
        """Tells whether a log is one of these."""
        return any(matches(Path(source), checked(pattern)) for pattern in self.patterns)


class LogSink:
    """Stores entries as raw objects of a table."""

    def __init__(
        self, destination: Destination, *, objects: ObjectStore, bus: Announcer, clock: Clock, writer: str
    ) -> None:
        check_table(destination.table)
        self.destination = destination
        self._objects = objects
        self._bus = bus
        self._clock = clock
        self._writer = writer

    def key(self, source: str, name: str) -> str:
        """Returns the key of an object that is to be written now."""
        return layout.raw_key(self.destination.table, self._clock.now(), source, name)

    def exists(self, key: str) -> bool:
        """Tells whether an object was written."""
        return self._objects.head(key) is not None

    def write(self, key: str, entries: Sequence[LogEntry]) -> None:
        """Writes an object, and tells whoever watches the table.

        Raises:
            AlreadyExistsError: there is one under this key.
        """
        data = encode(entries)
        event = ObjectCreated(
            pipeline=self.destination.pipeline,
            table=self.destination.table.name,
            key=key,
            size=len(data),
            at=self._clock.now(),
        )
        if self.destination.is_watched:
            self._bus.announce(event, writer=self._writer)
        fault_point("follow.before_create")
        self._objects.create(key, data)
        fault_point("follow.after_create")
        if self.destination.is_watched:
            self._bus.confirm(event)


class Follower:
    """Follows the files of a table. There is one follower a table.

    Args:
        flush_seconds: how long a line may wait for others, to be stored with them.
        batch_bytes: after so many bytes it does not wait.
        scratch: a folder where compressed generations are unpacked; the system's for temporary files when absent.

    Raises:
        UsageError: a pattern, the format or the table cannot be used.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        sink: LogSink,
        *,
        offsets: OffsetStore,
        clock: Clock,
        entropy: Entropy,
        flush_seconds: float = FLUSH_SECONDS,
        batch_bytes: int = BATCH_BYTES,
        warn: Callable[[str], None] = lambda text: None,
        scratch: Path | None = None,
    ) -> None:
        for watch in watches:
            formats.check_format(watch.format)
        self._watches = list(watches)
        self._stream = sink.destination.table.name
        self._sink = sink
        self._offsets = offsets
        self._clock = clock
        self._entropy = entropy
        self._host = socket.gethostname()
        self._flush_seconds = flush_seconds
        self._batch_bytes = batch_bytes
        self._unread_since: float | None = None
        self._served: dict[str, int] = {}
        self._batches = 1
        self.lines = 0
        self._recover()
        self._files = LogFiles(
            self._stream,
            [pattern for watch in watches for pattern in watch.patterns],
            offsets=offsets,
            entropy=entropy,
            warn=warn,
            from_end=[pattern for watch in watches if watch.from_end for pattern in watch.patterns],
            scratch=scratch,
        )

    def tick(self, *, is_last: bool = False) -> int:
        """Looks at the files, and stores what is due; returns how many lines were stored.

        Args:
            is_last: store everything now, also what could go on.
        """
        self._files.commit(self._recover())
        now = self._clock.now()
        files = self._files.scan(now)
        if not (is_last or self._is_due(files, now)):
            return 0
        stored = 0
        is_more = True
        while is_more:
            lines, size = self._store_batch(files, now, is_last=is_last)
            stored += lines
            # What is written meanwhile waits for the next time, unless it is much.
            is_more = lines > 0 and (is_last or size >= self._batch_bytes // 2)
        self._unread_since = None
        self.lines += stored
        return stored

    def close(self) -> None:
        """Frees the files; what was not stored is read again next time."""
        self._files.close()

    def _is_due(self, files: Sequence[LogFile], now: float) -> bool:
        unread = sum(one.observe(now) for one in files)
        if not unread:
            self._unread_since = None
            return False
        if self._unread_since is None:
            self._unread_since = now
        return unread >= self._batch_bytes or now - self._unread_since >= self._flush_seconds

    def _store_batch(self, files: Sequence[LogFile], now: float, *, is_last: bool) -> tuple[int, int]:
        """Stores what fits into a batch; returns how many lines and bytes it held."""
        entries: list[LogEntry] = []
        offsets: list[FileOffset] = []
        lines = size = 0
        unfinished: set[str] = set()
        waiting = set() if is_last else self._files.waiting
        # A log that filled the last batch lets the others go first.
        for file in sorted(files, key=lambda one: self._served.get(one.source, 0)):
            if size >= self._batch_bytes:
                break
            if file.source in unfinished or (file.is_live and file.source in waiting):
                continue
            limit = max(self._batch_bytes - size, 2 * LINE_LIMIT_BYTES)
            data = file.read(limit)
            found, count, end = self._entries(file, data, now, is_end=len(data) < limit, is_last=is_last)
            if count:
                entries += found
                lines += count
                offsets.append(file.offset_after(data, end, now))
                size += end - file.position
                self._served[file.source] = self._batches
            # Newer generations wait until this one is read, unless somebody goes on writing to it.
            if file.size > end and (file.is_live or now - file.left_at < WAIT_SECONDS):
                unfinished.add(file.source)
        if entries:
            self._batches += 1
            self._store(entries, offsets)
        return lines, size

    def _entries(
        self, file: LogFile, data: bytes, now: float, *, is_end: bool, is_last: bool
    ) -> tuple[list[LogEntry], int, int]:
        """Returns the entries of what was read, how many lines they are, and where they end."""
        if not data:
            return [], 0, file.position
        idle = now - file.changed_at
        is_final = is_end and (is_last or (not file.is_live and idle >= SETTLE_SECONDS))
        is_complete = is_end and (is_last or idle >= HOLD_SECONDS)
        watch = next((one for one in self._watches if one.means(file.source)), self._watches[0])
        origin = Origin(
            at=min(file.modified_at, now),
            source=file.source,
            host=watch.host or self._host,
            service=watch.service or Path(file.source).stem,
            zone=watch.zone,
        )
        lines = Lines(data, file.position, is_final=is_final)
        entries, count = formats.read(lines.texts, origin, watch.format, is_complete=is_complete)
        return entries, count, lines.end(count)

    def _store(self, entries: Sequence[LogEntry], offsets: list[FileOffset]) -> None:
        name = f"{self._offsets.sequence(self._stream) + 1:012d}.{self._entropy.token()}"
        batch = Batch(key=self._sink.key("follow", name), offsets=offsets)
        self._offsets.begin(self._stream, batch)
        fault_point("follow.after_begin")
        self._sink.write(batch.key, entries)
        self._offsets.commit(self._stream)
        fault_point("follow.after_commit")
        self._files.commit(offsets)

    def _recover(self) -> list[FileOffset]:
        """Settles a batch that was begun and not ended; returns the offsets that it brought."""
        batch = self._offsets.pending(self._stream)
        if batch is None:
            return []
        if self._sink.exists(batch.key):
            self._offsets.commit(self._stream)
            return batch.offsets
        self._offsets.discard(self._stream)
        return []


def check_table(table: LakeTable) -> None:
    """Checks that a table can hold log entries.

    Raises:
        UsageError: its records need a field that entries have not.
    """
    given = set(LogEntry.__struct_fields__)
    fields = msgspec.structs.fields(table.record)
    missing = [field.encode_name for field in fields if field.required and field.encode_name not in given]
    unwanted = table.record.__struct_config__.forbid_unknown_fields and given - {one.encode_name for one in fields}
    if missing or unwanted:
        what = f"need {', '.join(missing)}" if missing else f"refuse {', '.join(sorted(unwanted or ()))}"
        raise UsageError(
            f"lake table {table.name!r} is not one of log lines: its records {what}",
            hint="give --table a table with the fields of pipeline `logs`",
        )
