"""Elements of a JSON array that is too large to be held: split by their brackets, in memory for one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.lake.outcome import LINE_LIMIT_BYTES

OUTSIDE = re.compile(rb'["\[\]{},]')
INSIDE = re.compile(rb'["\\]')


class ArraySplitter:
    """Splits one array. An element past the limit is cut one byte after it.

    Attributes:
        is_closed: whether the array has ended; what came after it is in ``rest``.
    """

    def __init__(self) -> None:
        self.is_closed = False
        self.rest = b""
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self._element = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yields the elements that end in a piece; none after the array has ended."""
        start = 0
        for begin, end in self._ends(piece):
            if begin < 0:
                start = end
                continue
            self._add(piece[start:begin])
            yield self._taken()
            start = end
        if self.is_closed:
            self.rest = piece[start:]
        elif self._depth:
            self._add(piece[start:])

    def remainder(self) -> bytes:
        """Returns the element that has not ended."""
        return self._taken()

    def _ends(self, piece: bytes) -> Iterator[tuple[int, int]]:
        """Yields where each element ends and the next one begins; for the array's own beginning, -1 and where."""
        position = 0
        while position < len(piece):
            if self._is_escaped:
                self._is_escaped = False
                position += 1
                continue
            found = (INSIDE if self._in_string else OUTSIDE).search(piece, position)
            if found is None:
                return
            position = found.end()
            is_inner = self._depth > 1
            match found[0]:
                case b"\\":
                    self._is_escaped = True
                case b'"':
                    self._in_string = not self._in_string
                case b"[" | b"{":
                    self._depth += 1
                    if self._depth == 1:
                        yield -1, position
                case b"]" | b"}":
                    self._depth -= 1
                    self.is_closed = not is_inner
                    if self.is_closed:
                        yield found.start(), position
                        return
                case _ if not is_inner:
                    yield found.start(), position

    def _add(self, data: bytes) -> None:
        self._element += data[: LINE_LIMIT_BYTES + 1 - len(self._element)]

    def _taken(self) -> bytes:
        taken = bytes(self._element)
        self._element.clear()
        return taken
