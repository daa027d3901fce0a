"""What files hold that nobody declared: their format by content, their columns and types by DuckDB's own readers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.adapters.local.duckdb_text import exact, identifier, literal
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    import duckdb

BEGINNING_BYTES = 4096
LINE_LIMIT_BYTES = 16 * 1024 * 1024
MEMORY_LIMIT_MB = 512
# The first bytes of a file, by RFC 1952, RFC 8878 and the Parquet format.
GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
SUFFIXES = {
    ".json": "json", ".jsonl": "json", ".ndjson": "json",
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".parquet": "parquet",
}  # fmt: skip
# Wide enough for what Penstock's own reader takes; narrower ones are not told apart in the lake.
INTEGERS = frozenset({"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"})
OTHERS = {
    "float": ("double",), "double": ("double",), "boolean": ("boolean",), "blob": ("binary",), "date": ("date",),
    "timestamp": ("timestamp",), "timestamp_s": ("timestamp",), "timestamp_ms": ("timestamp",),
    "timestamp_ns": ("timestamp",), "timestamp with time zone": ("timestamp",), "ubigint": ("decimal", 20, 0),
    "hugeint": ("decimal", 38, 0), "uhugeint": ("decimal", 38, 0), "null": ("unknown",),
}  # fmt: skip


class FoundFile(msgspec.Struct, frozen=True):
    """A file below a folder that is crawled.

    Attributes:
        relative: its path below the folder, with slashes.
    """

    path: Path
    relative: str
    size_bytes: int


def find(folder: Path) -> Iterator[FoundFile]:
    """Yields the files below a folder in order. Hidden ones, empty ones and links are none of it.

    Raises:
        NotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}", hint="give a folder, or a prefix of the home's lake")
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith((".", "_")))
        for name in sorted(names):
            path = Path(root) / name
            if name.startswith((".", "_")) or path.is_symlink() or not path.is_file():
                continue
            if size := path.stat().st_size:
                yield FoundFile(path, path.relative_to(folder).as_posix(), size)


class DuckDbCrawler:
    """Looks into files, one at a time, in bounded memory. Use it as a context manager."""

    def __init__(self, *, memory_limit_mb: int = MEMORY_LIMIT_MB) -> None:
        self._memory_limit_mb = memory_limit_mb
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> DuckDbCrawler:
        import duckdb

        settings = {"memory_limit": f"{self._memory_limit_mb}MB", "threads": "2", "autoload_known_extensions": "false"}
        self._connection = duckdb.connect(":memory:", config=dict(settings))
        self._connection.execute("SET TimeZone='UTC'")
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def look(self, file: FoundFile) -> dict[str, Any]:
        """Returns what a file holds: ``format``, ``rows``, ``columns`` with their types as plain data, ``nulls``.

        A type is a dictionary as ``penstock.lake.inferred`` reads them. What cannot be read has an ``error`` instead.
        """
        import duckdb

        if self._connection is None:
            raise UsageError("the crawler is not open", hint="use it in a with statement")
        facts: dict[str, Any] = {"path": file.relative, "size_bytes": file.size_bytes}
        try:
            kind, reader = _reader(file.path)
            described = self._connection.sql(f"SELECT * FROM {reader} LIMIT 0")
            columns = dict(zip(described.columns, described.types, strict=True))
            counted = ", ".join(f"count({identifier(name)})" for name in columns)
            rows, *present = self._connection.execute(f"SELECT count(*), {counted} FROM {reader}").fetchone() or (0,)
        except (duckdb.Error, OSError, ValueError) as error:
            return {**facts, "error": _reason(error, file)}
        return {
            **facts,
            "format": kind,
            "rows": rows,
            "columns": {
                # DuckDB calls a column of nothing but nulls JSON, as one whose values have no common type.
                name: _plain_type(one) if count else {"type": "scalar", "name": "unknown"}
                for (name, one), count in zip(columns.items(), present, strict=True)
            },
            "nulls": {name: rows - count for name, count in zip(columns, present, strict=True)},
        }


def _reason(error: Exception, file: FoundFile) -> str:
    text = str(error).partition("\n")[0].replace(str(file.path), file.relative)
    return f"cannot be read: {text[:300]}"


def _reader(path: Path) -> tuple[str, str]:
    """Returns a file's format and the SQL that reads it. Content decides; the name where content leaves it open.

    Raises:
        ValueError: it is in no format that can be read.
    """
    beginning, compression = _beginning(path)
    source = literal(exact(str(path)))
    if beginning.startswith(PARQUET):
        if compression != "none":
            raise ValueError(f"a Parquet file within {compression}: decompress it, Parquet is compressed by itself")
        return "parquet", f"read_parquet({source}, hive_partitioning=false)"
    suffix = next((one for one in reversed(path.suffixes) if one in SUFFIXES), "")
    if beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        options = f"compression='{compression}', hive_partitioning=false, maximum_object_size={LINE_LIMIT_BYTES}"
        return "json", f"read_json({source}, {options}, sample_size=-1)"
    if SUFFIXES.get(suffix) == "csv" and b"\0" not in beginning:
        options = f"compression='{compression}', hive_partitioning=false, sample_size=-1"
        return "csv", f"read_csv({source}, {options})"
    raise ValueError("it is neither JSON, CSV nor Parquet by its content and name")


def _beginning(path: Path) -> tuple[bytes, str]:
    """Returns the first bytes of a file, decompressed, and how it is compressed."""
    with path.open("rb") as file:
        raw = file.read(BEGINNING_BYTES)
        if raw.startswith(GZIP):
            import gzip
            import zlib

            file.seek(0)
            try:
                with gzip.open(file) as inner:
                    return inner.read(BEGINNING_BYTES), "gzip"
            except (EOFError, zlib.error) as error:
                raise ValueError(str(error)) from error
        if raw.startswith(ZSTD):
            import zstandard

            file.seek(0)
            try:
                return zstandard.ZstdDecompressor().stream_reader(file).read(BEGINNING_BYTES), "zstd"
            except zstandard.ZstdError as error:
                raise ValueError(str(error)) from error
    return raw, "none"


def _plain_type(kind: Any) -> dict[str, Any]:
    """Returns a DuckDB type as plain data."""
    name = str(kind.id).lower()
    if name in {"list", "array"}:
        return {"type": "array", "item": _plain_type(dict(kind.children)["child"])}
    if name == "map":
        parts = dict(kind.children)
        return {"type": "map", "key": _plain_type(parts["key"]), "value": _plain_type(parts["value"])}
    if name == "struct":
        return {"type": "struct", "fields": {field: _plain_type(inner) for field, inner in kind.children}}
    if name == "decimal":
        parts = dict(kind.children)
        return {"type": "scalar", "name": "decimal", "digits": parts["precision"], "places": parts["scale"]}
    if str(kind) == "JSON":
        return {"type": "scalar", "name": "mixed"}
    if name in INTEGERS:
        return {"type": "scalar", "name": "bigint"}
    known, *rest = OTHERS.get(name, ("string",))
    numbers = dict(zip(("digits", "places"), rest, strict=False))
    return {"type": "scalar", "name": known, **numbers}
