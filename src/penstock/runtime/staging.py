"""Staging: what a transformation is given, of any kind, as one file of lines that fit; the others are kept aside."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from penstock.lake.fit import MAX_BIGINT, MIN_BIGINT, misfit
from penstock.lake.json_records import json_judge
from penstock.lake.outcome import KEPT_BYTES, Bad, Good
from penstock.model.schema import columns
from penstock.model.transformations import LINE, RAW, SOURCE, DelimitedText
from penstock.ports.transform import StagedInput

CHUNK_ROWS = 4096
# Whatever a field of these holds, a column can.
SAFE = frozenset({"string", "boolean", "binary", "timestamp", "date", "array<string>", "map<string,string>"})
UNENCODABLE = (TypeError, ValueError, OverflowError, RecursionError)


class Placed(msgspec.Struct, frozen=True):
    """A record that did not fit, and the object or file that it is from."""

    source: str
    bad: Bad


class Staging:
    """Writes one input.

    Args:
        folder: where its files are made.
        own: which of the columns that an input has beside its record's are wanted.

    Attributes:
        count: how many records fit.
        bad_count: how many did not.
        is_counted: whether ``count`` says so; otherwise the engine does.
    """

    def __init__(self, folder: Path, name: str, record: type[Any], own: Iterable[str]) -> None:
        self._path = folder / f"{name}.json"
        self._bad_path = folder / f"{name}.bad.json"
        self._record = record
        self._own = tuple(own)
        self._encoder = msgspec.json.Encoder()
        # With own columns the record is a part of its line.
        fields = [("r", Any), *((column, Any) for column in self._own)]
        self._row: type[Any] | None = msgspec.defstruct("StagedRow", fields) if self._own else None
        self.count = 0
        self.bad_count = 0
        self.is_counted = True
        self._longest = 0

    def write(self, sources: Iterable[tuple[str, Iterator[Good | Bad]]]) -> StagedInput:
        """Writes what objects or files hold: the name of each, and its records."""
        with self._path.open("wb") as file, self._bad_path.open("wb") as bad_file:
            for source, outcomes in sources:
                for chunk in _chunks(outcomes):
                    file.write(self._lines(bad_file, source, self._sorted_out(bad_file, source, chunk)))
        return self._staged()

    def write_records(self, items: Iterable[Any]) -> StagedInput:
        """Writes records, mappings and lines of JSON. Records are taken to be what their type says."""
        number, is_safe = 1, _safety(self._record)
        with self._path.open("wb") as file, self._bad_path.open("wb") as bad_file:
            for chunk in _chunks(items):
                if is_safe is not None and is_safe(chunk):
                    good = [Good(place, record, b"") for place, record in enumerate(chunk, number)] if self._own else []
                    file.write(self._lines(bad_file, "", good or chunk))
                else:
                    outcomes = outcomes_of(chunk, self._record, number)
                    file.write(self._lines(bad_file, "", self._sorted_out(bad_file, "", outcomes)))
                number += len(chunk)
        return self._staged()

    def write_delimited(self, given: DelimitedText) -> StagedInput | None:
        """Writes delimited text; ``None`` when it has to be read as records. The engine counts its rows."""
        path = self._path.with_suffix(".csv")
        cells = given.write(path)
        if cells is None:
            return None
        self._bad_path.touch()
        self.is_counted = False
        return StagedInput(path=path, columns=self._staged().columns, cells=cells)

    def bad(self, size: int) -> Iterator[tuple[str, list[Bad]]]:
        """Yields what did not fit, at most ``size`` of one source at a time, with the source."""
        decoder = msgspec.json.Decoder(Placed)
        source = ""
        held: list[Bad] = []
        with self._bad_path.open("rb") as file:
            for line in file:
                placed = decoder.decode(line)
                if held and (placed.source != source or len(held) >= size):
                    yield source, held
                    held = []
                source = placed.source
                held.append(placed.bad)
        if held:
            yield source, held

    def _staged(self) -> StagedInput:
        found = {column.name: column.type for column in columns(self._record)}
        return StagedInput(path=self._path, columns=found, own=self._own, longest_bytes=self._longest)

    def _sorted_out(self, bad_file: IO[bytes], source: str, outcomes: Iterable[Good | Bad]) -> list[Good]:
        good = []
        for outcome in outcomes:
            if isinstance(outcome, Bad):
                self._keep(bad_file, source, outcome)
            else:
                good.append(outcome)
        return good

    def _lines(self, bad_file: IO[bytes], source: str, chunk: Sequence[Any]) -> bytes:
        """Returns the lines of Goods, or of records where that is all of a line."""
        try:
            lines = self._encoder.encode_lines(self._rows(source, chunk))
        except UNENCODABLE:
            # One of them holds what JSON cannot, such as half of a surrogate pair.
            return b"".join(self._one_by_one(bad_file, source, chunk))
        self.count += len(chunk)
        # A line cannot be longer than all of them.
        if len(lines) > self._longest:
            self._longest = max(self._longest, *map(len, lines.split(b"\n")))
        return lines

    def _one_by_one(self, bad_file: IO[bytes], source: str, chunk: Sequence[Any]) -> Iterator[bytes]:
        for number, one in enumerate(chunk, self.count + self.bad_count + 1):
            good = one if isinstance(one, Good) else Good(number, one, b"")
            try:
                (row,) = self._rows(source, [good])
                line = self._encoder.encode(row)
            except UNENCODABLE as error:
                reason = f"the record cannot be JSON: {error}"
                self._keep(bad_file, source, Bad(good.line, reason, (good.raw or _shown(good.record))[:KEPT_BYTES]))
                continue
            self.count += 1
            self._longest = max(self._longest, len(line))
            yield line + b"\n"

    def _rows(self, source: str, chunk: Sequence[Any]) -> list[Any]:
        if self._row is None:
            return [one.record if isinstance(one, Good) else one for one in chunk]
        values = {
            SOURCE: itertools.repeat(source),
            LINE: (good.line for good in chunk),
            RAW: ((good.raw or self._encoder.encode(good.record)).decode("utf-8", "replace") for good in chunk),
        }
        wanted = [values[column] for column in self._own]
        return list(map(self._row, [good.record for good in chunk], *wanted))

    def _keep(self, bad_file: IO[bytes], source: str, bad: Bad) -> None:
        self.bad_count += 1
        bad_file.write(self._encoder.encode(Placed(source, bad)) + b"\n")


def outcomes_of(items: Iterable[Any], record: type[Any], first: int = 1) -> Iterator[Good | Bad]:
    """Yields records as they are, mappings and lines of JSON as records; each with its number, from ``first`` on.

    A record is taken to be what its type says; only numbers that no column can hold are looked for.
    """
    check = misfit(record)
    judge = json_judge(record, check)
    for number, item in enumerate(items, start=first):
        if isinstance(item, record):
            reason = check(item)
            yield Good(number, item, b"") if reason is None else Bad(number, reason, _shown(item))
        elif isinstance(item, bytes | bytearray):
            yield judge(number, bytes(item))
        else:
            yield _of_mapping(number, item, record, check)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(itertools.islice(rest, CHUNK_ROWS)):
        yield chunk


def _safety(record: type[Any]) -> Callable[[list[Any]], bool] | None:
    """Returns what tells whether all of a list are records of a type whose values need no look each; None if they do.

    Whole numbers are looked at together: the least and the greatest of each column.
    """
    found = columns(record)
    names = {field.encode_name: field.name for field in msgspec.structs.fields(record)}
    whole = [names[column.name] for column in found if column.type == "bigint"]
    if any(column.type not in SAFE | {"bigint"} for column in found):
        return None

    def is_safe(chunk: list[Any]) -> bool:
        if set(map(type, chunk)) != {record}:
            return False
        try:
            return all(_fits([value for one in chunk if (value := getattr(one, name)) is not None]) for name in whole)
        except TypeError:
            return False

    return is_safe


def _fits(values: list[int]) -> bool:
    return not values or (min(values) >= MIN_BIGINT and max(values) <= MAX_BIGINT)


def _of_mapping(number: int, item: Any, record: type[Any], check: Callable[[Any], str | None]) -> Good | Bad:
    try:
        found = msgspec.convert(item, record)
    except (msgspec.ValidationError, RecursionError, ValueError, OverflowError) as error:
        return Bad(number, f"the record does not fit: {error}", _shown(item))
    reason = check(found)
    return Good(number, found, b"") if reason is None else Bad(number, reason, _shown(item))


def _shown(item: Any) -> bytes:
    try:
        return msgspec.json.encode(item, enc_hook=str)[:KEPT_BYTES]
    except UNENCODABLE:
        return repr(item).encode("utf-8", "backslashreplace")[:KEPT_BYTES]
