"""What a query can name: tables, what was quarantined of them, and the names that a crawler would give."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.schema import columns

QUARANTINE_SUFFIX = "_quarantine"
# The prefix of a crawler's tables in the seeds.
RAW_PREFIX = "raw_"


class Quarantined(msgspec.Struct):
    """A record that did not fit, as it lies in the quarantine."""

    reason: str
    source: str | None = None
    line: int | None = None
    raw: str | None = None
    encoding: str | None = None


def table_names(tables: Sequence[LakeTable]) -> dict[str, tuple[LakeTable, bool]]:
    """Returns what can be named, in lower case: the table of each name, and whether its quarantine is meant.

    A declared table wins over another name of the same spelling.
    """
    named = {f"{table.name}{QUARANTINE_SUFFIX}".lower(): (table, True) for table in tables}
    named |= {f"{RAW_PREFIX}{table.name}".lower(): (table, False) for table in tables}
    return named | {table.name.lower(): (table, False) for table in tables}


def known_columns(tables: Sequence[LakeTable]) -> dict[str, dict[str, str]]:
    """Returns the types of all columns, in the catalog's notation, by the names that a query can use.

    Raises:
        TypeError: a record has a type that no column can hold.
    """
    found: dict[str, dict[str, str]] = {}
    for name, (table, is_quarantine) in table_names(tables).items():
        described = columns(Quarantined if is_quarantine else table.record)
        found[name] = {column.name: column.type for column in described}
        found[name] |= dict.fromkeys(PARTITION_COLUMNS[table.partition], "string")
    return found
