"""The hours of a day in one file: the same answers from fewer files, whatever happens to the hours or to the file."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.readings import DAY, TABLE, seal, write

from penstock.adapters.local.compactor import DuckDbCompactor
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.query_answer import open_tables
from penstock.adapters.local.query_gate import Question
from penstock.adapters.local.query_request import Asking, Request
from penstock.adapters.local.query_views import sources
from penstock.errors import HomeError, QueryError
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Compacted
from penstock.ports.query import Result

# 2026-02-21T00:10:00Z: the day is over, and its last hour is closed.
OVER = 1_771_632_000.0 + 600
EVERY_ROW = "SELECT value, room, taken_at, year, month, day, hour FROM readings ORDER BY value"


@pytest.fixture
def sealed(lake: Path) -> Path:
    """Two sealed hours: 1, 2 and 3 of hour 07, 4 of hour 08."""
    seal(lake, "07")
    seal(lake, "08")
    return lake


def folder(lake: Path) -> Path:
    return lake.parent / "days"


def compactor(lake: Path) -> DuckDbCompactor:
    return DuckDbCompactor(lake, folder(lake), threads=1, memory_limit_mb=128)


def compact(lake: Path, table: LakeTable = TABLE, now: float = OVER) -> list[Compacted]:
    return list(compactor(lake).compact(table, now))


def run(lake: Path, sql: str = EVERY_ROW, table: LakeTable = TABLE, **options: Any) -> Result:
    return DuckDbQueryEngine(lake, threads=1, days_folder=folder(lake), **options).run(sql, tables=[table])


def by_hours(lake: Path, sql: str = EVERY_ROW, table: LakeTable = TABLE) -> Result:
    return DuckDbQueryEngine(lake, threads=1).run(sql, tables=[table])


def files(lake: Path) -> list[Path]:
    return [path for path in folder(lake).rglob("*") if path.is_file()]


def days_read(result: Result) -> tuple[int, int, int]:
    """Returns how many files were read of days, for how many hours, and of other hours."""
    (scan,) = result.tables
    return scan.day_files, scan.hours_in_days, scan.sealed_files


def test_a_day_that_is_over_is_read_from_one_file(sealed: Path) -> None:
    (made,) = compact(sealed)
    assert (made.table, made.day, made.hours, made.rows, made.problem) == ("readings", DAY, 2, 4, "")
    found = run(sealed)
    assert days_read(found) == (1, 2, 0)
    assert (found.scanned_files, found.rows, found.columns) == (1, by_hours(sealed).rows, by_hours(sealed).columns)
    assert [row[3:] for row in found.rows] == [("2026", "02", "20", "07")] * 3 + [("2026", "02", "20", "08")]
    assert files(sealed)[0].stat().st_size == made.size_bytes
    assert compact(sealed) == []


def test_a_day_is_left_alone_until_it_is_over_and_closed(sealed: Path) -> None:
    assert compact(sealed, now=OVER - 1) == []
    assert days_read(run(sealed)) == (0, 0, 2)


def test_a_day_with_something_that_is_not_sealed_waits(sealed: Path) -> None:
    write(sealed, "09", "raw", 9)
    assert compact(sealed) == []
    seal(sealed, "09")
    write(sealed, "07", "late", 10)
    assert compact(sealed) == []
    seal(sealed, "07")
    assert [(one.hours, one.rows) for one in compact(sealed)] == [(3, 6)]


def test_one_hour_is_a_day_in_one_file_already(lake: Path) -> None:
    seal(lake, "07")
    shutil.rmtree(lake / f"raw/readings/{DAY}/hour=08")
    assert compact(lake) == []


def test_a_table_of_days_has_nothing_to_put_together(sealed: Path) -> None:
    assert compact(sealed, msgspec.structs.replace(TABLE, partition="day")) == []


def test_late_data_are_read_beside_the_file_and_sealed_into_another(sealed: Path) -> None:
    compact(sealed)
    (old,) = files(sealed)
    write(sealed, "08", "late", 5)
    found = run(sealed)
    assert (days_read(found), [row[0] for row in found.rows]) == ((1, 2, 0), [1, 2, 3, 4, 5])
    seal(sealed, "08")
    found = run(sealed)
    assert (days_read(found), [row[0] for row in found.rows]) == ((0, 0, 2), [1, 2, 3, 4, 5])
    compact(sealed)
    found = run(sealed)
    assert (days_read(found), [row[0] for row in found.rows]) == ((1, 2, 0), [1, 2, 3, 4, 5])
    assert not old.exists()
    assert len(files(sealed)) == 1


@pytest.mark.parametrize(
    ("condition", "read"),
    [("hour = '07'", (0, 0, 1)), ("hour >= '07'", (1, 2, 0)), ("day = '20'", (1, 2, 0)), ("day = '21'", (0, 0, 0)),
     ("hour::INTEGER = 7", (1, 2, 0)), ("hour LIKE '%7' OR value = 4", (1, 2, 0))],
)  # fmt: skip
def test_conditions_on_partitions_hold(sealed: Path, condition: str, read: tuple[int, int, int]) -> None:
    compact(sealed)
    sql = f"SELECT value, hour FROM readings WHERE {condition} ORDER BY value"
    found = run(sealed, sql)
    assert (days_read(found), found.rows) == (read, by_hours(sealed, sql).rows)


def test_an_hour_that_is_gone_is_in_no_answer(sealed: Path) -> None:
    compact(sealed)
    for zone in ("raw", "sealed"):
        shutil.rmtree(sealed / f"{zone}/readings/{DAY}/hour=08")
    found = run(sealed)
    assert (days_read(found), [row[0] for row in found.rows]) == ((0, 0, 1), [1, 2, 3])
    compact(sealed)
    assert files(sealed) == []
    assert list(folder(sealed).iterdir()) == [folder(sealed) / "readings"]


def test_a_day_that_begins_to_expire_is_not_put_together(sealed: Path) -> None:
    compact(sealed)
    (path,) = files(sealed)
    # Hour 00 of the day goes an hour after its beginning and ten days.
    table = msgspec.structs.replace(TABLE, retain_seconds=10 * 86_400)
    midnight = OVER - 600 - 86_400
    path.unlink()
    assert compact(sealed, table, midnight + 10 * 86_400 + 3600) == []
    assert len(compact(sealed, table, midnight + 10 * 86_400 + 3599)) == 1


def test_what_is_forgotten_is_read_from_the_hours(sealed: Path) -> None:
    compact(sealed)
    compactor(sealed).forget("readings", f"{DAY}/hour=07")
    assert files(sealed) == []
    assert days_read(run(sealed)) == (0, 0, 2)


def test_the_answer_that_is_known_stays_known(sealed: Path, tmp_path: Path) -> None:
    cache = tmp_path / "answers"
    first = run(sealed, cache_folder=cache)
    compact(sealed)
    again = run(sealed, cache_folder=cache)
    assert (first.cached, again.cached, again.rows) == (False, True, first.rows)


class Wider(msgspec.Struct):
    value: float
    room: str = ""
    colour: str | None = None


def test_columns_that_came_later_are_null(sealed: Path) -> None:
    compact(sealed)
    table = LakeTable(name="readings", record=Wider, sort=("value",))
    sql = "SELECT value, colour, hour FROM readings ORDER BY value"
    found = run(sealed, sql, table)
    assert days_read(found) == (1, 2, 0)
    assert found.rows == [(1.0, None, "07"), (2.0, None, "07"), (3.0, None, "07"), (4.0, None, "08")]


def test_a_day_whose_columns_changed_is_read_by_hours(sealed: Path) -> None:
    from penstock.adapters.local.objects import FileObjectStore
    from penstock.adapters.local.rows import DuckDbRowReader
    from penstock.adapters.local.sealer import DuckDbSealer
    from penstock.runtime.lake.seal import PartitionSealer

    write(sealed, "09", "new", 9, colour="red")
    table = LakeTable(name="readings", record=Wider, sort=("value",))
    store = FileObjectStore(sealed)
    PartitionSealer(store, DuckDbSealer(sealed, threads=1), DuckDbRowReader()).seal(table, f"{DAY}/hour=09")
    assert compact(sealed, table) == []
    found = run(sealed, "SELECT value, colour FROM readings ORDER BY value", table)
    assert found.rows == [(1.0, None), (2.0, None), (3.0, None), (4.0, None), (9.0, "red")]


def test_another_order_makes_another_file(sealed: Path) -> None:
    compact(sealed)
    table = msgspec.structs.replace(TABLE, sort=("room", "value"))
    assert days_read(run(sealed, table=table)) == (0, 0, 2)
    assert len(compact(sealed, table)) == 1
    assert days_read(run(sealed, table=table)) == (1, 2, 0)


def test_rows_of_a_day_are_in_the_order_of_the_table(lake: Path) -> None:
    write(lake, "08", "more", 2, 0)
    seal(lake, "07")
    seal(lake, "08")
    compact(lake)
    (path,) = files(lake)
    import duckdb

    found = duckdb.execute("SELECT value, hour FROM read_parquet(?, hive_partitioning=false)", [str(path)]).fetchall()
    assert [value for value, _ in found] == [0, 1, 2, 2, 3, 4]
    assert sorted(found) == [(0, "08"), (1, "07"), (2, "07"), (2, "08"), (3, "07"), (4, "08")]


# --- files that are not as they should be


@pytest.mark.parametrize("damage", ["cut", "empty", "spoiled"])
def test_a_damaged_file_is_removed_and_the_hours_answer(sealed: Path, damage: str) -> None:
    compact(sealed)
    (path,) = files(sealed)
    content = path.read_bytes()
    spoiled = {"cut": content[:-20], "empty": b"", "spoiled": b"PAR1" + bytes(len(content) - 8) + b"PAR1"}
    path.write_bytes(spoiled[damage])
    found = run(sealed)
    assert (days_read(found), [row[0] for row in found.rows]) == ((0, 0, 2), [1, 2, 3, 4])
    assert not path.exists()


def test_an_error_that_names_a_file_removes_none_but_those_of_days_that_were_read(sealed: Path) -> None:
    compact(sealed)
    (path,) = files(sealed)
    raw = sealed / f"raw/readings/{DAY}/hour=07/a.json"
    for named in (raw, f"{folder(sealed)}/../lake/raw/readings/{DAY}/hour=07/a.json", f"{folder(sealed)}/a.parquet"):
        with pytest.raises(QueryError):
            run(sealed, f"""SELECT error('no such file: "{named}"') FROM readings""")
    assert raw.exists()
    assert path.exists()


def test_a_link_in_the_place_of_a_file_is_not_followed(sealed: Path) -> None:
    compact(sealed)
    (path,) = files(sealed)
    aside = sealed.parent / "aside.parquet"
    path.rename(aside)
    path.symlink_to(aside)
    assert days_read(run(sealed)) == (0, 0, 2)


def test_a_file_that_goes_while_it_is_asked_for_is_not_missed(sealed: Path) -> None:
    compact(sealed)

    class Removed(DuckDbQueryEngine):
        """The file goes between the moment it is found and the moment it is read."""

        def _take(self, *arguments: Any) -> Any:
            held = super()._take(*arguments)
            shutil.rmtree(folder(sealed))
            folder(sealed).mkdir()
            return held

    found = Removed(sealed, threads=1, days_folder=folder(sealed)).run(EVERY_ROW, tables=[TABLE])
    assert [row[0] for row in found.rows] == [1, 2, 3, 4]


def test_an_hour_that_changes_while_its_day_is_put_together_is_not_in_a_file(sealed: Path) -> None:
    class Changed(DuckDbCompactor):
        """The hour is sealed anew after the day was written."""

        def _keep(self, *arguments: Any) -> Any:
            write(sealed, "07", "late", 5)
            seal(sealed, "07")
            return super()._keep(*arguments)

    assert list(Changed(sealed, folder(sealed), threads=1).compact(TABLE, OVER)) == []
    assert files(sealed) == []
    assert [row[0] for row in run(sealed).rows] == [1, 2, 3, 4, 5]


def test_a_folder_that_cannot_be_written_harms_no_query(sealed: Path) -> None:
    folder(sealed).write_text("in the way")
    with pytest.raises(HomeError, match=r"cannot use .*/days: File exists"):
        compact(sealed)
    assert [row[0] for row in run(sealed).rows] == [1, 2, 3, 4]


def test_the_engine_may_open_the_days_of_the_tables_that_are_asked_and_no_others(sealed: Path) -> None:
    import duckdb

    compact(sealed)
    (path,) = files(sealed)
    other = folder(sealed) / "others" / path.name
    other.parent.mkdir()
    shutil.copy(path, other)
    engine = DuckDbQueryEngine(sealed, days_folder=folder(sealed))
    request = Request(sql="FROM readings", known=sources([TABLE]), tables={TABLE.name: TABLE}, timeout_seconds=60.0)
    question = Question(request.sql, frozenset({"readings"}))
    with contextlib.closing(engine._connect()) as connection:
        open_tables(Asking(connection, request, question, engine._take(connection, request, question, None)))
        assert connection.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchall() == [(4,)]
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"FROM read_parquet('{other}')")


# --- crashes


POINTS = ["compactor.before_check", "compactor.before_rename", "compactor.after_rename", "compactor.after_remove"]


@pytest.mark.parametrize("point", POINTS)
def test_a_compactor_dies_at_a_point(sealed: Path, point: str) -> None:
    compact(sealed)
    write(sealed, "08", "late", 5)
    seal(sealed, "08")
    command = [sys.executable, "-c", f"from {__name__} import compact, Path; compact(Path({str(sealed)!r}))"]
    environment = {**os.environ, "PENSTOCK_FAULT": f"{point}:kill", "PYTHONPATH": os.pathsep.join(sys.path)}
    dead = subprocess.run(command, env=environment, check=False, timeout=60)
    assert dead.returncode == -signal.SIGKILL, f"{point} was not passed"
    assert [row[0] for row in run(sealed).rows] == [1, 2, 3, 4, 5]
    compact(sealed)
    found = run(sealed)
    assert (days_read(found), [row[0] for row in found.rows]) == ((1, 2, 0), [1, 2, 3, 4, 5])
    assert [path.name for path in folder(sealed).iterdir()] == ["readings"]
    assert len(files(sealed)) == 1
