"""zstd: the one module of the lake that needs the library. An artifact holds it when a table is compressed.

https://www.rfc-editor.org/rfc/rfc8878
"""

from __future__ import annotations

import functools

import zstandard

from penstock.lake.outcome import BrokenError

# What the format's own tools refuse to exceed, unless they are told to.
WINDOW_BYTES = 1 << 27
LEVEL = 3


def compress(data: bytes) -> bytes:
    """Returns data as one frame, with its size and a checksum."""
    return _compressor().compress(data)


class ZstdFrame:
    """One frame of a file. 1 KiB of it is at most 32 MiB of data."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).decompressobj()

    def feed(self, piece: bytes) -> bytes:
        """Returns what a piece holds; what comes after the frame is in ``rest``.

        Raises:
            BrokenError: it is damaged.
        """
        try:
            return self._inner.decompress(piece)
        except zstandard.ZstdError as error:
            raise BrokenError(f"the compressed data are damaged: {error}") from None

    @property
    def rest(self) -> bytes | None:
        """What comes after the frame; None while it goes on."""
        return self._inner.unused_data if self._inner.eof else None


@functools.cache
def _compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
