"""SQL that puts rows of a temporary table in place of those with their keys, for each kind of server."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

STAGE = "penstock_rows"


class Merge(msgspec.Struct, frozen=True):
    """Which columns a table has, and what of them an upsert changes.

    Attributes:
        quote: what SQL names are put between.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    changed: tuple[str, ...]
    quote: str = '"'

    def name(self, text: str) -> str:
        """Returns a name as SQL has it. Ours have no quotes in them."""
        return f"{self.quote}{text}{self.quote}"

    def names(self, texts: Sequence[str], prefix: str = "") -> str:
        """Returns a list of names."""
        return ", ".join(prefix + self.name(text) for text in texts)

    @property
    def matches(self) -> str:
        """The condition that a row ``s`` of the temporary table has the key of a row ``t``."""
        return " AND ".join(f"t.{self.name(one)} = s.{self.name(one)}" for one in self.key)


def merge_of(table: str, columns: Sequence[str], key: Sequence[str], keep: Collection[str], quote: str) -> Merge:
    """Returns what an upsert does that leaves some columns as they are."""
    changed = tuple(name for name in columns if name not in key and name not in keep)
    return Merge(table, tuple(columns), tuple(key), changed, quote)


def postgresql_merge(merge: Merge) -> str:
    """Returns a statement whose answer is how many rows are new, and how many others have changed."""
    table, all_names = merge.name(merge.table), merge.names(merge.columns)
    action = "DO NOTHING"
    if merge.changed:
        assigned = ", ".join(f"{merge.name(one)} = EXCLUDED.{merge.name(one)}" for one in merge.changed)
        before, after = merge.names(merge.changed, "t."), merge.names(merge.changed, "EXCLUDED.")
        action = f"DO UPDATE SET {assigned} WHERE ({before}) IS DISTINCT FROM ({after})"
    # A row that was there before has the transaction that replaced it in xmax; a new one has none.
    return (
        f"WITH merged AS (INSERT INTO {table} AS t ({all_names}) SELECT {all_names} FROM {STAGE}"
        f" ON CONFLICT ({merge.names(merge.key)}) {action} RETURNING t.xmax = 0 AS fresh)"
        " SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh) FROM merged"
    )


def mysql_counts(merge: Merge) -> str:
    """Returns a query for how many rows are new, and how many others differ."""
    return _counts(merge, " <=> ")


def mysql_merge(merge: Merge) -> str:
    """Returns a statement that writes the rows."""
    kept = merge.changed or merge.key[:1]
    assigned = ", ".join(f"{merge.name(one)} = s.{merge.name(one)}" for one in kept)
    return (
        f"INSERT INTO {merge.name(merge.table)} ({merge.names(merge.columns)})"
        f" SELECT {merge.names(merge.columns, 's.')} FROM {STAGE} AS s ON DUPLICATE KEY UPDATE {assigned}"
    )


def sqlite_counts(merge: Merge) -> str:
    """Returns a query for how many rows are new, and how many others differ."""
    return _counts(merge, " IS ")


def sqlite_merge(merge: Merge) -> str:
    """Returns a statement that writes the rows."""
    action = "DO NOTHING"
    if merge.changed:
        action = "DO UPDATE SET " + ", ".join(
            f"{merge.name(one)} = excluded.{merge.name(one)}" for one in merge.changed
        )
    # The condition lets the parser tell ON CONFLICT from a join: https://sqlite.org/lang_upsert.html#parsing_ambiguity
    return (
        f"INSERT INTO {merge.name(merge.table)} ({merge.names(merge.columns)})"
        f" SELECT {merge.names(merge.columns)} FROM temp.{STAGE} WHERE true"
        f" ON CONFLICT ({merge.names(merge.key)}) {action}"
    )


def _counts(merge: Merge, equals: str) -> str:
    first = merge.name(merge.key[0])
    same = " AND ".join(f"t.{merge.name(one)}{equals}s.{merge.name(one)}" for one in merge.changed) or "1 = 1"
    return (
        f"SELECT coalesce(sum(t.{first} IS NULL), 0), coalesce(sum(t.{first} IS NOT NULL AND NOT ({same})), 0)"
        f" FROM {STAGE} AS s LEFT JOIN {merge.name(merge.table)} AS t ON {merge.matches}"
    )
