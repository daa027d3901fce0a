"""Which raw objects the sealed files hold, told from the files' own metadata.

Once everything raw of a partition was found to be sealed, that is noted in a file beside the zones: while neither the
folder nor the sealed file has changed, the next query need not look into them again. The note is never trusted beyond
that, and can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from penstock.model.column_types import duckdb_type

if TYPE_CHECKING:
    import duckdb

# A folder that changed a moment ago may change again within one tick of its clock.
SETTLED_SECONDS = 2.0
METADATA = """SELECT file_name, max(CASE WHEN key = 'penstock.sources' THEN value END),
    max(CASE WHEN key = 'penstock.schema' THEN value END) FROM parquet_kv_metadata(?) GROUP BY file_name"""
Identity = tuple[int, int, int]
Columns = tuple[tuple[str, str], ...]


class _Source(msgspec.Struct):
    key: str


class _Column(msgspec.Struct):
    name: str
    type: str


class _Schema(msgspec.Struct):
    columns: list[_Column]


class Sealed(msgspec.Struct, frozen=True):
    """What a sealed file says of itself.

    Attributes:
        columns: DuckDB's types of its columns, in the order of the file.
        covers: the names of the raw objects whose records it holds.
    """

    columns: Columns
    covers: frozenset[str] = frozenset()


class Note(msgspec.Struct, array_like=True):
    """That a partition was found wholly sealed: its folder and its file as they were.

    Attributes:
        columns: the place of the file's columns among all that are noted.
    """

    folder: tuple[int, int] | None
    file: Identity
    columns: int


class _Noted(msgspec.Struct, array_like=True):
    columns: list[Columns]
    partitions: dict[str, Note]


def read_sealed(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> dict[str, Sealed]:
    """Returns what sealed files say of themselves; files that are none of ours, or damaged, are left out."""
    import duckdb

    try:
        return _read(connection, list(paths)) if paths else {}
    except duckdb.Error:
        if len(paths) == 1:
            return {}
    middle = len(paths) // 2
    return read_sealed(connection, paths[:middle]) | read_sealed(connection, paths[middle:])


def _read(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> dict[str, Sealed]:
    found: dict[str, Sealed] = {}
    for path, held, described in connection.execute(METADATA, [paths]).fetchall():
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, TypeError, ValueError):
            sources = msgspec.json.decode(held, type=list[_Source])
            schema = msgspec.json.decode(described, type=_Schema)
            columns = tuple((one.name, duckdb_type(one.type)) for one in schema.columns)
            found[str(path)] = Sealed(columns, frozenset(one.key.rpartition("/")[2] for one in sources))
    return found


def folder_state(path: str) -> tuple[int, int] | None:
    """Returns what changes when a file comes or goes; None when the folder is not there."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def is_settled(state: tuple[int, int] | None) -> bool:
    return state is None or state[1] / 1e9 < time.time() - SETTLED_SECONDS


class Notes:
    """The notes of a table's partitions.

    Args:
        lake: the lake's folder, resolved.
    """

    def __init__(self, lake: Path, table: str) -> None:
        self._path = lake / ".penstock-sealed" / f"{table}.msgpack"
        noted = self._load()
        self.columns = noted.columns
        self.partitions = noted.partitions

    def add(self, found: Iterable[tuple[str, tuple[int, int] | None, Identity, Columns]]) -> None:
        """Keeps what was found of partitions: folder, file and its columns. Nothing is lost where it cannot be kept."""
        places = {columns: place for place, columns in enumerate(self.columns)}
        known = {}
        for partition, folder, file, columns in found:
            known[partition] = Note(folder, file, places.setdefault(columns, len(places)))
        if not known:
            return
        self.columns = list(places)
        self.partitions |= known
        temporary = self._path.with_name(f".{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            temporary.write_bytes(msgspec.msgpack.encode(_Noted(self.columns, self.partitions)))
            temporary.replace(self._path)

    def _load(self) -> _Noted:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            noted = msgspec.msgpack.decode(self._path.read_bytes(), type=_Noted)
            if all(0 <= note.columns < len(noted.columns) for note in noted.partitions.values()):
                return noted
        return _Noted([], {})
