"""Rows of Parquet files of the lake, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import ValidationError

BATCH_ROWS = 1_000


class ParquetRows:
    """Reads Parquet files below a folder.

    Args:
        lake: the lake's folder.
    """

    def __init__(self, lake: Path) -> None:
        self._lake = lake

    def __call__(self, key: str) -> Iterator[dict[str, Any]]:
        """Yields each row of an object, with what JSON can hold.

        Raises:
            ValidationError: it is no Parquet file, or is damaged.
        """
        import duckdb

        # One thread and few rows at once: what is in memory is a group of rows, however large the file.
        with duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": False}) as connection:
            try:
                found = connection.execute("SELECT to_json(r)::VARCHAR FROM read_parquet(?) r", [str(self._lake / key)])
                while rows := found.fetchmany(BATCH_ROWS):
                    for (row,) in rows:
                        yield msgspec.json.decode(row)
            except (duckdb.Error, msgspec.DecodeError) as error:
                reason = str(error).partition("\n")[0].replace(str(self._lake), "")
                raise ValidationError(f"{key} is no Parquet file: {reason}", hint="write it again") from error
