"""Records in CSV: the first line names the columns, by a comma, semicolon, tab or bar.

Quoting is RFC 4180's: a cell in quotes may hold the separator, line ends and doubled quotes. An empty cell without
quotes is no value: the field's default, else null, else an empty text. A nested field is JSON in its cell.
https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from penstock.lake.lines import BOM, split
from penstock.lake.outcome import KEPT_BYTES, LINE_LIMIT_BYTES, Bad, Good
from penstock.lake.repeated import repeated_in
from penstock.model.schema import columns

SEPARATORS = ",;\t|"
# A quote that is never closed must not make one record of the rest of an object.
RECORD_LINES_LIMIT = 1000
NESTED = ("array<", "map<", "struct<")
NUMBER = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", re.IGNORECASE)
Line = tuple[int, bytes]


class _CellError(ValueError):
    """A record's text is none of the format; the message says why."""


class _Header:
    """The columns of an object, and how its cells become values."""

    def __init__(self, text: str, record: type[msgspec.Struct]) -> None:
        unquoted = re.sub(r'"[^"]*"', "", text)
        self.separator = max(SEPARATORS, key=unquoted.count)
        cell = rf'[^"\n{re.escape(self.separator)}]*'
        self._cell = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|({cell}))({re.escape(self.separator)}|\Z)')
        self.names = [(cell or "").strip() for cell, _ in self.cells(text)]
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise _CellError(f"the header has a column twice: {twice[0]!r}")
        fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
        described = {column.name: column for column in columns(record)}
        self._types = {name: column.type for name, column in described.items()}
        self._null = {name for name, column in described.items() if column.nullable and fields[name].required}
        self._text = {name for name, kind in self._types.items() if kind == "string" and fields[name].required}

    def cells(self, text: str) -> list[tuple[str, bool]]:
        """Returns the cells of a record, each with whether it was in quotes."""
        if '"' not in text and "\n" not in text:
            return [(cell, False) for cell in text.split(self.separator)]
        found, position = [], 0
        while True:
            match = self._cell.match(text, position)
            if match is None:
                raise _CellError("a quote is in the middle of a cell, or is not closed")
            quoted = match[1] is not None
            found.append((match[1].replace('""', '"') if quoted else match[2], quoted))
            if not match[3]:
                return found
            position = match.end()

    def row(self, text: str) -> dict[str, Any]:
        """Returns a record's values by their columns; no value for what is left out."""
        cells = self.cells(text)
        if len(cells) != len(self.names):
            raise _CellError(f"the line has {len(cells)} cells, the header {len(self.names)}")
        values = {}
        for name, (cell, quoted) in zip(self.names, cells, strict=True):
            kind = self._types.get(name, "string")
            if cell or quoted:
                values[name] = self._value(name, kind, cell if quoted or kind == "string" else cell.strip())
            elif name in self._null:
                values[name] = None
            elif name in self._text:
                values[name] = ""
        return values

    def _value(self, name: str, kind: str, cell: str) -> Any:
        if kind == "timestamp" and NUMBER.fullmatch(cell):
            # It could be seconds or milliseconds, or of another column.
            raise _CellError(f"{name} is a time, its cell is the number {cell[:40]}")
        if not kind.startswith(NESTED):
            return cell
        try:
            found = msgspec.json.decode(cell)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _CellError(f"{name} is {kind}, its cell is not JSON: {error}") from None
        twice = repeated_in(kind)(cell.encode())
        if twice is not None:
            raise _CellError(f"{name} names the key at {twice} twice")
        return found


def decode_delimited(
    pieces: Iterable[bytes], record: type[msgspec.Struct], misfit: Callable[[Any], str | None]
) -> Iterator[Good | Bad]:
    """Yields the records of a CSV object. A record over several lines counts as its first."""
    lines = enumerate(split(pieces), start=1)
    header: _Header | str | None = None
    for number, raw in lines:
        line = raw.removeprefix(BOM) if number == 1 else raw
        if line.strip():
            header = _header(line, record)
            break
    if header is None:
        return
    found = False
    for number, text in _records(lines, header):
        found = True
        yield _judge(number, text, header, record, misfit)
    if not found:
        yield Bad(1, "the object has a header and no records", b"")


def _header(line: bytes, record: type[msgspec.Struct]) -> _Header | str:
    """Returns the header, or what is wrong with it: then no record can be read, and none may be lost."""
    try:
        return _Header(line.rstrip(b"\r").decode(), record)
    except UnicodeDecodeError:
        return "the header is no UTF-8"
    except _CellError as error:
        return str(error)


def _records(lines: Iterator[Line], header: _Header | str) -> Iterator[Line]:
    """Yields the text of each record; a line that opens a quote goes on until that makes sense, or else is one."""
    waiting: deque[Line] = deque()
    while True:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        number, raw = line
        if not raw.strip():
            continue
        whole = _joined(raw, waiting, lines, header) if raw.count(b'"') % 2 and isinstance(header, _Header) else raw
        yield number, whole


def _joined(raw: bytes, waiting: deque[Line], lines: Iterator[Line], header: _Header) -> bytes:
    """Returns a line with those that its open quote takes in; lines that it does not take in are left waiting."""
    parts, size, is_open = [raw], len(raw), True
    seen: list[Line] = []
    while len(parts) < RECORD_LINES_LIMIT and size <= LINE_LIMIT_BYTES:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            break
        seen.append(line)
        parts.append(line[1])
        size += len(line[1]) + 1
        is_open ^= bool(line[1].count(b'"') % 2)
        if not is_open:
            whole = b"\n".join(parts)
            if _is_sound(whole, header):
                return whole
            break
    waiting.extendleft(reversed(seen))
    return raw


def _is_sound(text: bytes, header: _Header) -> bool:
    try:
        return len(header.cells(text.rstrip(b"\r").decode())) == len(header.names)
    except (UnicodeDecodeError, _CellError):
        return False


def _judge(
    line: int, raw: bytes, header: _Header | str, record: type[msgspec.Struct], misfit: Callable[[Any], str | None]
) -> Good | Bad:
    kept = raw[:KEPT_BYTES]
    if isinstance(header, str):
        return Bad(line, header, kept)
    if len(raw) > LINE_LIMIT_BYTES:
        return Bad(line, f"the line is longer than {LINE_LIMIT_BYTES} bytes", kept)
    try:
        found = msgspec.convert(header.row(raw.rstrip(b"\r").decode()), record, strict=False)
    except UnicodeDecodeError as error:
        return Bad(line, f"not UTF-8: {error.reason}", kept)
    except _CellError as error:
        return Bad(line, f"not CSV: {error}", kept)
    except (msgspec.ValidationError, RecursionError, ValueError) as error:
        return Bad(line, f"the record does not fit: {error}", kept)
    reason = misfit(found)
    return Good(line, found, raw) if reason is None else Bad(line, reason, kept)
