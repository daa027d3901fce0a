"""The partitions of a table on the disk, and the raw files in them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from penstock.adapters.local.query_pruning import Keep

# What others may have called their files; see the lake's own rules for names.
DATA = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
PACKED = (".gz", ".zst")


def partitions(zone: Path, table: str, columns: Sequence[str], keep: Keep) -> list[str]:
    """Returns the paths of a table's partitions below a zone's folder, in their order; follows no link.

    Args:
        zone: the folder of the zone.
        columns: the partition columns, outermost first.
        keep: which of them are wanted; a whole year that is not is never looked into.
    """
    folder = zone / table
    if not (_is_folder(zone) and _is_folder(folder)):
        return []
    return list(_below(str(folder), "", tuple(columns), {}, keep))


def _below(folder: str, path: str, columns: tuple[str, ...], values: dict[str, str], keep: Keep) -> Iterator[str]:
    if not columns:
        yield path
        return
    prefix = f"{columns[0]}="
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.name.startswith(prefix) and e.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for name in sorted(names):
        found = {**values, columns[0]: name.removeprefix(prefix)}
        if keep(found):
            yield from _below(f"{folder}/{name}", f"{path}/{name}" if path else name, columns[1:], found, keep)


def data_names(folder: str) -> list[str]:
    """Returns the names of the files of a partition that are taken for data, in their order."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if _is_data(entry.name))
    except OSError:
        return []


def _is_data(name: str) -> bool:
    if name.startswith(".penstock-"):
        return False
    return bare_name(name).endswith(DATA)


def bare_name(name: str) -> str:
    """Returns a name in lower case, without what says that it is compressed."""
    lower = name.lower()
    for packed in PACKED:
        lower = lower.removesuffix(packed)
    return lower


def identity(path: str) -> tuple[int, int, int] | None:
    """Returns what tells one version of a file or folder from another; None when it is not there, or is a link."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return None if stat.S_ISLNK(found.st_mode) else (found.st_ino, found.st_size, found.st_mtime_ns)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
