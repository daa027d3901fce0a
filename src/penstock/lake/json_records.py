"""Records in JSON: one a line; or those of one array or one object that is spread over several lines."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.lake.json_array import ArraySplitter
from penstock.lake.lines import BOM, split
from penstock.lake.outcome import KEPT_BYTES, LINE_LIMIT_BYTES, Bad, Good
from penstock.lake.repeated import repeated_key
from penstock.model.schema import columns

Judge = Callable[[int, bytes], "Good | Bad"]


def decode_json(pieces: Iterable[bytes], judge: Judge) -> Iterator[Good | Bad]:
    """Yields an object's records, each as ``judge`` finds it."""
    rest = iter(pieces)
    held, is_large = _beginning(rest)
    read = _large_array if is_large else _of_lines
    yield from read(itertools.chain(held, rest), judge)


def _beginning(pieces: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """Returns the first pieces, of an array as many as one document may have; and whether it has more."""
    held: list[bytes] = []
    first, size = b"", 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        first = first or piece.removeprefix(BOM).lstrip()[:1]
        if size > LINE_LIMIT_BYTES or first not in {b"", b"["}:
            break
    return held, first == b"[" and size > LINE_LIMIT_BYTES


def _large_array(pieces: Iterable[bytes], judge: Judge) -> Iterator[Good | Bad]:
    """Yields the elements of an array; what is after its end is lines."""
    splitter, number, pieces = ArraySplitter(), 0, iter(pieces)
    for piece in pieces:
        for element in splitter.feed(piece):
            number += 1
            yield _judged(number, element, judge)
        if splitter.is_closed:
            break
    if not splitter.is_closed:
        yield Bad(number + 1, "the array is not closed", splitter.remainder().strip()[:KEPT_BYTES])
    for outcome in _of_lines(itertools.chain([splitter.rest], pieces), judge):
        number += 1
        yield msgspec.structs.replace(outcome, line=number)


def _judged(line: int, raw: bytes, judge: Judge) -> Good | Bad:
    if len(raw) > LINE_LIMIT_BYTES:
        return Bad(line, f"the element is longer than {LINE_LIMIT_BYTES} bytes", raw[:KEPT_BYTES])
    return judge(line, raw.strip())


def _of_lines(pieces: Iterable[bytes], judge: Judge) -> Iterator[Good | Bad]:
    for line, raw in _lines(pieces):
        if isinstance(raw, _Document):
            yield from _document(raw.raw.strip(), judge)
        elif len(raw) > LINE_LIMIT_BYTES:
            yield Bad(line, f"the line is longer than {LINE_LIMIT_BYTES} bytes", raw[:KEPT_BYTES])
        elif raw.strip():
            yield judge(line, raw.strip())


class _Document:
    """Lines that only together are JSON."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


def _lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes | _Document]]:
    """Yields numbered lines; an object whose first line opens an array or an object without closing it, whole."""
    held: bytearray | None = None
    for number, raw in enumerate(split(pieces), start=1):
        line = (raw.removeprefix(BOM) if number == 1 else raw).rstrip(b"\r")
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


def _document(raw: bytes, judge: Judge) -> Iterator[Good | Bad]:
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw]) if raw.startswith(b"[") else [msgspec.Raw(raw)]
        if not raw.startswith(b"["):
            msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # Not one document after all: the lines are judged one by one.
        for number, line in enumerate(raw.split(b"\n"), start=1):
            if line.strip():
                yield judge(number, line.strip())
        return
    if not items:
        yield Bad(1, "the object is an empty list", raw[:KEPT_BYTES])
    for number, item in enumerate(items, start=1):
        yield judge(number, bytes(item))


def _repeated(record: type[Any]) -> tuple[Callable[[bytes], str | None], bool]:
    try:
        return repeated_key(columns(record)), True
    except (TypeError, ValidationError):
        # Records of a type that has no columns become no rows.
        return lambda _: None, False


def json_judge(record: type[Any], misfit: Callable[[Any], str | None]) -> Judge:
    """Returns what tells records of a type from what is none, by their JSON."""
    decode, encode = msgspec.json.Decoder(record).decode, msgspec.json.Encoder().encode
    repeated, has_columns = _repeated(record)

    def judge(line: int, raw: bytes) -> Good | Bad:
        try:
            found = decode(raw)
        except msgspec.ValidationError as error:
            return Bad(line, f"the record does not fit: {error}", raw[:KEPT_BYTES])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            return Bad(line, f"not JSON: {error}", raw[:KEPT_BYTES])
        # What is written again as it stands names no key twice: most records come from here.
        twice = None if has_columns and encode(found) == raw else repeated(raw)
        reason = misfit(found) if twice is None else f"the key at {twice} is there twice"
        return Good(line, found, raw) if reason is None else Bad(line, reason, raw[:KEPT_BYTES])

    return judge
