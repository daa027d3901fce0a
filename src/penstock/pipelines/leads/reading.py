"""A file of leads → records with canonical columns, in batches; nothing of the file but one batch is held in memory."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, cast

import msgspec

from penstock.pipelines.leads import columns, delimited, json_records, workbook
from penstock.pipelines.leads.formats import HEAD_BYTES, Format, sniff, wrapped_at
from penstock.pipelines.leads.naming import ObjectNaming
from penstock.pipelines.leads.records import Incoming
from penstock.pipelines.leads.text import pieces
from penstock.pipelines.leads.unreadable import unreadable


class Batch(msgspec.Struct, frozen=True):
    """Some records of a file, in its order; those that could not be read among them, each with its reason."""

    records: list[Incoming]


def read(stream: BinaryIO, name: str) -> Iterator[Batch]:
    """Yields the records of a file of leads. Its format is known by its content.

    Args:
        stream: the file: a JSON array (also inside of an object such as ``{"leads": […]}``), JSON objects one after
            another, text separated by comma, semicolon, tab or bar, or an Excel workbook; each also within gzip. Need
            not be seekable.
        name: what messages call it.

    Raises:
        TaskError: with ``error="Leads.UnreadableInput"``: it is empty, of another kind, cut off, or no column says who
            the leads are. Some batches may have been yielded before: whoever keeps them must keep all or none.
    """
    seen = 0
    try:
        for records in _records(stream):
            seen += len(records)
            if records:
                yield Batch(records)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise unreadable(f"{name}: the compressed file is damaged: {error}", "send it again") from error
    if not seen:
        raise unreadable(f"{name}: the file has no records", "it has columns, or brackets, and nothing in them")


def _records(stream: BinaryIO) -> Iterator[list[Incoming]]:
    head = _head(stream)
    kind = sniff(head)
    if kind == "gzip":
        unpacked = cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, _Joined(head, stream))))
        yield from _records(unpacked)
    elif kind == "excel":
        with tempfile.TemporaryFile() as seekable:
            seekable.write(head)
            shutil.copyfileobj(stream, seekable, HEAD_BYTES)
            yield from workbook.batches(cast(BinaryIO, seekable))
    elif kind == "delimited":
        yield from delimited.batches(pieces(stream, head, delimited.PIECE_BYTES))
    else:
        yield from _objects(kind, pieces(stream, head))


def _objects(kind: Format, text: Iterator[bytes]) -> Iterator[list[Incoming]]:
    naming = ObjectNaming()
    if kind == "json_array":
        begin = next(text)
        wrapped, begin = _after_bracket(begin)
        found = json_records.array(text, begin, wrapped=wrapped)
    else:
        found = json_records.lines(text) if kind == "json_lines" else json_records.stream(text)
    for batch, (first, values) in enumerate(found):
        records = naming.records(first, values)
        if batch == 0 and naming.unknown and not naming.fields & columns.IDENTITY:
            raise delimited.no_header(list(naming.unknown))
        yield records


def _after_bracket(text: bytes) -> tuple[bool, bytes]:
    """Returns whether the array is inside of an object, and what follows its opening bracket."""
    if text.lstrip().startswith(b"["):
        return False, text.lstrip()[1:]
    place = wrapped_at(text.decode())
    if place is None:
        raise unreadable("the file holds no list of records", "put the records in one array")
    return True, text.decode()[place + 1 :].encode()


def _head(stream: BinaryIO) -> bytes:
    parts = []
    wanted = HEAD_BYTES
    while wanted and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


class _Joined:
    """A stream that begins with what was read of it already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._parts = chain([head], iter(lambda: rest.read(HEAD_BYTES), b""))
        self._buffer = b""

    def read(self, size: int = -1) -> bytes:
        """Returns up to so many bytes; fewer only at the end."""
        while size < 0 or len(self._buffer) < size:
            part = next(self._parts, b"")
            if not part:
                break
            self._buffer += part
        size = len(self._buffer) if size < 0 else size
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken
