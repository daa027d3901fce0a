"""Lines that fit: found by the block, as fast as they can be decoded; and what does not, looked at line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from penstock.lake.fit import misfit
from penstock.lake.formats import PARQUET_MAGIC
from penstock.lake.json_records import json_judge
from penstock.lake.lines import BOM
from penstock.lake.outcome import KEPT_BYTES, LINE_LIMIT_BYTES, Bad, BrokenError, Good
from penstock.model.schema import columns

BLOCK_BYTES = 256 * 1024
BEGINNING_BYTES = 256
FEW_BYTES = 1024
# With one of these at its beginning, or at the end of its first line, an object is perhaps no lines.
OTHER = (BOM, b"[", PARQUET_MAGIC)
OPENING = (b"{", b"[", b",")


class Lines(msgspec.Struct, frozen=True):
    """Records that fit, one a line; every line is ended."""

    count: int
    data: bytes


class DoubtfulError(Exception):
    """An object has to be read as what it may be, not as lines."""


class LineScanner:
    """Tells whether an object is lines of a type's records and nothing else.

    Args:
        record: the type of one record.
    """

    def __init__(self, record: type[Any]) -> None:
        self._judge = json_judge(record, misfit(record))
        self._decoder = msgspec.json.Decoder(record)
        # An engine rounds a decimal where a reader of lines refuses it; anything else it refuses as well.
        rounds = any("decimal" in column.type for column in columns(record))
        self._misfit = misfit(record) if rounds else None

    def count(self, pieces: Iterable[bytes]) -> int | None:
        """Returns how many records an object holds, one a line; None when one of them has to be looked at.

        Args:
            pieces: the object, not compressed, best in pieces of ``BLOCK_BYTES``.
        """
        total = 0
        for block in _blocks(pieces):
            # Judged by its first bytes an object may be no lines at all.
            if not total and _is_other(block):
                return None
            found = self._records(block)
            if found is None:
                return None
            total += found
        # An object without a record is one that does not fit.
        return total or None

    def sift(self, pieces: Iterable[bytes]) -> Iterator[Lines | Bad]:
        """Yields the lines that fit, many at once, and each line that does not; of a broken object what can be read.

        Args:
            pieces: the object, not compressed, best in pieces of ``BLOCK_BYTES``.

        Raises:
            DoubtfulError: the object is perhaps not lines at all. Nothing was yielded then.
        """
        number = 1
        try:
            for block in _blocks(pieces):
                if number == 1 and (_is_other(block) or _is_long(block)):
                    raise DoubtfulError
                for count, part in self._parts(block):
                    if count is not None:
                        yield Lines(count, part if part.endswith(b"\n") else part + b"\n")
                    else:
                        yield from self._looked_at(part, number)
                    number += part.removesuffix(b"\n").count(b"\n") + 1
        except BrokenError as error:
            yield Bad(number, str(error), b"")

    def _looked_at(self, part: bytes, first: int) -> Iterator[Lines | Bad]:
        """Yields what a look at each line of a few finds; ``first`` is the number of the first of them."""
        if _is_long(part):
            yield Bad(first, f"the line is longer than {LINE_LIMIT_BYTES} bytes", part[:KEPT_BYTES])
            return
        fitting: list[bytes] = []
        for number, raw in enumerate(part.removesuffix(b"\n").split(b"\n"), start=first):
            text = raw.strip()
            outcome = self._judge(number, text) if text else None
            if number == 1 and (text.startswith(OTHER) or text.endswith(OPENING)):
                raise DoubtfulError
            if isinstance(outcome, Good):
                fitting.append(text)
            elif outcome is not None:
                yield outcome
        if fitting:
            yield _joined(fitting)

    def _parts(self, block: bytes) -> Iterator[tuple[int | None, bytes]]:
        """Yields lines that fit, many at once, with their number; and few at once, with None, where one does not."""
        count = self._records(block)
        # The line's end after the middle; or, where the rest is one line, the one before it.
        middle = block.find(b"\n", len(block) // 2, len(block) - 1) + 1 or block.rfind(b"\n", 0, len(block) // 2) + 1
        if count is not None or len(block) <= FEW_BYTES or not middle:
            yield count, block
        else:
            yield from self._parts(block[:middle])
            yield from self._parts(block[middle:])

    def _records(self, block: bytes) -> int | None:
        if _is_long(block):
            return None
        try:
            found = self._decoder.decode_lines(block)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        # The decoder takes values wherever they begin; only one a line is what every reader takes for a record.
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if len(found) != lines or (self._misfit and any(map(self._misfit, found))):
            return None
        return len(found)


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields whole lines, many at once; of a line that is too long its beginning, alone and without its end."""
    rest = b""
    is_skipping = False
    for piece in pieces:
        first, end = piece.find(b"\n"), piece.rfind(b"\n") + 1
        if is_skipping or len(rest) + (first if end else len(piece)) > LINE_LIMIT_BYTES:
            if not is_skipping:
                yield (rest + piece)[: LINE_LIMIT_BYTES + 1]
            is_skipping = not end
            rest = piece[end:] if end else b""
            if end > first + 1:
                yield piece[first + 1 : end]
        elif end:
            yield rest + piece[:end]
            rest = piece[end:]
        else:
            rest += piece
    if rest:
        yield rest


def _is_other(block: bytes) -> bool:
    return block[:BEGINNING_BYTES].lstrip().startswith((BOM, b"["))


def _is_long(block: bytes) -> bool:
    return len(block) > LINE_LIMIT_BYTES and b"\n" not in block


def rewrite(outcomes: Iterable[Good | Bad]) -> Iterator[Lines | Bad]:
    """Yields what fits as lines that every engine reads alike, many at once, and each that does not fit.

    A field that an object leaves out stays left out.
    """
    held: list[bytes] = []
    size = 0
    for outcome in outcomes:
        if isinstance(outcome, Bad):
            yield outcome
            continue
        held.append(_canonical(outcome))
        size += len(held[-1])
        if size >= BLOCK_BYTES:
            yield _joined(held)
            held, size = [], 0
    if held:
        yield _joined(held)


def _joined(lines: list[bytes]) -> Lines:
    return Lines(len(lines), b"\n".join([*lines, b""]))


def _canonical(good: Good) -> bytes:
    written = msgspec.to_builtins(good.record, builtin_types=(), str_keys=True)
    try:
        given = msgspec.json.decode(good.raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        given = written
    if isinstance(given, dict) and isinstance(written, dict):
        written = _given(written, given)
    return msgspec.json.encode(written)


def _given(written: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _given(value, given[name]) if isinstance(value, dict) and isinstance(given[name], dict) else value
        for name, value in written.items()
        if name in given
    }
