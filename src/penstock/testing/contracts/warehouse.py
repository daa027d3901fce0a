"""What every warehouse promises: a run's rows are there as a whole or not at all, and come back as they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from penstock.errors import AlreadyExistsError, QueryError, UsageError, ValidationError
from penstock.ports.warehouse import CsvRows, UpsertCounts
from penstock.testing.contracts.warehouse_people import (
    AT,
    FULL,
    WAREHOUSE,
    Address,
    Person,
    StopError,
    Visit,
    WarehouseUnderTest,
)


def _encoded(value: object) -> object:
    """Returns a value as an engine may encode it."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    if isinstance(value, list):
        return msgspec.json.encode(value).decode()
    return value.isoformat() if isinstance(value, date) else value


class WarehouseContract:
    """Subclass it with a ``subject`` fixture."""

    @pytest.fixture
    def subject(self) -> WarehouseUnderTest:
        raise NotImplementedError("give the warehouse under test")

    # -- values -----------------------------------------------------------------------------------

    def test_every_value_comes_back_as_it_was(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", FULL)
        (found,) = subject.store.query(WAREHOUSE, "SELECT * FROM people").records()
        assert list(found) == [field.name for field in msgspec.structs.fields(Person)]
        assert found == {**msgspec.structs.asdict(FULL), "address": {"city": "Köln", "lines": ["1", "2"]}}
        assert found["seen_at"].utcoffset() == timedelta(0)
        assert isinstance(found["active"], bool)

    def test_what_is_absent_is_absent_and_empty_text_is_empty(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", Person(name="a"), Person(name="b", notes=""))
        assert subject.ask("SELECT name FROM people WHERE notes IS NULL") == [("a",)]
        assert subject.ask("SELECT name, notes FROM people WHERE notes = ''") == [("b", "")]
        columns = "age, weight, balance, exact, seen_at, born, photo, address"
        assert subject.ask(f"SELECT {columns} FROM people WHERE name = 'a'") == [(None,) * 8]

    @pytest.mark.parametrize(
        "given",
        [
            datetime(2026, 2, 20, 7, 57, 0, 123456),  # noqa: DTZ001 - without an offset it is UTC
            datetime(2026, 2, 20, 9, 57, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
        ],
    )
    def test_times_are_kept_in_utc(self, subject: WarehouseUnderTest, given: datetime) -> None:
        subject.run("r1", Person(name="a", seen_at=given))
        assert subject.ask("SELECT seen_at FROM people") == [(AT,)]

    def test_decimals_keep_their_scale_and_can_be_compared(self, subject: WarehouseUnderTest) -> None:
        amounts = ["9.5", "10", "0", "-3.25", "0.1"]
        subject.run("r1", *(Person(name=one, balance=Decimal(one)) for one in amounts))
        found = subject.ask("SELECT balance FROM people ORDER BY balance")
        assert [str(row[0]) for row in found] == ["-3.25", "0.00", "0.10", "9.50", "10.00"]
        assert set(subject.ask("SELECT name FROM people WHERE balance > 9")) == {("10",), ("9.5",)}

    def test_text_is_told_apart_by_case_and_by_spaces_at_its_end(self, subject: WarehouseUnderTest) -> None:
        names = ["a", "A", "a ", "ä", "a\u0308"]
        subject.run("r1", *(Person(name=name) for name in names))
        assert sorted(subject.names()) == sorted(names)
        assert subject.ask("SELECT name FROM people WHERE name = :name", name="a ") == [("a ",)]

    def test_a_field_of_a_megabyte_is_kept_whole(self, subject: WarehouseUnderTest) -> None:
        text = "\u00e9\\\t'" * 250_000
        subject.run("r1", Person(name="a", notes=text))
        assert subject.ask("SELECT notes FROM people") == [(text,)]

    def test_a_row_can_be_a_tuple_and_rows_can_come_in_batches(self, subject: WarehouseUnderTest) -> None:
        with subject.store.transaction(WAREHOUSE, "r1") as tables:
            counts = tables.upsert("visits", iter([[("a", 1, "x"), ("a", 2, "y")], Visit(name="b", number=1)]))
            tables.finish(counts={})
        assert counts == UpsertCounts(inserted=3)
        assert subject.ask("SELECT name, number, reason FROM visits ORDER BY name, number") == [
            ("a", 1, "x"), ("a", 2, "y"), ("b", 1, ""),
        ]  # fmt: skip

    def test_rows_can_be_in_a_file(self, subject: WarehouseUnderTest, tmp_path: Path) -> None:
        path = tmp_path / "people.csv"
        path.write_text(
            '"a","here","say ""hi"",\n\\N",7,0.5,12.50,1.000000001,2026-02-20 07:57:00.123456+00,1970-01-01,true,'
            ',"[""x""]",,"{""fit"":1.5}"\n"b","",,,,,,,,false,,"[]","{""city"":""K"",""lines"":[]}","{}"\n',
            encoding="utf-8",
        )
        rows = [
            Person(
                name="a", notes='say "hi",\n\\N', age=7, weight=0.5, balance=Decimal("12.50"),
                exact=Decimal("1.000000001"), seen_at=AT, born=date(1970, 1, 1), tags=["x"], scores={"fit": 1.5},
            ),
            Person(name="b", place="", active=False, address=Address(city="K")),
        ]  # fmt: skip
        for run_id, counts in (("r1", UpsertCounts(inserted=2)), ("r2", UpsertCounts(unchanged=2))):
            with subject.store.transaction(WAREHOUSE, run_id) as tables:
                assert tables.upsert("people", CsvRows([path], iter(rows))) == counts
                tables.finish(counts={})
        assert subject.run("r3", *rows) == UpsertCounts(unchanged=2)
        encoded = [tuple(map(_encoded, msgspec.structs.astuple(row))) for row in rows]
        with subject.store.transaction(WAREHOUSE, "r4") as tables:
            counts = tables.upsert("people", CsvRows(iter([path]), iter(encoded), encoded=True))
            assert counts == UpsertCounts(unchanged=2)
            tables.finish(counts={})

    @pytest.mark.parametrize(
        ("person", "column"),
        [
            (Person(name="a", notes="x\0y"), "notes"),
            (Person(name="a", notes="\ud800"), "notes"),
            (Person(name="a", tags=["x\0y"]), "tags"),
            (Person(name="a" * 256), "name"),
            (Person(name="a", age=2**63), "age"),
            (Person(name="a", weight=float("nan")), "weight"),
            (Person(name="a", balance=Decimal("0.001")), "balance"),
            (Person(name="a", balance=Decimal(10**16)), "balance"),
            (Person(name="a", balance=Decimal("NaN")), "balance"),
            (Person(name="a", seen_at=datetime(999, 1, 1, tzinfo=UTC)), "seen_at"),
            (Person(name="a", seen_at=datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))), "seen_at"),
            (Person(name="a", place=None), "place"),  # type: ignore[arg-type]
            (Person(name="a", age="7"), "age"),  # type: ignore[arg-type]
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_value_that_cannot_be_kept_is_named(
        self, subject: WarehouseUnderTest, person: Person, column: str
    ) -> None:
        with pytest.raises(ValidationError, match=column) as raised:
            subject.run("r1", Person(name="good"), person)
        assert raised.value.data["table"] == "people"
        assert raised.value.data["column"] == column
        assert raised.value.hint
        assert subject.names() == []

    # -- upserts ----------------------------------------------------------------------------------

    def test_an_upsert_tells_what_became_of_the_rows(self, subject: WarehouseUnderTest) -> None:
        assert subject.run("r1") == UpsertCounts()
        assert subject.run("r2", *(Person(name=name) for name in "abc")) == UpsertCounts(inserted=3)
        people = [Person(name="a"), Person(name="b", notes="new"), Person(name="d"), Person(name="c", tags=["t"])]
        assert subject.run("r3", *people) == UpsertCounts(inserted=1, updated=2, unchanged=1)
        assert subject.ask("SELECT name, notes FROM people ORDER BY name") == [
            ("a", None), ("b", "new"), ("c", None), ("d", None),
        ]  # fmt: skip

    def test_a_row_with_every_value_is_unchanged_when_it_comes_again(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", FULL, Person(name="empty"))
        assert subject.run("r2", FULL, Person(name="empty")) == UpsertCounts(unchanged=2)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (Person(name="a", notes=None), Person(name="a", notes="")),
            (Person(name="a", notes="x"), Person(name="a", notes=None)),
            (Person(name="a", notes="x"), Person(name="a", notes="X")),
            (Person(name="a", notes="x"), Person(name="a", notes="x ")),
            (Person(name="a", seen_at=AT), Person(name="a", seen_at=AT + timedelta(microseconds=1))),
            (Person(name="a", active=True), Person(name="a", active=False)),
            (Person(name="a", exact=Decimal("1")), Person(name="a", exact=Decimal("1.000000001"))),
            (Person(name="a", tags=["x", "y"]), Person(name="a", tags=["y", "x"])),
        ],
    )
    def test_the_least_change_is_a_change(self, subject: WarehouseUnderTest, before: Person, after: Person) -> None:
        subject.run("r1", before)
        assert subject.run("r2", after) == UpsertCounts(updated=1)
        assert subject.run("r3", after) == UpsertCounts(unchanged=1)

    def test_columns_can_be_kept_as_they_are(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", Person(name="a", notes="first", age=1))
        with subject.store.transaction(WAREHOUSE, "r2") as tables:
            people = [Person(name="a", notes="second", age=2), Person(name="b", notes="new")]
            assert tables.upsert("people", people, keep=["notes"]) == UpsertCounts(inserted=1, updated=1)
            tables.finish(counts={})
        assert subject.ask("SELECT name, notes, age FROM people ORDER BY name") == [
            ("a", "first", 2), ("b", "new", None),
        ]  # fmt: skip
        with subject.store.transaction(WAREHOUSE, "r3") as tables, pytest.raises(UsageError, match="name"):
            tables.upsert("people", [], keep=["name"])

    @pytest.mark.parametrize("before", [(), (Person(name="other"),)])
    def test_two_rows_with_one_key_are_refused(self, subject: WarehouseUnderTest, before: tuple[Person, ...]) -> None:
        subject.run("r1", *before)
        with pytest.raises(ValidationError, match="one key") as raised:
            subject.run("r2", Person(name="a"), Person(name="a", notes="again"))
        assert raised.value.data["table"] == "people"
        assert subject.count("people") == len(before)

    def test_a_table_can_be_written_twice_in_a_run(self, subject: WarehouseUnderTest) -> None:
        with subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("people", [Person(name="a")])
            assert tables.upsert("people", [Person(name="a"), Person(name="b")]) == UpsertCounts(1, 0, 1)
            assert tables.insert("visits", [Visit(name="a", number=1)]) == 1
            assert tables.insert("visits", [Visit(name="a", number=2)]) == 1
            tables.finish(counts={})
        assert (subject.count("people"), subject.count("visits")) == (2, 2)

    def test_an_insert_of_what_is_there_is_refused(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", visits=(Visit(name="a", number=1),))
        with pytest.raises(AlreadyExistsError), subject.store.transaction(WAREHOUSE, "r2") as tables:
            tables.insert("visits", [Visit(name="a", number=2), Visit(name="a", number=1)])
        assert subject.count("visits") == 1

    def test_many_batches_are_one_upsert(self, subject: WarehouseUnderTest) -> None:
        first = [Visit(name="a", number=number) for number in range(12_000)]
        with subject.store.transaction(WAREHOUSE, "r1") as tables:
            assert tables.upsert("visits", first) == UpsertCounts(inserted=12_000)
            tables.finish(counts={})
        second = (Visit(name="a", number=number, reason="x" * (number % 2)) for number in range(6_000, 18_000))
        with subject.store.transaction(WAREHOUSE, "r2") as tables:
            assert tables.upsert("visits", second) == UpsertCounts(6_000, 3_000, 3_000)
            tables.finish(counts={})
        assert subject.count("visits") == 18_000

    # -- runs -------------------------------------------------------------------------------------

    def test_a_run_is_done_once(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", Person(name="a"))
        with subject.reopened().transaction(WAREHOUSE, "r1") as tables:
            assert tables.done
            assert tables.run == {"run_id": "r1", "counts": {"people": 1}}
            with pytest.raises(UsageError, match="done"):
                tables.upsert("people", [Person(name="b")])
        with subject.store.transaction(WAREHOUSE, "r2") as tables:
            assert not tables.done
            assert tables.run is None
        assert subject.names() == ["a"]

    def test_an_error_in_the_block_leaves_nothing(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", Person(name="a"))
        with pytest.raises(StopError), subject.store.transaction(WAREHOUSE, "r2") as tables:
            tables.upsert("people", [Person(name="a", notes="changed"), Person(name="b")])
            tables.finish(counts={})
            raise StopError
        assert subject.ask("SELECT name, notes FROM people") == [("a", None)]
        assert subject.count("pipeline_runs") == 1

    def test_an_error_in_the_rows_leaves_nothing(self, subject: WarehouseUnderTest) -> None:
        def rows() -> Iterator[Visit]:
            for number in range(7_000):
                yield Visit(name="a", number=number)
            raise StopError

        with pytest.raises(StopError), subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("visits", rows())
        assert subject.count("visits") == 0

    def test_a_run_that_is_not_finished_leaves_nothing(self, subject: WarehouseUnderTest) -> None:
        with pytest.raises(UsageError, match="not its own"), subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("people", [Person(name="a")])
        assert subject.names() == []

    def test_a_block_that_goes_on_after_an_error_leaves_nothing(self, subject: WarehouseUnderTest) -> None:
        with pytest.raises(UsageError, match="failed"), subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("people", [Person(name="a")])
            with pytest.raises(ValidationError):
                tables.upsert("people", [Person(name="b"), Person(name="b")])
            with pytest.raises(UsageError, match="ended"):
                tables.finish(counts={})
        assert subject.names() == []

    def test_a_runs_own_row_is_of_that_run(self, subject: WarehouseUnderTest) -> None:
        record = WAREHOUSE.relations["pipeline_runs"].record
        with pytest.raises(UsageError, match="another run"), subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.finish(record(run_id="r2"))
        with pytest.raises(UsageError, match="counts"), subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.finish(counts="many")
        assert subject.count("pipeline_runs") == 0

    def test_a_transaction_waits_for_the_other_and_sees_what_it_did(self, subject: WarehouseUnderTest) -> None:
        order: list[str] = []

        def second() -> None:
            with subject.reopened().transaction(WAREHOUSE, "r1", timeout_seconds=30) as tables:
                order.append("second begins")
                found.append((tables.done, tables.query("SELECT COUNT(*) FROM people").rows[0][0]))

        found: list[tuple[bool, int]] = []
        other = threading.Thread(target=second)
        with subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("people", [Person(name="a")])
            other.start()
            other.join(0.5)
            tables.finish(counts={})
            order.append("first ends")
        other.join(30)
        assert order == ["first ends", "second begins"]
        assert found == [(True, 1)]

    def test_what_is_not_committed_is_seen_by_nobody_else(self, subject: WarehouseUnderTest) -> None:
        with subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("people", [Person(name="a")])
            assert tables.query("SELECT name FROM people WHERE name = :name", {"name": "a"}).rows == [("a",)]
            assert subject.names() == []
            tables.finish(counts={})
        assert subject.names() == ["a"]

    def test_there_is_no_table_but_those_declared(self, subject: WarehouseUnderTest) -> None:
        with pytest.raises(UsageError, match="persons"), subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("persons", [])
        with pytest.raises(UsageError, match="Person"), subject.store.transaction(WAREHOUSE, "r1") as tables:
            tables.upsert("people", [Visit(name="a", number=1)])

    # -- queries ----------------------------------------------------------------------------------

    def test_a_query_has_parameters_and_a_view_has_the_types_of_its_tables(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", Person(name="a", place="x", seen_at=AT), Person(name="b", place="x"), Person(name="c"))
        found = subject.store.query(WAREHOUSE, "SELECT * FROM v_places WHERE place = :place", {"place": "x"})
        assert found.columns == ("place", "people", "seen_at")
        assert found.rows == [("x", 2, AT)]

    def test_sums_of_whole_numbers_are_whole_numbers(self, subject: WarehouseUnderTest) -> None:
        subject.run("r1", Person(name="a", age=1, weight=0.5), Person(name="b", age=2, weight=0.25))
        (row,) = subject.ask("SELECT SUM(age), COUNT(*), SUM(weight) FROM people")
        assert row == (3, 2, 0.75)
        assert isinstance(row[0], int)

    @pytest.mark.parametrize(
        "sql",
        [
            "DELETE FROM people", "INSERT INTO visits (name, number, reason) VALUES ('a', 1, '')", "DROP TABLE people",
            "SELEC 1", "SELECT nothing FROM people", "SELECT * FROM nowhere",
        ],
    )  # fmt: skip
    def test_a_query_that_is_no_reading_is_refused(self, subject: WarehouseUnderTest, sql: str) -> None:
        subject.run("r1", Person(name="a"))
        with pytest.raises(QueryError):
            subject.ask(sql)
        assert (subject.names(), subject.count("visits")) == (["a"], 0)

    # -- the schema -------------------------------------------------------------------------------

    def test_the_tables_are_as_declared(self, subject: WarehouseUnderTest) -> None:
        standing = subject.schema.standing(WAREHOUSE, compare=True)
        assert standing.is_current
        assert standing.differences == ()
        assert subject.schema.upgrade(WAREHOUSE) == []
