"""Records in objects: JSON in lines, arrays or documents, CSV, Parquet; each plain, with gzip or with zstd.

Decoding never raises for what the data hold: each record is Good or Bad with its reason, and nothing is left out.
Memory is bounded by the longest line that is accepted, whatever the object's size.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.lake.columnar import RowReader, decode_rows, unreadable
from penstock.lake.compression import compression_of, decompressed
from penstock.lake.delimited import decode_delimited
from penstock.lake.fit import misfit, not_finite
from penstock.lake.formats import MAGIC_BYTES, content_of
from penstock.lake.json_records import decode_json, json_judge
from penstock.lake.outcome import KEPT_BYTES, LINE_LIMIT_BYTES, Bad, BrokenError, Good

__all__ = ["KEPT_BYTES", "LINE_LIMIT_BYTES", "Bad", "Good", "decode", "encode", "encode_quarantine", "not_finite"]


def decode(
    data: bytes | Iterable[bytes], record: type[Any], source: str = "", *, rows: RowReader = unreadable
) -> Iterator[Good | Bad]:
    """Yields an object's records. What it is follows from its first bytes, and for CSV from its name.

    Args:
        data: the object, whole or in pieces.
        record: the type of one record.
        source: the object's key.
        rows: reads Parquet; without it such an object is one Bad.
    """
    last, found = 1, False
    try:
        for one in _decoded([data] if isinstance(data, bytes) else data, record, source, rows):
            last, found = one.line, True
            yield one
    except (BrokenError, ValidationError) as error:
        yield Bad(last + found, str(error), b"")
        return
    if not found:
        yield Bad(1, "the object is empty", b"")


def _decoded(pieces: Iterable[bytes], record: type[Any], source: str, rows: RowReader) -> Iterator[Good | Bad]:
    beginning, stored = _peek(pieces)
    beginning, plain = _peek(decompressed(stored, compression_of(beginning)))
    check = misfit(record)
    match content_of(source, beginning):
        case "parquet":
            return decode_rows(rows(plain), record, check)
        case "csv":
            return decode_delimited(plain, record, check)
    return decode_json(plain, json_judge(record, check))


def _peek(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Returns the first bytes, and all pieces from the first on."""
    rest = iter(pieces)
    held: list[bytes] = []
    size = 0
    for piece in rest:
        held.append(piece)
        size += len(piece)
        if size >= MAGIC_BYTES:
            break
    return b"".join(held)[:MAGIC_BYTES], itertools.chain(held, rest)


def encode(items: Iterable[Any]) -> bytes:
    """Returns records as newline-delimited JSON.

    Raises:
        ValidationError: a record holds something that JSON or a column cannot, such as NaN.
    """
    return b"\n".join([*map(encode_one, items, itertools.count(1)), b""])


def encode_one(item: Any, number: int = 1) -> bytes:
    """Returns a record as JSON, without a line's end.

    Raises:
        ValidationError: see ``encode``.
    """
    reason = misfit(type(item))(item)
    if reason is not None:
        raise ValidationError(f"record {number}: {reason}", hint="leave the value out")
    try:
        line = msgspec.json.encode(item)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValidationError(f"record {number} cannot be JSON: {error}", hint="use plain values") from error
    if len(line) > LINE_LIMIT_BYTES:
        raise ValidationError(f"record {number} has {len(line)} bytes of JSON", hint=f"at most {LINE_LIMIT_BYTES}")
    return line


def encode_quarantine(bads: Iterable[Bad], source: str) -> bytes:
    """Returns records that did not fit as newline-delimited JSON, each with reason, source and line."""
    lines = []
    for bad in bads:
        try:
            raw, encoding = bad.raw.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            raw, encoding = base64.b64encode(bad.raw).decode(), "base64"
        lines.append(
            msgspec.json.encode(
                {"reason": bad.reason, "source": source, "line": bad.line, "raw": raw, "encoding": encoding}
            )
        )
    return b"\n".join([*lines, b""])
