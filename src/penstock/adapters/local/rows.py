"""Rows of Parquet files with DuckDB, which reads one file and can reach nothing else."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.adapters.local.duckdb_text import identifier, literal
from penstock.errors import ValidationError

if TYPE_CHECKING:
    import duckdb

BATCH_ROWS = 1000
ZONED = "TIMESTAMP WITH TIME ZONE"
SETTINGS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "1"}


class DuckDbRowReader:
    """Reads Parquet by way of a copy, since it is read from its end.

    Args:
        folder: where the copies are while they are read; the system's own folder for such when absent.
        memory_limit_mb: a file that needs more cannot be read.
    """

    def __init__(self, folder: Path | None = None, *, memory_limit_mb: int = 256) -> None:
        self._folder = folder
        self._memory_limit_mb = memory_limit_mb

    def __call__(self, pieces: Iterable[bytes], /) -> Iterator[Mapping[str, Any]]:
        import duckdb

        with tempfile.NamedTemporaryFile(prefix="penstock-", suffix=".parquet", dir=self._folder) as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            connection = self._connect(file.name)
            try:
                yield from _rows(connection, file.name)
            except (duckdb.Error, OverflowError, ValueError) as error:
                reason = str(error).replace(file.name, "the object").splitlines()[0]
                raise ValidationError(f"not Parquet that can be read: {reason}", hint="write the file anew") from None
            finally:
                connection.close()

    def _connect(self, path: str) -> duckdb.DuckDBPyConnection:
        import duckdb

        connection = duckdb.connect(":memory:", config={**SETTINGS, "memory_limit": f"{self._memory_limit_mb}MB"})
        connection.execute("SET TimeZone='UTC'")
        connection.execute(f"SET allowed_paths=[{literal(path)}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        return connection


def _rows(connection: duckdb.DuckDBPyConnection, path: str) -> Iterator[Mapping[str, Any]]:
    source = f"read_parquet({literal(path)}, hive_partitioning=false)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    names = [str(name) for name, *_ in described]
    # DuckDB hands out times with a zone by way of pytz, which is not here: they come as UTC, and get their zone back.
    wanted = [f"CAST({identifier(name)} AS {kind.replace(ZONED, 'TIMESTAMP')})" for name, kind, *_ in described]
    found = connection.execute(f"SELECT {', '.join(wanted)} FROM {source}")
    timed = [kind.find("TIMESTAMP") >= 0 for _, kind, *_ in described]
    while batch := found.fetchmany(BATCH_ROWS):
        for row in batch:
            cells = zip(names, row, timed, strict=True)
            yield {name: _in_utc(value) if is_timed else value for name, value, is_timed in cells}


def _in_utc(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.UTC)
    if isinstance(value, list):
        return [_in_utc(item) for item in value]
    if isinstance(value, dict):
        return {_in_utc(key): _in_utc(item) for key, item in value.items()}
    return value
