"""What is checked of lake tables and hot tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from penstock.define.units import by_zone
from penstock.errors import Finding
from penstock.model.datasets import PARTITION_COLUMNS, ZONES, HotTable, LakeTable, Zone
from penstock.model.pipeline import Definition
from penstock.model.schema import Column, columns

NESTED = ("array<", "map<", "struct<")
TIMES = ("timestamp", "date", "string", "bigint", "double")


def column_names(names: str | Sequence[str]) -> tuple[str, ...]:
    """Returns the columns that an option names: one, or several in order."""
    return (names,) if isinstance(names, str) else tuple(names)


def aged(
    table: LakeTable,
    retain: timedelta | Mapping[Zone, timedelta] | None,
    infrequent_after: timedelta | Mapping[Zone, timedelta] | None,
) -> LakeTable:
    """Returns a table whose objects grow old as said, for all zones or by zone."""
    retained, retained_zones = by_zone(retain, "sealed")
    infrequent, infrequent_zones = by_zone(infrequent_after)
    return msgspec.structs.replace(
        table,
        retain_seconds=retained,
        retain_zones=retained_zones,
        infrequent_after_seconds=infrequent,
        infrequent_zones=infrequent_zones,
    )


def check(definition: Definition) -> Iterator[Finding]:
    """Yields every mistake of the tables."""
    for table in definition.lake_tables.values():
        yield from _lake_table(table)
    for hot in definition.hot_tables.values():
        yield from _hot_table(hot)


def _lake_table(table: LakeTable) -> Iterator[Finding]:
    if not (isinstance(table.record, type) and issubclass(table.record, msgspec.Struct)):
        yield Finding(table.place, "record-type", f"records of {table.name!r} are of {table.record!r}",
                      "declare `class Record(msgspec.Struct): …` and give that class")  # fmt: skip
        return
    try:
        known = {column.name: column for column in columns(table.record)}
    except TypeError as error:
        yield Finding(table.place, "record-type", f"lake table {table.name!r}: {error}", "change the field's type")
        return
    for name in sorted(set(PARTITION_COLUMNS[table.partition]) & {name.lower() for name in known}):
        message = f"lake table {table.name!r}: {table.record.__name__} has a column {name!r}, as its partitions"
        yield Finding(table.place, "partition-column", message, "rename the field; letter case is no difference")
    yield from _ages(table)
    for option, names in (("sort", table.sort), ("unique", table.unique)):
        yield from _columns(table, option, names, known)
    if table.time is not None:
        yield from _time(table, table.time, known)


def _ages(table: LakeTable) -> Iterator[Finding]:
    where = f"lake table {table.name!r}"
    for option, zones in (("retain", table.retain_zones), ("infrequent_after", table.infrequent_zones)):
        for zone in (name for name, _ in zones if name not in ZONES):
            yield Finding(table.place, "zone", f"{where}: {option}= names the zone {zone!r}",
                          f"zones are {', '.join(ZONES)}; archived objects are raw ones")  # fmt: skip
    sealed, raw, quarantine = (table.retained_seconds(zone) for zone in ("sealed", "raw", "quarantine"))
    if sealed is not None and quarantine is not None and quarantine > sealed:
        yield Finding(table.place, "retention-order", f"{where}: retain= keeps quarantine longer than what is sealed",
                      "the sealed file counts what is in quarantine: let it be kept as long")  # fmt: skip
    is_archived = table.archive_after_seconds is not None and table.archive_after_seconds <= (sealed or 0)
    if sealed is not None and raw is not None and raw > sealed and not is_archived:
        yield Finding(table.place, "retention-order", f"{where}: retain= keeps raw records longer than what is sealed",
                      "a query would read them again: keep what is sealed as long, or give archive_after=")  # fmt: skip


def _columns(table: LakeTable, option: str, names: tuple[str, ...], known: dict[str, Column]) -> Iterator[Finding]:
    for name in names:
        if name not in known:
            yield _no_column(table, option, name, known)
        elif known[name].type.startswith(NESTED):
            message = f"lake table {table.name!r}: {option}= names {name!r}, which is {known[name].type}"
            yield Finding(table.place, "column-type", message, "name columns that hold one value")
    if len(set(names)) != len(names):
        yield Finding(table.place, "column-twice", f"lake table {table.name!r}: {option}= names a column twice",
                      "name each column once")  # fmt: skip


def _time(table: LakeTable, name: str, known: dict[str, Column]) -> Iterator[Finding]:
    if name not in known:
        yield _no_column(table, "time", name, known)
    elif known[name].type not in TIMES:
        message = f"lake table {table.name!r}: time= names {name!r}, which is {known[name].type}"
        yield Finding(table.place, "column-type", message,
                      "name a datetime, text in ISO 8601, or seconds since the epoch")  # fmt: skip


def _no_column(table: LakeTable, option: str, name: str, known: dict[str, Column]) -> Finding:
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"name one of {', '.join(known) or 'its columns'}"
    message = f"lake table {table.name!r}: {option}= names {name!r}, which {table.record.__name__} does not have"
    return Finding(table.place, "unknown-column", message, hint)


def _hot_table(hot: HotTable) -> Iterator[Finding]:
    names = [hot.partition.name, *([hot.sort.name] if hot.sort else [])]
    if len(set(names)) != len(names):
        yield Finding(hot.place, "key", f"hot table {hot.name!r} uses {names[0]!r} as both keys",
                      "partition and sort key are two attributes")  # fmt: skip
    if len({index.name for index in hot.indexes}) != len(hot.indexes):
        yield Finding(hot.place, "key", f"hot table {hot.name!r} has two indexes of one name", "rename one of them")
