"""The catalog of a home's lake: which tables there are, and what each holds, read from the files alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from penstock.errors import NotFoundError, ValidationError
from penstock.lake.catalog import Listing, Sealed, Stored, arrange, prefixes, raw_key_of
from penstock.lake.layout import parse_key
from penstock.lake.sealing import WIDTH_SECONDS
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition
from penstock.model.sealing import SourceCounts
from penstock.ports.objects import ObjectInfo, ObjectStore
from penstock.ports.sealing import SealingEngine


class LakeCatalog:
    """Answers what the lake holds, at the moment of asking."""

    def __init__(self, objects: ObjectStore, sealing: SealingEngine) -> None:
        self._objects = objects
        self._sealing = sealing

    def listing(self, table: LakeTable, partition: str = "") -> Listing:
        """Returns the partitions of a table, in order of time.

        Args:
            partition: only those whose path begins so, such as ``year=2026/month=02``.
        """
        found = self._found(table, partition)
        sealed = [self._read(one) for one in found if one.key.startswith("sealed/")]
        return arrange(table, [_stored(one) for one in found], [one for one in sealed if one is not None])

    def oldest_end(self, table: LakeTable) -> float:
        """Returns when the oldest partition ended, in seconds since the epoch: infinity where there is none."""
        # Keys are in the order of time.
        firsts = [next(iter(self._objects.list(prefix)), None) for prefix in prefixes(table.name)]
        width = WIDTH_SECONDS[table.partition]
        ends = [_start_of(first.key) + width for first in firsts if first is not None]
        return min(ends, default=math.inf)

    def outline(self, table: LakeTable) -> Listing:
        """Returns the partitions of a table as their keys show them: no sealed file is opened, each covers nothing."""
        found = self._found(table, "")
        sealed = [_file(one, 0, {}) for one in found if one.key.startswith("sealed/")]
        return arrange(table, [_stored(one) for one in found], sealed)

    def _found(self, table: LakeTable, partition: str) -> list[ObjectInfo]:
        return [one for prefix in prefixes(table.name) for one in self._objects.list(f"{prefix}{partition}")]

    def _read(self, info: ObjectInfo) -> Sealed | None:
        """Returns a sealed file; None for one that is damaged, gone, or another one by now."""
        try:
            footer = self._sealing.footer(info.key)
        except ValidationError:
            return None
        now = self._objects.head(info.key)
        if footer is None or now is None or now.etag != info.etag:
            return None
        return _file(info, footer.rows, footer.sources)


def _file(info: ObjectInfo, rows: int, sources: Mapping[str, SourceCounts]) -> Sealed:
    return Sealed(key=info.key, size_bytes=info.size, etag=info.etag, rows=rows, sources=sources)


def _start_of(key: str) -> float:
    try:
        return parse_key(raw_key_of(key)).start
    except ValidationError:
        return -math.inf


def _stored(info: ObjectInfo) -> Stored:
    return Stored(info.key, info.size)


def lake_tables(definitions: Mapping[str, Definition]) -> dict[str, tuple[str, LakeTable]]:
    """Returns the declared tables by name, each with its pipeline."""
    return {
        table.name: (name, table)
        for name, definition in definitions.items()
        for table in definition.lake_tables.values()
    }


def find_table(definitions: Mapping[str, Definition], name: str) -> tuple[str, LakeTable]:
    """Returns a declared table and its pipeline.

    Raises:
        NotFoundError: no pipeline declares it.
    """
    tables = lake_tables(definitions)
    if name in tables:
        return tables[name]
    raise NotFoundError(f"there is no lake table {name!r}", hint=_near(name, tables))


def _near(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]!r}?" if close else "`penstock tables` lists them"
