"""Queries to begin with, for each table of the catalog: the same text runs in Athena and on the machine."""

from __future__ import annotations

import msgspec

from penstock.deploy.projection import CatalogTable

NEWEST_DAYS = 1
COUNT_DAYS = 30
NEWEST_LIMIT = 100


class Example(msgspec.Struct, frozen=True):
    """A query with a name and a description."""

    name: str
    description: str
    sql: str


def examples(table: CatalogTable) -> list[Example]:
    """Returns queries of a table, each limited in the partitions that it reads."""
    newest = Example(
        f"{table.name}-newest",
        f"The newest records of {table.name}, of today and yesterday",
        f"SELECT *\nFROM {table.name}\n{_since(NEWEST_DAYS)}\nORDER BY {_newest_first(table)}\nLIMIT {NEWEST_LIMIT}\n",
    )
    if table.zone == "quarantine":
        return [newest, _reasons(table)]
    per_day = Example(
        f"{table.name}-per-day",
        f"How many records of {table.name} arrived each day, for {COUNT_DAYS} days",
        f"SELECT year, month, day, count(*) AS records\nFROM {table.name}\n{_since(COUNT_DAYS)}\n"
        "GROUP BY year, month, day\nORDER BY year, month, day\n",
    )
    return [newest, per_day]


def _reasons(table: CatalogTable) -> Example:
    return Example(
        f"{table.name}-reasons",
        f"Why records did not fit, for {COUNT_DAYS} days, with an object that holds one",
        f"SELECT reason, count(*) AS records, max(source) AS example\nFROM {table.name}\n{_since(COUNT_DAYS)}\n"
        "GROUP BY reason\nORDER BY records DESC\n",
    )


def _newest_first(table: CatalogTable) -> str:
    return ", ".join(f"{column.name} DESC" for column in table.partition_keys)


def _since(days: int) -> str:
    """Limits the partitions. The bound on the year alone keeps Athena from computing those of all other years."""
    first = f"substr(CAST(current_date - INTERVAL '{days}' DAY AS varchar), 1, "
    last = "substr(CAST(current_date AS varchar), 1, 4)"
    return f"WHERE year BETWEEN {first}4) AND {last}\n  AND concat(year, '-', month, '-', day)\n    >= {first}10)"
