"""Bytes of any encoding as UTF-8, in pieces of bounded size.

A mark at the beginning (BOM) or a text full of zeros says UTF-16 or UTF-32. All else is UTF-8 as far as it goes: a line
that is not is read as Windows-1252, alone, so that a file put together from two systems loses nothing of either.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

PIECE_BYTES = 4 * 1024 * 1024
# In this order: the mark of UTF-32 begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding(head: bytes) -> tuple[str, int]:
    """Returns the encoding that the beginning of a file shows, and how many bytes its mark has."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[:4096]
    if len(sample) >= 4 and sample.count(0) * 3 > len(sample):
        return ("utf-16-be" if sample[0] == 0 else "utf-16-le"), 0
    return "utf-8", 0


def pieces(stream: BinaryIO, head: bytes = b"", piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yields a stream as UTF-8, each piece whole characters and, where there are lines, whole lines.

    Args:
        stream: where the rest is read from.
        head: what was read of it already.
        piece_bytes: how much is read at a time; a piece without an end of line may be as long as that.
    """
    name, mark_bytes = encoding(head or b"")
    read = _read(stream, head[mark_bytes:], piece_bytes)
    if name != "utf-8":
        read = _recoded(read, name)
    rest = b""
    for piece in read:
        whole = rest + piece
        end = _end(whole)
        rest = whole[end:]
        if end:
            yield repaired(whole[:end])
    if rest:
        yield repaired(rest)


def repaired(piece: bytes) -> bytes:
    """Returns a piece as UTF-8 without zeros: lines that are not UTF-8 are taken for Windows-1252."""
    piece = piece.replace(b"\0", b"")
    try:
        piece.decode()
    except UnicodeDecodeError:
        return b"".join(_line(line) for line in piece.splitlines(keepends=True))
    return piece


def _line(line: bytes) -> bytes:
    for name in ("utf-8", "cp1252", "latin-1"):
        try:
            return line.decode(name).encode()
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes every byte")


def _read(stream: BinaryIO, head: bytes, piece_bytes: int) -> Iterator[bytes]:
    if head:
        yield head
    while piece := stream.read(piece_bytes):
        yield piece


def _recoded(read: Iterator[bytes], name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)(errors="replace")
    for piece in read:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _end(piece: bytes) -> int:
    """Returns where a piece may end: after its last line, or before a character that is not whole."""
    line_end = max(piece.rfind(b"\n"), piece.rfind(b"\r", 0, -1))
    if line_end >= 0:
        return line_end + 1
    if piece.endswith(b"\r"):
        # What ends this line may be one sign more.
        return len(piece) - 1
    for back in range(1, min(4, len(piece)) + 1):
        byte = piece[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(piece) - back if back < needed else len(piece)
    return len(piece)
