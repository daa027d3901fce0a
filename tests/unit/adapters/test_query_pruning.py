"""Which partitions a query looks at, and what it tells of them."""

from pathlib import Path

import duckdb
import pytest
from tests.readings import DAY, TABLE, engine, seal

from penstock.adapters.local.query_gate import admit
from penstock.adapters.local.query_pruning import keeps

CONDITIONS = [
    ("SELECT * FROM readings WHERE hour = '07'", {"07"}),
    ("SELECT * FROM readings WHERE '07' < hour", {"08"}),
    ("SELECT * FROM readings WHERE hour IN ('08', '09')", {"08"}),
    ("SELECT * FROM readings WHERE hour = '07' OR value > 1", {"07", "08"}),
    ("SELECT * FROM readings WHERE hour = '07' OR hour = '09'", {"07"}),
    ("SELECT * FROM readings WHERE NOT hour = '07'", {"07", "08"}),
    ("SELECT * FROM readings WHERE hour = $h", {"08"}),
    ("SELECT * FROM readings r WHERE r.hour = '07'", {"07"}),
    ("SELECT * FROM readings WHERE hour::INT = 7", {"07", "08"}),
    ("SELECT * FROM readings WHERE hour = 7", {"07", "08"}),
    ("SELECT * FROM readings a JOIN readings b USING (value) WHERE a.hour = '07' AND b.hour = '07'", {"07"}),
    ("SELECT * FROM readings a JOIN readings b USING (value) WHERE a.hour = '07'", {"07", "08"}),
    ("SELECT * FROM readings POSITIONAL JOIN (SELECT 1 AS one) AS s WHERE readings.hour = '08'", {"07", "08"}),
    ("SELECT (SELECT count(*) FROM readings), * FROM readings WHERE hour = '07'", {"07", "08"}),
    ("SELECT '07' AS hour FROM readings WHERE hour = '08'", {"07", "08"}),
    ("SELECT * FROM readings AS t(hour, a, b, c, d, e, f) WHERE hour = '08'", {"07", "08"}),
    ("SELECT * FROM (SELECT * FROM readings WHERE hour = '08') WHERE value > 0", {"08"}),
    ("SELECT * FROM readings WHERE hour = '07' UNION ALL SELECT * FROM readings WHERE hour = '08'", {"07", "08"}),
    ("SUMMARIZE readings", {"07", "08"}),
    ("SELECT * FROM readings WHERE year < '2026'", set()),
]


@pytest.mark.parametrize(("sql", "hours"), CONDITIONS)
def test_only_what_is_certain_is_left_out(sql: str, hours: set[str]) -> None:
    with duckdb.connect(":memory:") as connection:
        question = admit(connection, sql, ["readings"])
    keep = keeps(question.nodes, question.tables, {"h": "08"})["readings"]
    day = {"year": "2026", "month": "02", "day": "20"}
    assert {hour for hour in ("07", "08") if keep({**day, "hour": hour})} == hours


def test_a_year_that_is_not_wanted_is_never_looked_into(lake: Path) -> None:
    found = engine(lake).run("SELECT * FROM readings WHERE year = '2025'", tables=[TABLE])
    assert (found.tables[0].partitions, found.scanned_files, found.scanned_bytes) == (0, 0, 0)


def test_explain_tells_how_much_there_is(lake: Path) -> None:
    seal(lake, "07")
    found = engine(lake).run("SELECT * FROM readings WHERE hour = '07'", tables=[TABLE], explain=True)
    sizes = sum(path.stat().st_size for path in [
        lake / f"sealed/readings/{DAY}/hour=07/readings.parquet", lake / f"raw/readings/{DAY}/hour=08/c.json"
    ])  # fmt: skip
    (scan,) = found.tables
    assert (scan.partitions, scan.sealed_files, scan.raw_files) == (1, 1, 0)
    assert (scan.all_partitions, scan.all_files, scan.all_bytes) == (2, 2, sizes)
    assert found.scanned_files == 1
