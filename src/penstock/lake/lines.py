"""Lines of an object that comes in pieces. Memory is bounded by the longest line that is accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from penstock.lake.outcome import LINE_LIMIT_BYTES

BOM = b"\xef\xbb\xbf"


def split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields lines without their line feeds; a line past the limit is cut there, and the rest of it is left out."""
    rest = bytearray()
    skipping = False
    for piece in pieces:
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            if not skipping:
                yield bytes(rest) + piece[start:end]
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
