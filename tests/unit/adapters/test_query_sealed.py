"""Queries over what is sealed and what is not yet: every record once, whatever goes on meanwhile."""

import datetime
import os
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from tests.readings import DAY, TABLE, Reading, ask, engine, seal, write

from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.query_snapshot import pin_folder
from penstock.model.datasets import LakeTable

# --- sealed and raw


def test_sealed_and_raw_are_one_table(lake: Path) -> None:
    seal(lake, "07")
    assert ask(lake) == [1, 2, 3, 4]
    write(lake, "07", "late", 5)
    assert ask(lake) == [1, 2, 3, 4, 5]
    seal(lake, "07")
    assert ask(lake) == [1, 2, 3, 4, 5]


def test_sealed_rows_stay_when_the_raw_objects_are_gone(lake: Path) -> None:
    seal(lake, "07")
    for path in (lake / f"raw/readings/{DAY}/hour=07").iterdir():
        path.unlink()
    assert ask(lake) == [1, 2, 3, 4]


def test_a_damaged_sealed_file_gives_way_to_the_raw_objects(lake: Path) -> None:
    seal(lake, "07")
    (lake / f"sealed/readings/{DAY}/hour=07/readings.parquet").write_bytes(b"PAR1 no more PAR1")
    found = engine(lake).run("SELECT sum(value) FROM readings", tables=[TABLE])
    assert (found.rows, found.unreadable_files) == ([(10,)], 1)


def test_a_link_to_a_sealed_file_is_not_followed(lake: Path) -> None:
    seal(lake, "07")
    sealed = lake / f"sealed/readings/{DAY}/hour=07/readings.parquet"
    aside = lake.parent / "aside.parquet"
    sealed.rename(aside)
    sealed.symlink_to(aside)
    (lake / f"raw/readings/{DAY}/hour=07/a.json").unlink()
    assert ask(lake) == [3, 4]


def test_columns_that_came_later_are_null_in_older_files(lake: Path) -> None:
    seal(lake, "07")

    class Wider(msgspec.Struct):
        value: float
        room: str = ""
        taken_at: datetime.datetime | None = None
        tags: dict[str, str] | None = None

    found = engine(lake).run(
        "SELECT value, tags, hour FROM readings ORDER BY value", tables=[LakeTable(name="readings", record=Wider)]
    )
    assert found.rows == [(1.0, None, "07"), (2.0, None, "07"), (3.0, None, "07"), (4.0, None, "08")]


def test_what_was_noted_as_sealed_is_looked_at_again_when_something_comes(lake: Path) -> None:
    seal(lake, "07")
    seal(lake, "08")
    for folder in ("raw", "sealed"):
        for path in [*(lake / folder).rglob("*")]:
            os.utime(path)
    time.sleep(2.1)
    assert ask(lake) == [1, 2, 3, 4]
    assert list((lake / ".penstock-sealed").iterdir())
    assert ask(lake) == [1, 2, 3, 4]
    write(lake, "07", "late", 5)
    assert ask(lake) == [1, 2, 3, 4, 5]
    seal(lake, "07")
    assert ask(lake) == [1, 2, 3, 4, 5]


def test_an_offset_from_utc_counts(lake: Path) -> None:
    write(lake, "09", "zoned", 9, taken_at="2026-02-20T07:57:00+02:00")
    sql = "SELECT CAST(taken_at AS VARCHAR) FROM readings WHERE value = 9"
    assert ask(lake, sql) == ["2026-02-20 05:57:00"]
    seal(lake, "09")
    assert ask(lake, sql) == ["2026-02-20 05:57:00"]


def test_a_crawlers_name_is_the_table_too(lake: Path) -> None:
    seal(lake, "07")
    assert ask(lake, "SELECT sum(value) FROM raw_readings") == [10]
    assert ask(lake, "SELECT count(*) FROM raw_readings a JOIN readings b ON a.value = b.value") == [4]
    assert set(engine(lake).describe([TABLE])) == {"readings", "readings_quarantine"}
    declared = LakeTable(name="raw_readings", record=Reading)
    assert engine(lake).run("SELECT * FROM raw_readings", tables=[TABLE, declared]).rows == []


def test_a_cte_may_have_the_name_of_its_table(lake: Path) -> None:
    assert ask(lake, "WITH readings AS (SELECT * FROM readings WHERE value > 2) SELECT sum(value) FROM readings") == [7]


def test_other_formats_are_read(lake: Path) -> None:
    import gzip

    folder = lake / f"raw/readings/{DAY}/hour=10"
    folder.mkdir()
    (folder / "a.json.gz").write_bytes(gzip.compress(b'{"value": 10}\n'))
    (folder / "b.json.gz").write_bytes(gzip.compress(b'[{"value": 11}]'))
    (folder / "c.csv").write_text("room,value\nattic,12\nattic,none\n")
    (folder / "d.ndjson").write_text('{"value": 13}\n')
    duckdb.sql("SELECT 14 AS value, 'x' AS other").write_parquet(str(folder / "e.parquet"))
    assert ask(lake, "SELECT value FROM readings WHERE hour = '10' ORDER BY value") == [10, 11, 12, 13, 14]


def test_an_offset_from_utc_counts_in_csv_too(lake: Path) -> None:
    folder = lake / f"raw/readings/{DAY}/hour=11"
    folder.mkdir()
    (folder / "c.csv").write_text('value,room,taken_at\n12,"a, b",2026-02-20T07:57:00+02:00\n')
    (folder / "d.csv").write_text('value,room,taken_at\n14,x,\n13,"never closed,\n')
    assert ask(lake, "SELECT room FROM readings WHERE value = 12") == ["a, b"]
    sql = "SELECT CAST(taken_at AS VARCHAR) FROM readings WHERE value = 12"
    assert ask(lake, sql) == ["2026-02-20 05:57:00"]


def test_readers_see_every_record_once_while_it_is_sealed_and_removed(lake: Path) -> None:
    """The sealer and the retention loop, the reader counts: what was written before it began is there, and once."""
    written, stop = [4], threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for number in range(25):
                key = write(lake, "07", f"w{number}", 100 + number)
                written[0] += 1
                seal(lake, "07")
                (lake / key).unlink()
        except BaseException as error:
            failed.append(error)
        finally:
            stop.set()

    thread = threading.Thread(target=work)
    thread.start()
    asked = engine(lake)
    sql = "SELECT count(*), count(DISTINCT value) FROM readings"
    while not stop.is_set():
        before = written[0]
        ((count, distinct),) = asked.run(sql, tables=[TABLE]).rows
        assert count == distinct
        assert before <= count <= written[0] + 1
    thread.join()
    assert not failed
    assert ask(lake, sql) == [29]
    assert not list(lake.glob(".penstock-query-*"))


# --- folders of links


def test_a_query_whose_files_change_is_asked_again_over_links(lake: Path) -> None:
    seal(lake, "07")
    seen: list[str | None] = []

    class Replaced(DuckDbQueryEngine):
        """The sealed file is replaced between the moment it is found and the moment it is read, each time."""

        def _take(self, *arguments: Any) -> Any:
            held = super()._take(*arguments)
            pins = arguments[3]
            seen.append(None if pins is None else pins.name)
            write(lake, "07", f"late{len(seen)}", 100 + len(seen))
            seal(lake, "07")
            return held

    found = Replaced(lake, threads=1).run("SELECT value FROM readings ORDER BY value", tables=[TABLE])
    # The second attempt sees what the first one's sealing left, and none of what came after.
    assert [row[0] for row in found.rows] == [1, 2, 3, 4, 101]
    assert len(seen) == 2
    assert (seen[0], str(seen[1]).startswith(".penstock-query-")) == (None, True)
    assert not list(lake.glob(".penstock-query-*"))


def test_links_of_a_query_that_died_are_removed_by_the_next(lake: Path) -> None:
    dead = lake / ".penstock-query-dead"
    dead.mkdir()
    (dead / "x").touch()
    with pin_folder(lake):
        assert not dead.exists()
        with pin_folder(lake):
            assert len(list(lake.glob(".penstock-query-*"))) == 2
