"""Records of CSV and its kin: any of four separators, titles above the header, quotation marks that never close."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from itertools import chain

import msgspec

from penstock.pipelines.leads import columns, naming
from penstock.pipelines.leads.records import Incoming
from penstock.pipelines.leads.unreadable import unreadable

SEPARATORS = ",;\t|"
HEADER_LINES = 20
# A record of more lines or characters than this is taken for one whose quotation mark is never closed.
RECORD_LINES_LIMIT = 2_000
RECORD_CHARACTERS_LIMIT = 16 * 1024 * 1024
LINE_BYTES_LIMIT = 64 * 1024 * 1024
BATCH_RECORDS = 5_000
# Small enough that the collector of garbage seldom meets a piece's rows.
PIECE_BYTES = 32 * 1024
BATCH_CHARACTERS = 4 * 1024 * 1024


class Header(msgspec.Struct, frozen=True):
    """The line with the names: where it stands, counted from 1, what separates them, and where the columns go."""

    line: int
    separator: str
    plan: columns.Plan


def header(text: str) -> Header:
    """Returns the header of a file by its beginning: of the first lines, that with the most names that are known.

    Raises:
        TaskError: no line names a column that says who a lead is, or there are too many columns.
    """
    lines = list(io.StringIO(text, newline=""))[:HEADER_LINES]
    best: tuple[int, int, int, Header] | None = None
    widest: list[str] = []
    for separator in SEPARATORS:
        for number, line in enumerate(lines, start=1):
            names = _cells(line, separator)
            if len(names) > len(widest):
                widest = names
            if len(names) > columns.FIELDS_LIMIT:
                continue
            plan = columns.plan(names)
            if plan.fields & columns.IDENTITY:
                found = (len(plan.fields), len(names), -number, Header(number, separator, plan))
                best = found if best is None or found[:3] > best[:3] else best
    if best is None:
        raise no_header(widest)
    return best[3]


def no_header(names: list[str]) -> Exception:
    """Returns the error of a table without a header that says who a lead is."""
    if len(names) > columns.FIELDS_LIMIT:
        return unreadable(
            f"the file has {len(names):,} columns; {columns.FIELDS_LIMIT} is the limit",
            "choose the columns that matter, or see whether the line ends got lost",
        )
    found = ", ".join(repr(name.strip()[:40]) for name in names[:8]) + ("…" if len(names) > 8 else "")
    return unreadable(
        f"no column says who the lead is; the columns are {found or 'none'}",
        "name at least one column in the first lines: email, phone, first name, last name, name, or id",
        columns=names[:50],
    )


def batches(pieces: Iterator[bytes]) -> Iterator[list[Incoming]]:
    """Yields the records of a delimited file.

    Raises:
        TaskError: as ``header``.
    """
    first = next(pieces, b"")
    if not first.endswith((b"\n", b"\r")):
        # A header as long as that is refused for its many columns.
        first += next(pieces, b"")
    told = header(first.decode())
    filling = naming.Filling(told.plan)
    found: list[Incoming] = []
    characters = 0
    for line, row in _rows(_whole_lines(chain([first], pieces)), told):
        if isinstance(row, str):
            found.append(naming.refused(line, "unclosed_quote", "", row))
        else:
            record = _record(filling, line, row, told.separator)
            if record is not None:
                found.append(record)
                # Where much is said, it is said in the notes.
                characters += len(record.notes or record.extra or "")
        if len(found) >= BATCH_RECORDS or characters >= BATCH_CHARACTERS:
            yield found
            found, characters = [], 0
    if found:
        yield found


def _record(filling: naming.Filling, line: int, row: list[str], separator: str) -> Incoming | None:
    width = len(filling.plan.names)
    if len(row) != width:
        if len(row) > width and any(row[width:]):
            message = f"the line has {len(row):,} cells; the header has {width:,}"
            return naming.refused(line, "too_many_cells", message, separator.join(row))
        row = [*row, *[""] * (width - len(row))][:width]
    # A blank line, and the header again where files were put together.
    if not any(row) or (row[0] == filling.plan.names[0] and tuple(row) == filling.plan.names):
        return None
    return filling.record(line, row)


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Yields texts that end where a line ends.

    Raises:
        TaskError: a line has no end.
    """
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if piece.endswith((b"\n", b"\r")):
            yield b"".join(held).decode()
            held, size = [], 0
        elif size > LINE_BYTES_LIMIT:
            raise unreadable(
                f"a line of the file is longer than {LINE_BYTES_LIMIT // 1024 // 1024} MB", "its line ends got lost"
            )
    if held:
        yield b"".join(held).decode()


def _rows(texts: Iterator[str], told: Header) -> Iterator[tuple[int, list[str] | str]]:
    """Yields each row with the number of its first line, or the line itself when its quotation is never closed."""
    csv.field_size_limit(RECORD_CHARACTERS_LIMIT * 4)
    number = told.line
    first = io.StringIO(next(texts), newline="")
    for _ in range(number):
        next(first, "")
    for text in chain([first.read()], texts):
        rows = _rows_of_one_line(text, told.separator)
        if rows is None:
            # From here on some records have several lines, which are looked at one by one.
            yield from _rows_of_several_lines(_Lines(chain([text], texts), number), told.separator)
            return
        yield from enumerate(rows, number + 1)
        number += len(rows)


def _rows_of_one_line(text: str, separator: str) -> list[list[str]] | None:
    """Returns the rows of a text in which each line is a row; ``None`` when one is not."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = list(reader)
    except csv.Error:
        return None
    last = text[max(text.rfind("\n", 0, -2), text.rfind("\r", 0, -2)) + 1 :]
    return rows if reader.line_num == len(rows) and last.count('"') % 2 == 0 else None


class _Lines:
    """The lines of a file, those of the present record kept until it is complete."""

    def __init__(self, texts: Iterator[str], number: int) -> None:
        self._lines = chain.from_iterable(io.StringIO(text, newline="") for text in texts)
        self._again: deque[str] = deque()
        self.pending: list[str] = []
        self.number = number
        self.overlong = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.pending.append(line)
        if len(self.pending) > 1 and self._too_long():
            self.overlong = True
            raise StopIteration
        return line

    def _too_long(self) -> bool:
        if len(self.pending) % 64:
            return False
        return len(self.pending) > RECORD_LINES_LIMIT or sum(map(len, self.pending)) > RECORD_CHARACTERS_LIMIT

    def complete(self) -> int:
        """Forgets the record's lines; returns the number of its first."""
        line = self.number + 1
        self.number += len(self.pending)
        self.pending.clear()
        return line

    def give_back(self) -> tuple[int, str]:
        """Returns the record's first line, alone, with its number; the others are read again."""
        first, *rest = self.pending
        self._again.extendleft(reversed(rest))
        self.pending.clear()
        self.number += 1
        self.overlong = False
        return self.number, first


def _rows_of_several_lines(source: _Lines, separator: str) -> Iterator[tuple[int, list[str] | str]]:
    while True:
        try:
            for row in csv.reader(source, delimiter=separator):
                if source.overlong or (len(source.pending) > 1 and not _is_sound(source.pending, separator)):
                    break
                yield source.complete(), row
        except csv.Error:
            pass
        if not source.pending:
            return
        line, text = source.give_back()
        yield line, text.rstrip("\r\n")


def _is_sound(lines: list[str], separator: str) -> bool:
    """Whether the quotation that made one record of several lines is closed, and where a cell ends."""
    try:
        return len(list(csv.reader(lines, delimiter=separator, strict=True))) == 1
    except csv.Error:
        return False


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
