"""Rows of columnar files, for whoever wants records of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol


class RowReader(Protocol):
    """Reads Parquet."""

    def __call__(self, pieces: Iterable[bytes], /) -> Iterator[Mapping[str, Any]]:
        """Yields a file's rows in their order, as plain Python values by column; NULL is None, times are in UTC.

        Memory is bounded whatever the file's size.

        Raises:
            ValidationError: the file, or what remains of it, cannot be read.
        """
        ...
