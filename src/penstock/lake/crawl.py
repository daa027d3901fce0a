"""A table inferred from files that nobody declared: their columns widened over all files, partitions from their paths.

Pure: what each file holds comes in; reading them is an adapter's work. What cannot be reconciled is reported, never
guessed away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from penstock.lake.inferred import UNKNOWN, Inferred, mixed_places, settled, widen

NAMED_FOLDER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
# Folders that are parts of a date: 2026/02/20/07. AWS's crawler names them partition_0, partition_1, …
DATE_FOLDER = re.compile(r"\d{2}|\d{4}|\d{4}-\d{2}-\d{2}")
IDENTIFIER = re.compile(r"[^a-z0-9_]+")


class FileFacts(msgspec.Struct, frozen=True):
    """What one file holds.

    Attributes:
        path: relative to what is crawled, with slashes.
        format: ``json``, ``csv`` or ``parquet``.
        nulls: how many rows have no value in a column.
        error: why it could not be read; nothing else is known then.
    """

    path: str
    size_bytes: int
    format: str = ""
    rows: int = 0
    columns: Mapping[str, Inferred] = {}
    nulls: Mapping[str, int] = {}
    error: str = ""


class FoundColumn(msgspec.Struct, frozen=True):
    """A column of the inferred table, with a type in the catalog's notation.

    Attributes:
        files: how many of the files have it.
    """

    name: str
    type: Inferred
    nullable: bool
    files: int


class Problem(msgspec.Struct, frozen=True):
    """What could not be reconciled. ``where`` is a column, a file or a folder."""

    where: str
    message: str


class Crawled(msgspec.Struct, frozen=True):
    """An inferred table.

    Attributes:
        partition_columns: text, all of them, as with AWS's crawler: ``07`` is no number to compare with.
    """

    name: str
    columns: tuple[FoundColumn, ...]
    partition_columns: tuple[str, ...]
    formats: Mapping[str, int]
    files: int
    rows: int
    size_bytes: int
    problems: tuple[Problem, ...]


def infer(files: Iterable[FileFacts], name: str) -> Crawled:
    """Returns the table that files make up.

    Args:
        name: what it is to be called; made to fit the rule of names.
    """
    every = sorted(files, key=lambda one: one.path)
    read = [one for one in every if not one.error]
    problems = [Problem(one.path, one.error) for one in every if one.error]
    formats: dict[str, int] = {}
    for one in read:
        formats[one.format] = formats.get(one.format, 0) + 1
    if len(formats) > 1:
        told = ", ".join(f"{count} of {kind}" for kind, count in sorted(formats.items()))
        problems.append(Problem("files", f"their formats differ ({told}): AWS needs one table for each format"))
    partitions, of_partitions = _partition_columns(read)
    columns, of_columns = _columns(read, set(partitions))
    return Crawled(
        name=table_name(name),
        columns=columns,
        partition_columns=partitions,
        formats=formats,
        files=len(read),
        rows=sum(one.rows for one in read),
        size_bytes=sum(one.size_bytes for one in read),
        problems=(*problems, *of_partitions, *of_columns),
    )


def table_name(text: str) -> str:
    """Returns a text as a table's name: lower-case letters, digits and underscores, a letter first."""
    plain = IDENTIFIER.sub("_", text.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"table_{plain}".rstrip("_")


def _columns(files: Sequence[FileFacts], partitions: set[str]) -> tuple[tuple[FoundColumn, ...], list[Problem]]:
    names: dict[str, None] = {}
    for one in files:
        names.update(dict.fromkeys(one.columns))
    problems = [
        Problem(name, "is a column of the files and of their folders; the folder's value is taken")
        for name in names
        if name in partitions
    ]
    problems += _clashes(names)
    found = []
    for name in names:
        if name not in partitions:
            column, problem = _column(name, files)
            found.append(column)
            problems += problem
    return tuple(found), problems


def _column(name: str, files: Sequence[FileFacts]) -> tuple[FoundColumn, list[Problem]]:
    """Returns one column over all files, and whether its types had to become text."""
    having = [one for one in files if name in one.columns]
    kind: Inferred = UNKNOWN
    by_type: dict[str, list[str]] = {}
    conflicts: list[str] = []
    for one in having:
        by_type.setdefault(str(one.columns[name]), []).append(one.path)
        conflicts += mixed_places(one.columns[name], name)
        kind = widen(kind, one.columns[name], name, conflicts)
    problems = []
    if conflicts:
        told = "; ".join(f"{kind} in {_some(paths)}" for kind, paths in by_type.items())
        problems = [
            Problem(place, f"is taken as text, since no type holds all its values: {told}")
            for place in dict.fromkeys(conflicts)
        ]
    elif kind == UNKNOWN:
        problems = [Problem(name, "is always null; it is taken as text")]
    nullable = len(having) < sum(1 for one in files if one.rows) or any(one.nulls.get(name, 0) for one in having)
    return FoundColumn(name, settled(kind), nullable, len(having)), problems


def _some(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _clashes(names: Iterable[str]) -> list[Problem]:
    """Returns the names that Athena and DuckDB, which know no case, cannot tell apart."""
    by_lower: dict[str, list[str]] = {}
    for name in names:
        by_lower.setdefault(name.lower(), []).append(name)
    return [
        Problem(same[0], f"SQL cannot tell these columns apart: {', '.join(same)}")
        for same in by_lower.values()
        if len(same) > 1
    ]


def partition_values(path: str) -> dict[str, str]:
    """Returns what a path's folders say: ``year=2026/month=02/…`` by name, ``2026/02/…`` by number."""
    folders = path.split("/")[:-1]
    named = [NAMED_FOLDER.fullmatch(folder) for folder in folders]
    if any(named):
        return {match[1].lower(): match[2] for match in named if match}
    if folders and all(DATE_FOLDER.fullmatch(folder) for folder in folders):
        return {f"partition_{number}": folder for number, folder in enumerate(folders)}
    return {}


def _partition_columns(files: Sequence[FileFacts]) -> tuple[tuple[str, ...], list[Problem]]:
    """Returns the partition columns that most files have; the other files are reported."""
    by_names: dict[tuple[str, ...], list[FileFacts]] = {}
    for one in files:
        by_names.setdefault(tuple(partition_values(one.path)), []).append(one)
    if not by_names:
        return (), []
    names = max(by_names, key=lambda one: (len(by_names[one]), len(one)))
    problems = []
    for others, held in by_names.items():
        if others != names:
            told = "/".join(others) or "no partition"
            expected = "/".join(names) or "no partition"
            where = _some([one.path for one in held])
            problems.append(Problem(where, f"its folders say {told}, those of most files say {expected}"))
    return names, problems
