"""Queries of the catalog: those of the pipeline, and for each table some to begin with, which run here as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from penstock.deploy.recent import since
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.pipeline import Definition
from penstock.model.table_names import known_columns
from penstock.sql.dialect import translate

NEWEST_DAYS = 1
COUNT_DAYS = 30
NEWEST_LIMIT = 100
# A parameter, where it is none of a text, a quoted name, a comment or a cast.
_PARAMETER = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | :: | :(?P<name>[A-Za-z_]\w*)""", re.DOTALL | re.VERBOSE
)


class Example(msgspec.Struct, frozen=True):
    """A query with a name and a description."""

    name: str
    description: str
    sql: str


def examples(tables: Sequence[LakeTable]) -> list[Example]:
    """Returns queries of each table and its quarantine, each limited in the partitions that it reads."""
    declared = {table.name.lower() for table in tables}
    made = []
    for table in tables:
        made += [_newest(table, table.name), _per_day(table.name)]
        quarantine = f"{table.name}_quarantine"
        if quarantine.lower() not in declared:
            made += [_newest(table, quarantine), _reasons(quarantine)]
    return made


def named(definition: Definition) -> list[Example]:
    """Returns the pipeline's own queries, as Athena takes them: a parameter is a question mark there.

    https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements-querying-using-execution-parameters.html
    """
    known = known_columns(tuple(definition.lake_tables.values()))
    made = []
    for query in definition.queries.values():
        sql = translate(query.sql, source=query.dialect, target="athena", columns=known).sql
        parameters = [found["name"] for found in _PARAMETER.finditer(sql) if found["name"]]
        sql = _PARAMETER.sub(lambda found: "?" if found["name"] else found[0], sql)
        told = f"{query.description} (give {', '.join(parameters)})" if parameters else query.description
        made.append(Example(query.name, told.strip(), f"{sql.rstrip()}\n"))
    return made


def _newest(table: LakeTable, name: str) -> Example:
    order = ", ".join(f"{column} DESC" for column in PARTITION_COLUMNS[table.partition])
    return Example(
        f"{name}-newest",
        f"The newest records of {name}, of today and yesterday",
        f"SELECT *\nFROM {name}\n{since(NEWEST_DAYS)}\nORDER BY {order}\nLIMIT {NEWEST_LIMIT}\n",
    )


def _per_day(name: str) -> Example:
    return Example(
        f"{name}-per-day",
        f"How many records of {name} arrived each day, for {COUNT_DAYS} days",
        f"SELECT year, month, day, count(*) AS records\nFROM {name}\n{since(COUNT_DAYS)}\n"
        "GROUP BY year, month, day\nORDER BY year, month, day\n",
    )


def _reasons(name: str) -> Example:
    return Example(
        f"{name}-reasons",
        f"Why records did not fit, for {COUNT_DAYS} days, with an object that holds one",
        f"SELECT reason, count(*) AS records, max(source) AS example\nFROM {name}\n{since(COUNT_DAYS)}\n"
        "GROUP BY reason\nORDER BY records DESC\n",
    )
