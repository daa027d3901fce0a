"""The catalog in Glue, on moto."""

from typing import Any

import pytest

from penstock.adapters.aws.catalog import CatalogTable, GlueCatalog
from penstock.adapters.aws.session import client
from penstock.errors import NotFoundError
from penstock.model.schema import Column


@pytest.fixture
def catalog(aws: str) -> GlueCatalog:
    for name in ("prod_metrics", "analytics"):
        client("glue").create_database(DatabaseInput={"Name": name})
    return GlueCatalog()


def make(name: str, **fields: Any) -> None:
    client("glue").create_table(DatabaseName="prod_metrics", TableInput={"Name": name, **fields})


def test_databases_and_tables_are_listed(catalog: GlueCatalog) -> None:
    make(
        "readings",
        StorageDescriptor={
            "Columns": [{"Name": "value", "Type": "double"}, {"Name": "tags", "Type": "map<string,double>"}],
            "Location": "s3://lake/raw/readings/",
        },
        PartitionKeys=[{"Name": "year", "Type": "string"}],
    )
    make("a_view")
    assert catalog.databases() == ["analytics", "prod_metrics"]
    assert catalog.tables("prod_metrics") == [
        CatalogTable(name="a_view", columns=()),
        CatalogTable(
            name="readings",
            columns=(Column("value", "double", nullable=True), Column("tags", "map<string,double>", nullable=True)),
            partition=(Column("year", "string", nullable=True),),
            location="s3://lake/raw/readings/",
        ),
    ]
    assert catalog.tables("analytics") == []


def test_all_pages_are_read(catalog: GlueCatalog) -> None:
    for number in range(105):
        make(f"t{number:03}")
    assert [table.name for table in catalog.tables("prod_metrics")] == [f"t{number:03}" for number in range(105)]


def test_a_database_that_is_not_there(catalog: GlueCatalog) -> None:
    with pytest.raises(NotFoundError, match="list the tables of gone"):
        catalog.tables("gone")
