"""The catalog of tables, in Glue.

https://docs.aws.amazon.com/glue/latest/webapi/API_GetTables.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.model.schema import Column


class CatalogTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the catalog.

    Attributes:
        columns, partition: its columns and its partition columns, with their types in the catalog's notation.
        location: where its objects are, such as ``s3://lake/raw/readings/``.
    """

    name: str
    columns: tuple[Column, ...]
    partition: tuple[Column, ...] = ()
    location: str = ""


class GlueCatalog:
    """The databases and tables of an account's catalog."""

    def __init__(self, *, region: str | None = None) -> None:
        self._client = client("glue", region=region)

    def databases(self) -> list[str]:
        """Returns the names of the databases, in order."""
        with calling("list the databases of the catalog"):
            pages = self._client.get_paginator("get_databases").paginate()
            return sorted(database["Name"] for page in pages for database in page["DatabaseList"])

    def tables(self, database: str) -> list[CatalogTable]:
        """Returns the tables of a database, in order of their names. Raises NotFoundError."""
        with calling(f"list the tables of {database}"):
            pages = self._client.get_paginator("get_tables").paginate(DatabaseName=database)
            found = [_table(table) for page in pages for table in page["TableList"]]
        return sorted(found, key=lambda table: table.name)


def _table(found: dict[str, Any]) -> CatalogTable:
    storage = found.get("StorageDescriptor", {})
    return CatalogTable(
        name=found["Name"],
        columns=_columns(storage.get("Columns", ())),
        partition=_columns(found.get("PartitionKeys", ())),
        location=storage.get("Location", ""),
    )


def _columns(found: Iterable[dict[str, str]]) -> tuple[Column, ...]:
    # The catalog does not know what may be null: everything may.
    return tuple(Column(one["Name"], one.get("Type", ""), nullable=True) for one in found)
