"""A table of the lake as an export: sealed partitions as the files that they are, the others written for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from penstock.lake.catalog import Listing, Partition
from penstock.model.datasets import LakeTable
from penstock.model.schema import columns
from penstock.ports.export import Exported, ExportedFile, ExportTarget

# Writes the answer to a SELECT as one Parquet file.
WriteAnswer = Callable[[str, Path], object]


def export_table(table: LakeTable, listing: Listing, target: ExportTarget, write_answer: WriteAnswer) -> Exported:
    """Exports everything that a query over the table would see.

    A partition whose raw objects are all sealed goes as its sealed file. Another one is asked for in SQL, so that what
    is sealed of it and what is not come together once.
    """
    files = []
    for partition in listing.partitions:
        found = _export_partition(table, partition, target, write_answer)
        if found is not None:
            files.append(found)
    return target.finish(table.name, files, [column.name for column in columns(table.record)])


def export_answer(name: str, sql: str, token: str, target: ExportTarget, write_answer: WriteAnswer) -> Exported:
    """Exports the answer to a SELECT, as one file. Each time it is asked and written anew.

    Args:
        token: sets this answer apart from all others.
    """
    file = ExportedFile(f"{name}-{token}.parquet")
    target.write(file.name, lambda path: write_answer(sql, path))
    return target.finish(name, [file], ())


def _export_partition(
    table: LakeTable, partition: Partition, target: ExportTarget, write_answer: WriteAnswer
) -> ExportedFile | None:
    """Returns the file of a partition; None when there is nothing of it."""
    values = dict(part.split("=", 1) for part in partition.path.split("/"))
    file = ExportedFile(f"{partition.path}/{table.name}-{_version(partition)}.parquet", values)
    if partition.sealed is not None and not partition.uncovered:
        is_there = partition.sealed.rows > 0 and target.take(partition.sealed.key, file.name)
        return file if is_there else None
    if not partition.uncovered:
        return None
    sql = _select(table, values)
    target.write(file.name, lambda path: write_answer(sql, path))
    return file


def _version(partition: Partition) -> str:
    """Returns a text that changes with the content of a partition: files of an export are never overwritten."""
    etag = partition.sealed.etag if partition.sealed else ""
    content = "\n".join([etag, *(one.key for one in partition.uncovered)])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _select(table: LakeTable, values: dict[str, str]) -> str:
    wanted = ", ".join(_quoted(column.name) for column in columns(table.record))
    conditions = " AND ".join(f"{_quoted(name)} = '{value}'" for name, value in values.items())
    return f"SELECT {wanted} FROM {_quoted(table.name)} WHERE {conditions}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
