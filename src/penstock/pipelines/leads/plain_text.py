"""Files of leads that are plain enough for an engine to read: delimited text in which nothing is open to doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from penstock import Cells, DelimitedText
from penstock.pipelines.leads import delimited
from penstock.pipelines.leads.formats import HEAD_BYTES, sniff
from penstock.pipelines.leads.reading import read
from penstock.pipelines.leads.records import Incoming
from penstock.pipelines.leads.text import encoding

PIECE_BYTES = 1024 * 1024
# Of what is below a space, and DEL: all but the newline, and the tab where it separates.
CONTROLS = bytes({*range(32), 127} - {ord("\n")})
_ALL = bytes(range(256))
_RETURN_ALONE = re.compile(rb"\r(?!\n)")


def source(stream: BinaryIO, name: str) -> Any:
    """Returns a file's records as a transformation takes them fastest.

    Args:
        stream: the file, which can be read again from its beginning.
        name: what messages call it.
    """
    return DelimitedText(write=lambda path: write(stream, path), rows=_rows(stream, name))


def _rows(stream: BinaryIO, name: str) -> Iterator[Incoming]:
    stream.seek(0)
    for batch in read(stream, name):
        yield from batch.records


def write(stream: BinaryIO, path: Path) -> Cells | None:
    """Writes the lines behind the header to a file, when all of them are plain; returns what their cells are.

    Raises:
        TaskError: as ``reading.read`` does, when the first bytes show that the file cannot be read.
    """
    head = stream.read(HEAD_BYTES)
    if sniff(head) != "delimited":
        return None
    code, mark_bytes = encoding(head)
    text = _folded(head[mark_bytes : head.rfind(b"\n") + 1])
    if code != "utf-8" or not text or _is_controlled(text, b"\t"):
        return None
    told = delimited.header(text.decode())
    cells = _cells(told)
    stream.seek(mark_bytes)
    for _ in range(told.line):
        stream.readline()
    if cells is None or not _says_something(stream, told):
        return None
    with path.open("wb") as file:
        for piece in _whole_lines(stream):
            folded = _folded(piece)
            if folded is None or not is_plain(folded, told.separator.encode(), len(cells.names)):
                return None
            file.write(folded)
    return cells


def _cells(told: delimited.Header) -> Cells | None:
    """Returns what a header's cells are; ``None`` where a field has a choice, or names are the same."""
    plan = told.plan
    rest = [text for _, text in plan.extra]
    if plan.chosen or len(plan.names) == 1 or len({*rest}) < len(rest):
        return None
    if any(text != plan.names[place] for place, text in plan.extra):
        return None
    return Cells(
        separator=told.separator,
        names=plan.names,
        fields=dict(plan.direct),
        line="line",
        lines_before=told.line,
        rest="extra",
    )


def _says_something(stream: BinaryIO, told: delimited.Header) -> bool:
    """Whether the first row is one, so that the file has a record."""
    place = stream.tell()
    line = stream.readline(PIECE_BYTES).strip()
    stream.seek(place)
    bare = line.replace(told.separator.encode(), b"").replace(b'"', b"")
    return bool(bare) and bare != "".join(told.plan.names).replace('"', "").encode()


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yields pieces that end with a newline; one that does not is of a line that is too long."""
    rest = b""
    while piece := stream.read(PIECE_BYTES):
        piece = rest + piece
        end = piece.rfind(b"\n") + 1 or len(piece)
        rest = piece[end:]
        yield piece[:end]
    if rest:
        yield rest + b"\n"


def _folded(piece: bytes) -> bytes | None:
    """Returns a piece with newlines alone; ``None`` when it is not UTF-8, or its lines end otherwise."""
    if _RETURN_ALONE.search(piece):
        return None
    piece = piece.replace(b"\r", b"")
    if not piece.isascii():
        try:
            piece.decode()
        except UnicodeDecodeError:
            return None
    return piece


def _is_controlled(text: bytes, separator: bytes) -> bool:
    """Whether a text has other control characters than newlines."""
    return len(text.translate(None, CONTROLS.replace(separator, b""))) < len(text)


def is_plain(piece: bytes, separator: bytes, width: int) -> bool:
    """Whether each line of a piece has so many cells, and quotation marks only around cells and doubled in them.

    It also has no control character but newlines, and the tab where it separates.
    """
    if not piece.endswith(b"\n"):
        return False
    outside, inside = piece, b""
    if b'"' in piece:
        parts = piece.split(b'"')
        outside, inside = b"".join(parts[0::2]), b"".join(parts[1::2])
        if not _are_cells(parts, separator):
            counts = {_separators(line, separator) for line in piece[:-1].split(b"\n")}
            return counts == {width - 1} and not _is_controlled(piece, separator)
    # What matters of the lines is the same over and over.
    told = outside.translate(None, _ALL.translate(None, CONTROLS + separator + b"\n"))
    line = separator * (width - 1) + b"\n"
    return told == line * (len(told) // len(line)) and not _is_controlled(inside, separator)


def _are_cells(parts: list[bytes], separator: bytes) -> bool:
    """Whether quotation marks simply are around cells, by what they part a text into."""
    if len(parts) % 2 == 0 or any(b"\n" in cell for cell in parts[1::2]):
        return False
    borders = separator + b"\n"
    if parts[0] and parts[0][-1] not in borders:
        return False
    return all(part and part[0] in borders and part[-1] in borders for part in parts[2::2])


def _separators(line: bytes, separator: bytes) -> int:
    """Returns how many separators a line has outside of quotation marks; -1 when these stand where they may not."""
    if b'"' not in line:
        return line.count(separator)
    parts = line.split(b'"')
    if len(parts) % 2 == 0:
        return -1
    between = parts[0::2]
    if (between[0] and not between[0].endswith(separator)) or (between[-1] and not between[-1].startswith(separator)):
        return -1
    for part in between[1:-1]:
        if part and not (part.startswith(separator) and part.endswith(separator)):
            return -1
    # Nothing between two quotation marks is one that is doubled; it has to stand within a cell.
    return sum(part.count(separator) for part in between)
