"""What an object is: by its first bytes where those tell, by its name where they do not."""

from __future__ import annotations

import re
from typing import Literal

from penstock.lake.compression import GZIP_MAGIC, ZSTD_MAGIC, Compression, compression_of

Content = Literal["json", "csv", "parquet"]
# What an object may be called to be read as one of the lake.
EXTENSION = re.compile(r"\.(json|jsonl|ndjson|csv|tsv|parquet)(\.gz|\.zst)?$", re.IGNORECASE)
JSON_NAMES = {"jsonl", "ndjson"}
PARQUET_MAGIC = b"PAR1"
MAGIC_BYTES = max(map(len, (GZIP_MAGIC, ZSTD_MAGIC, PARQUET_MAGIC)))


def extension_of(name: str) -> str:
    """Returns the end of a name that says what it is, such as ``.csv.gz``; ``.json`` for all JSON, and where none does.

    An object of another name is read by its content.
    """
    found = EXTENSION.search(name)
    if found is None:
        return ".json"
    kind = found[1].lower()
    return f".{'json' if kind in JSON_NAMES else kind}{(found[2] or '').lower()}"


def is_readable(name: str) -> bool:
    """Tells whether an object of this name is taken for data."""
    return EXTENSION.search(name) is not None


def content_of(name: str, beginning: bytes) -> Content:
    """Returns what an object holds.

    Args:
        beginning: its first bytes, at least ``MAGIC_BYTES`` of them if there are so many, not compressed any more.
    """
    if beginning.startswith(PARQUET_MAGIC):
        return "parquet"
    return "csv" if extension_of(name).startswith((".csv", ".tsv")) else "json"


__all__ = ["MAGIC_BYTES", "Compression", "Content", "compression_of", "content_of", "extension_of", "is_readable"]
