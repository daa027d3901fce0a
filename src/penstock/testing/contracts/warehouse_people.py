"""A warehouse of people, for the suite of what every warehouse promises, and for tests of its failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from penstock.model.schema import Precision
from penstock.model.warehouses import Relation, Warehouse
from penstock.ports.warehouse import UpsertCounts, WarehouseSchema, WarehouseStore

AT = datetime(2026, 2, 20, 7, 57, 0, 123456, tzinfo=UTC)


class Address(msgspec.Struct):
    """Where somebody lives."""

    city: str
    lines: list[str] = []


class Person(msgspec.Struct, kw_only=True):
    """A row with every kind of column."""

    name: str
    place: str = "here"
    notes: str | None = None
    age: int | None = None
    weight: float | None = None
    balance: Annotated[Decimal, Precision(18, 2)] | None = None
    exact: Decimal | None = None
    seen_at: datetime | None = None
    born: date | None = None
    active: bool = True
    photo: bytes | None = None
    tags: list[str] = []
    address: Address | None = None
    scores: dict[str, float] = {}


class Visit(msgspec.Struct, kw_only=True):
    """A row with a key of two columns."""

    name: str
    number: int
    reason: str = ""


WAREHOUSE = Warehouse(
    name="people",
    relations={
        relation.name: relation
        for relation in (
            Relation(name="people", record=Person, key=("name",), indexes=(("place", "age"),)),
            Relation(name="visits", record=Visit, key=("name", "number")),
            Relation(
                name="pipeline_runs",
                record=msgspec.defstruct("Run", [("run_id", str), ("counts", dict[str, int], {})], kw_only=True),
                key=("run_id",),
            ),
        )
    },
    views={"v_places": "SELECT place, COUNT(*) AS people, MAX(seen_at) AS seen_at FROM people GROUP BY place"},
)
FULL = Person(
    name="Zoë \u4f60\U0001f600",
    place=" spaces ",
    notes="tab\tline\r\nback\\slash \\N 'quote' \"double\" %s :name {x} \u202eright\u202c; DROP TABLE people; --",
    age=-(2**63),
    weight=0.1,
    balance=Decimal("-1234567890123456.78"),
    exact=Decimal("12345678901234567890123456789.123456789"),
    seen_at=AT,
    born=date(1970, 1, 1),
    active=False,
    photo=b"\x00\xff\\\n'",
    tags=["a", "", 'b"c', "\u4f60"],
    address=Address(city="Köln", lines=["1", "2"]),
    scores={"fit": 1.5, "none": 0.0},
)


class WarehouseUnderTest(msgspec.Struct, kw_only=True):
    """A warehouse ``people`` whose tables are there and empty.

    Attributes:
        reopened: gives another store of the same database, as another process has it.
    """

    store: WarehouseStore
    schema: WarehouseSchema
    reopened: Callable[[], WarehouseStore]

    def run(self, run_id: str, *people: Any, visits: tuple[Any, ...] = ()) -> UpsertCounts:
        """Writes people, as a whole run."""
        with self.store.transaction(WAREHOUSE, run_id) as tables:
            counts = tables.upsert("people", people)
            tables.upsert("visits", visits)
            tables.finish(counts={"people": len(people)})
        return counts

    def names(self) -> list[str]:
        """Returns the names that are there."""
        return [str(row[0]) for row in self.ask("SELECT name FROM people ORDER BY name")]

    def ask(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Returns the rows of a query."""
        return self.store.query(WAREHOUSE, sql, parameters).rows

    def count(self, table: str) -> int:
        """Returns how many rows a table has."""
        return int(self.ask(f"SELECT COUNT(*) FROM {table}")[0][0])


class StopError(Exception):
    """What ends a block in a test."""
