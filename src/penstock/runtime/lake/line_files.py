"""The sources of a sealing as files of lines, for an engine that reads files.

A large object is read by the engine as it is, and checked at the same time: when a record in it does not fit, the
engine's work was in vain, and everything is checked before the next try. Small objects are checked first, and copied
into one file: few large files are read faster than many small ones.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from penstock.errors import NotFoundError
from penstock.lake.fit import misfit
from penstock.lake.json_records import json_judge
from penstock.lake.layout import quarantine_key
from penstock.lake.outcome import Bad, Good
from penstock.lake.scan import rewrite
from penstock.lake.sealing import Plan
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectStore
from penstock.ports.sealing import SealingEngine
from penstock.runtime.lake.quarantined import SEAL, QuarantineLine, read_quarantine
from penstock.runtime.lake.sources import Reading, SourceReader

LARGE_BYTES = 1 << 20
SHARED_BUFFER_BYTES = 1 << 20
# Then one look at everything is faster than one for each of many sources.
NAMED_ERRORS = 3
# How an engine knows that a file is compressed.
SUFFIXES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".json.gz",
    ".jsonl.gz",
    ".ndjson.gz",
    ".json.zst",
    ".jsonl.zst",
    ".ndjson.zst",
)


class MisfitError(Exception):
    """A source that was taken for lines of records is none: prepare again."""


class _File(msgspec.Struct):
    """A file of lines: of one source as it is, or of several that were copied."""

    path: Path
    readings: list[Reading]
    is_shared: bool


class LineFiles:
    """The files of one sealing.

    Args:
        large_bytes: objects from this size on are read as they are.

    Attributes:
        readings: the sources in the order of the plan.
        regained: lines of quarantines that fit now, by the raw object that they are from.
    """

    def __init__(
        self,
        objects: ObjectStore,
        engine: SealingEngine,
        reader: SourceReader,
        table: LakeTable,
        plan: Plan,
        scratch: Path,
        *,
        large_bytes: int = LARGE_BYTES,
    ) -> None:
        self._large_bytes = large_bytes
        self._objects = objects
        self._engine = engine
        self._reader = reader
        self._table = table
        self._plan = plan
        self._scratch = scratch
        self._files: list[_File] = []
        self._is_hopeful = True
        self._errors = 0
        self.readings = [
            Reading(source, scratch / f"{secrets.token_hex(8)}.quarantine") for source in (*plan.read, *plan.regain)
        ]
        self.regained: dict[str, list[int]] = {}

    def prepare(self) -> list[Path]:
        """Returns the files, in the order of the sources.

        Raises:
            NotFoundError: an object is gone.
        """
        for file in self._files:
            if file.is_shared:
                file.path.unlink()
        self._files = []
        for is_shared, group in itertools.groupby(enumerate(map(self._file, range(len(self.readings)))), _is_shared):
            if not is_shared:
                self._files += [file for _, file in group if file is not None]
                continue
            new = _File(self._scratch / f"{secrets.token_hex(8)}.json", [], is_shared=True)
            self._files.append(new)
            with new.path.open("wb", buffering=SHARED_BUFFER_BYTES) as shared:
                for number, _ in group:
                    new.readings.append(self.readings[number])
                    shared.writelines(self._lines(number))
        return [file.path for file in self._files]

    def check(self) -> Sequence[int]:
        """Returns how many records of each source are in the files; looks at those that nobody looked at yet.

        Raises:
            MisfitError: a source has to be prepared otherwise. No source will be taken unseen then.
        """
        for file in self._files:
            (reading, *_) = file.readings
            if not file.is_shared and not reading.is_whole and not self._reader.count_file(reading, file.path):
                self._is_hopeful = False
                raise MisfitError
        return [one.good or 0 for one in self.readings]

    def take_care(self, path: str | None, line: int | None) -> bool:
        """Has the source of a line written anew, all sources when it is not known; False if that was done already.

        Args:
            line: perhaps one too many.
        """
        self._errors += 1
        named = self._named(path, line) if self._errors <= NAMED_ERRORS else []
        careless = [one for one in named or self.readings if not one.is_careful]
        for one in careless:
            one.is_careful = True
        return bool(careless)

    def _named(self, path: str | None, line: int | None) -> list[Reading]:
        for file in self._files:
            if str(file.path) == path:
                if not file.is_shared or line is None:
                    return file.readings
                return [_reading_of(file.readings, one) for one in (line - 1, line)]
        return []

    def _file(self, number: int) -> _File | None:
        """Returns an object's own file if an engine can read it, None if it has to be copied."""
        reading = self.readings[number]
        is_large = reading.source.size >= self._large_bytes and reading.source.key.lower().endswith(SUFFIXES)
        was_copied = reading.good is not None and not reading.is_whole
        if number >= len(self._plan.read) or reading.is_careful or was_copied or not is_large:
            return None
        path = self._engine.fetch(reading.source.key, self._scratch)
        is_usable = self._is_hopeful or reading.is_whole or self._reader.count_file(reading, path)
        return _File(path, [reading], is_shared=False) if is_usable else None

    def _lines(self, number: int) -> Iterator[bytes]:
        reading = self.readings[number]
        return self._reader.lines(reading) if number < len(self._plan.read) else self._regain(reading)

    def _regain(self, reading: Reading) -> Iterator[bytes]:
        """Puts the quarantine of a raw object that is gone through again."""
        judge = json_judge(self._table.record, misfit(self._table.record))
        done = set(reading.source.regained)
        fitting = self.regained[reading.source.key] = []
        reading.is_careful = True

        def outcomes() -> Iterator[Good | Bad]:
            for line in _quarantine_of(self._objects, quarantine_key(self._table, reading.source.key)):
                # Whoever died right after it had sealed has left what is a row by now.
                if line.by != SEAL or line.line in done:
                    continue
                found = judge(line.line, line.data)
                if isinstance(found, Good):
                    fitting.append(line.line)
                yield found

        yield from reading.taken(rewrite(outcomes()))


def _is_shared(numbered: tuple[int, _File | None]) -> bool:
    return numbered[1] is None


def _reading_of(readings: Sequence[Reading], line: int) -> Reading:
    """Returns the source of a line of their common file."""
    for reading in readings:
        line -= reading.good or 0
        if line <= 0:
            return reading
    return readings[-1]


def _quarantine_of(objects: ObjectStore, key: str) -> Iterator[QuarantineLine]:
    with contextlib.suppress(NotFoundError):
        yield from read_quarantine(objects, key)
