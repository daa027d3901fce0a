"""Declaring warehouses: tables, views and how they came to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from penstock.define.parts import Parts
from penstock.define.places import caller_place
from penstock.define.tables import column_names
from penstock.errors import Finding
from penstock.model.pipeline import Definition
from penstock.model.schema import Column
from penstock.model.warehouses import (
    INDEX_BYTES,
    KEY_CHARACTERS,
    NAME_CHARACTERS,
    RUNS_TABLE,
    Relation,
    RunRecord,
    Warehouse,
    is_nested,
)

SQL_NAME = rf"[a-z][a-z0-9_]{{0,{NAME_CHARACTERS - 1}}}"
SQL_NAME_RULE = f"1 to {NAME_CHARACTERS} lower-case letters, digits and underscores, a letter first"
# What a key's column takes in an index, in bytes; text takes four for each character.
KEY_BYTES = {"string": KEY_CHARACTERS * 4, "bigint": 8, "boolean": 1, "date": 4, "timestamp": 8}
# Two tables and a temporary one are called after a relation, or after a warehouse.
OWN_NAMES = re.compile(r"(alembic_version|penstock|sqlite|pg)_.*")


def relation(
    name: str, record: type[Any], *, key: str | Sequence[str], indexes: Sequence[str | Sequence[str]] = ()
) -> Relation:
    """Declares a table of a warehouse.

    Args:
        record: the ``msgspec.Struct`` of a row. Lists, maps and structs are JSON columns; text may say how long it is
            by ``Annotated[str, msgspec.Meta(max_length=…)]``.
        key: the column that tells rows apart, or several that do so together.
        indexes: each a column by which rows are looked up, or several.
    """
    return Relation(
        name=name,
        record=record,
        key=column_names(key),
        indexes=tuple(column_names(one) for one in indexes),
        place=caller_place(),
    )


class Warehousing(Parts):
    """The part of a pipeline that keeps what people and their tools ask by SQL, for ever."""

    def warehouse(
        self,
        name: str,
        *,
        tables: Sequence[Relation],
        views: Mapping[str, str] | None = None,
        migrations: str = "",
    ) -> Warehouse:
        """Declares a warehouse: SQLite here, PostgreSQL or MySQL where ``PENSTOCK_WAREHOUSE_<NAME>`` has their URL.

        Args:
            tables: what ``relation(…)`` returned. A table ``pipeline_runs``, with the key ``run_id``, keeps what is
                known of each run; without it there is one with the run's counts.
            views: SELECT statements by name, in SQL that SQLite, PostgreSQL and MySQL have in common.
            migrations: a package with Alembic's revisions in its folder ``versions``.
        """
        place = caller_place()
        relations: dict[str, Relation] = {}
        for table in tables:
            if table.name in relations:
                first = relations[table.name].place
                message = f"table {table.name!r} of warehouse {name!r} is defined twice, first at {first}"
                self._find(table.place, "duplicate-name", message, "give one of them another name")
            relations[table.name] = table
        if RUNS_TABLE not in relations:
            relations[RUNS_TABLE] = Relation(name=RUNS_TABLE, record=RunRecord, key=("run_id",), place=place)
        warehouse = Warehouse(
            name=name, relations=relations, views=dict(views or {}), migrations=migrations, place=place
        )
        return self._add("warehouses", warehouse)


def check(definition: Definition) -> Iterator[Finding]:
    """Yields every mistake of the warehouses."""
    for warehouse in definition.warehouses.values():
        for relation in warehouse.relations.values():
            yield from _relation(relation, runs=relation.name == warehouse.runs)
        yield from _views(warehouse)


def _views(warehouse: Warehouse) -> Iterator[Finding]:
    for name, sql in warehouse.views.items():
        if not re.fullmatch(SQL_NAME, name) or name in warehouse.relations or OWN_NAMES.fullmatch(name):
            yield Finding(warehouse.place, "name", f"view name {name!r} cannot be used",
                          f"{SQL_NAME_RULE}, and no table's name")  # fmt: skip
        if not re.match(r"\s*(select|with)\b", sql, re.IGNORECASE) or ";" in sql:
            yield Finding(warehouse.place, "view", f"view {name!r} is no SELECT alone", "give one SELECT, without `;`")


def _relation(relation: Relation, *, runs: bool) -> Iterator[Finding]:
    name, place = relation.name, relation.place
    if not re.fullmatch(SQL_NAME, name) or OWN_NAMES.fullmatch(name):
        yield Finding(place, "name", f"table name {name!r} cannot be used", SQL_NAME_RULE)
    if not (isinstance(relation.record, type) and issubclass(relation.record, msgspec.Struct)):
        yield Finding(place, "record-type", f"rows of {name!r} are of {relation.record!r}",
                      "declare `class Row(msgspec.Struct): …` and give that class")  # fmt: skip
        return
    try:
        known = {column.name: column for column in relation.columns}
    except TypeError as error:
        yield Finding(place, "record-type", f"table {name!r}: {error}", "change the field's type")
        return
    for column in known:
        if not re.fullmatch(SQL_NAME, column):
            yield Finding(place, "name", f"table {name!r} has a column {column!r}", SQL_NAME_RULE)
    if not relation.key:
        yield Finding(place, "key", f"table {name!r} has no key", "name the columns that tell rows apart: key=…")
    if runs and (
        relation.key != ("run_id",) or known["run_id" if "run_id" in known else relation.key[0]].type != "string"
    ):
        yield Finding(
            place, "key", f"table {name!r} does not tell runs apart", 'give it a text `run_id`, its key="run_id"'
        )
    for option, names in (("key", relation.key), *(("indexes", one) for one in relation.indexes)):
        yield from _looked_up(relation, option, names, known)


def _looked_up(relation: Relation, option: str, names: tuple[str, ...], known: dict[str, Column]) -> Iterator[Finding]:
    table, record = f"table {relation.name!r}: {option}=", relation.record.__name__
    absent = [name for name in names if name not in known]
    for name in absent:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"name one of {', '.join(known)}"
        yield Finding(relation.place, "unknown-column", f"{table} names {name!r}, which {record} does not have", hint)
    if absent:
        return
    for name in names:
        column = known[name]
        if is_nested(column) or column.type in {"double", "binary"}:
            yield Finding(relation.place, "column-type", f"{table} names {name!r}, which is {column.type}",
                          "name columns of text, whole numbers, decimals or times")  # fmt: skip
        elif option == "key" and column.nullable:
            yield Finding(relation.place, "column-type", f"{table} names {name!r}, which may be null",
                          "a key's columns have a value in every row")  # fmt: skip
    if len(set(names)) != len(names):
        yield Finding(relation.place, "column-twice", f"{table} names a column twice", "name each column once")
    if sum(KEY_BYTES.get(known[name].type, 20) for name in names) > INDEX_BYTES:
        yield Finding(relation.place, "key", f"{table} names more than an index of MySQL holds",
                      f"three columns of text at most ({INDEX_BYTES} bytes)")  # fmt: skip
