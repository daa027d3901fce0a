"""Records in objects: newline-delimited JSON, and whatever else arrives under that name.

Decoding never raises for what the data hold: each record is Good or Bad with its reason. Memory is bounded by the
longest line that is accepted, whatever the object's size.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from penstock.errors import ValidationError

LINE_LIMIT_BYTES = 16 * 1024 * 1024
KEPT_BYTES = 64 * 1024
BOM = b"\xef\xbb\xbf"


class Good(msgspec.Struct, frozen=True):
    """A record of the table's type. Lines count from 1."""

    line: int
    record: Any
    raw: bytes

    def as_bad(self, reason: str) -> Bad:
        """Returns the record as one that does not fit after all."""
        return Bad(self.line, reason, self.raw[:KEPT_BYTES])


class Bad(msgspec.Struct, frozen=True):
    """A record that does not fit, and why. ``raw`` holds at most its first 64 KiB."""

    line: int
    reason: str
    raw: bytes


def decode(data: bytes | Iterable[bytes], record: type[Any], source: str = "") -> Iterator[Good | Bad]:
    """Yields an object's records: one a line; or those of one JSON array or one object spread over several lines.

    Args:
        data: the object, whole or in pieces.
        record: the type of one record.
        source: the object's key; only for the reader of the call.
    """
    decoder = msgspec.json.Decoder(record)
    found = False
    for line, raw in _lines([data] if isinstance(data, bytes) else data):
        if isinstance(raw, _Document):
            yield from _decode_document(decoder, raw)
            found = True
            continue
        if len(raw) > LINE_LIMIT_BYTES:
            yield Bad(line, f"the line is longer than {LINE_LIMIT_BYTES} bytes", raw[:KEPT_BYTES])
            found = True
        elif raw.strip():
            yield _decode_one(decoder, line, raw.strip())
            found = True
    if not found:
        yield Bad(1, "the object is empty", b"")


class _Document:
    """Lines that only together are JSON."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


def _lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes | _Document]]:
    """Yields numbered lines; an object whose first line opens an array or an object without closing it, whole."""
    held: bytearray | None = None
    for number, raw in enumerate(_split(pieces), start=1):
        line = raw.removeprefix(BOM) if number == 1 else raw
        if held is None and number == 1 and _is_opening(line):
            held = bytearray(line + b"\n")
        elif held is None:
            yield number, line
        elif len(held) + len(line) > LINE_LIMIT_BYTES:
            # Too large to be one document: what is held and what follows are lines.
            yield from enumerate(bytes(held).split(b"\n")[:-1], start=1)
            yield number, line
            held = None
        else:
            held += line + b"\n"
    if held is not None:
        yield 1, _Document(bytes(held))


def _is_opening(line: bytes) -> bool:
    text = line.strip()
    if text.startswith(b"["):
        return True
    return text == b"{" or (text.startswith(b"{") and text.endswith((b",", b"{", b"[")))


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields lines without their ends; a line past the limit is cut, and the rest of it is left out."""
    rest = bytearray()
    skipping = False
    for piece in pieces:
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            if not skipping:
                yield bytes(rest) + piece[start:end].rstrip(b"\r")
            rest.clear()
            skipping = False
            start = end + 1
        if not skipping:
            rest += piece[start:]
            if len(rest) > LINE_LIMIT_BYTES:
                yield bytes(rest[: LINE_LIMIT_BYTES + 1])
                rest.clear()
                skipping = True
    if rest:
        yield bytes(rest)


def _decode_document(decoder: msgspec.json.Decoder[Any], document: _Document) -> Iterator[Good | Bad]:
    raw = document.raw.strip()
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw]) if raw.startswith(b"[") else [msgspec.Raw(raw)]
        if not raw.startswith(b"["):
            msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # Not one document after all: the lines are judged one by one.
        for number, line in enumerate(raw.split(b"\n"), start=1):
            if line.strip():
                yield _decode_one(decoder, number, line.strip())
        return
    if not items:
        yield Bad(1, "the object is an empty list", raw[:KEPT_BYTES])
    for number, item in enumerate(items, start=1):
        yield _decode_one(decoder, number, bytes(item))


def _decode_one(decoder: msgspec.json.Decoder[Any], line: int, raw: bytes) -> Good | Bad:
    try:
        record = decoder.decode(raw)
    except msgspec.ValidationError as error:
        return Bad(line, f"the record does not fit: {error}", raw[:KEPT_BYTES])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        return Bad(line, f"not JSON: {error}", raw[:KEPT_BYTES])
    path = not_finite(record)
    if path is not None:
        return Bad(line, f"the number at {path} is not finite", raw[:KEPT_BYTES])
    return Good(line, record, raw)


def encode(items: Iterable[Any]) -> bytes:
    """Returns records as newline-delimited JSON.

    Raises:
        ValidationError: a record holds something that JSON cannot, such as NaN.
    """
    lines = []
    for number, item in enumerate(items, start=1):
        path = not_finite(item)
        if path is not None:
            raise ValidationError(f"record {number}: the number at {path} is not finite", hint="leave the value out")
        try:
            lines.append(msgspec.json.encode(item))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValidationError(f"record {number} cannot be JSON: {error}", hint="use plain values") from error
    return b"\n".join([*lines, b""])


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


def not_finite(value: Any, path: str = "$") -> str | None:
    """Returns the path of the first NaN or infinity in a value, or None."""
    if isinstance(value, float):
        return None if math.isfinite(value) else path
    if isinstance(value, msgspec.Struct):
        children: Iterable[tuple[str, Any]] = ((f"{path}.{n}", getattr(value, n)) for n in value.__struct_fields__)
    elif isinstance(value, dict):
        children = ((f"{path}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        children = ((f"{path}[{number}]", item) for number, item in enumerate(value))
    else:
        return None
    try:
        return next((found for where, item in children if (found := not_finite(item, where))), None)
    except RecursionError:
        return path
