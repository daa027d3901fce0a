"""``lake seal``, ``lake check`` and ``quarantine``, as they are typed."""

import time
from pathlib import Path

import pytest
from tests.shipping import Line

PARTITION = "year=2026/month=02/day=20/hour=07"
PIPELINE = """
import msgspec
from penstock import Pipeline

plant = Pipeline("plant")


class Reading(msgspec.Struct):
    name: str
    value: float{default}


readings = plant.lake("readings", Reading, sort="name")
"""
RAW = '{"name": "b", "value": 2}\n{"name": "a", "value": 1}\n{"name": "c"}\n'


@pytest.fixture
def raw(line: Line) -> Path:
    """A raw object of a closed hour; one of its three records does not fit."""
    declare(line, "")
    folder = line.folder / "home" / "lake" / "raw" / "readings" / PARTITION
    folder.mkdir(parents=True)
    (folder / "a.json").write_text(RAW)
    return folder / "a.json"


def declare(line: Line, default: str) -> None:
    """Declares the pipeline, with or without a default for the value."""
    (line.folder / "plant.py").write_text(PIPELINE.replace("{default}", default))


def test_seal_and_check(line: Line, raw: Path) -> None:
    before = line.json("-f", "plant.py", "lake", "check", "readings")
    assert (before["balanced"], before["tables"][0]["unsealed"]) == (True, 1)
    (sealed,) = line.json("-f", "plant.py", "lake", "seal", "readings")
    assert (sealed["partition"], sealed["sealed_now"]) == (PARTITION, True)
    assert [sealed[name] for name in ("records", "good", "quarantined", "duplicates")] == [3, 2, 1, 0]
    (again,) = line.json("-f", "plant.py", "lake", "seal", "readings")
    assert not again["sealed_now"]
    (after,) = line.json("-f", "plant.py", "lake", "check", "readings")["tables"]
    assert [after[name] for name in ("records", "rows", "quarantined", "unsealed")] == [3, 2, 1, 0]
    assert "balanced: raw = sealed + quarantined + duplicates" in line("-f", "plant.py", "lake", "check")


def test_check_fails_when_something_is_missing(line: Line, raw: Path) -> None:
    line("-f", "plant.py", "lake", "seal")
    next((line.folder / "home" / "lake" / "quarantine").rglob("*.json")).unlink()
    told = line("-f", "plant.py", "lake", "check", "--quick", code=1)
    assert "holds 0 records, 1 were quarantined" in told
    assert "balanced" not in told


def test_an_open_partition_is_sealed_when_it_is_named(line: Line, raw: Path) -> None:
    now = time.strftime("year=%Y/month=%m/day=%d/hour=%H", time.gmtime())
    folder = line.folder / "home" / "lake" / "raw" / "readings" / now
    folder.mkdir(parents=True)
    (folder / "new.json").write_text('{"name": "n", "value": 1}\n')
    assert [one["partition"] for one in line.json("-f", "plant.py", "lake", "seal")] == [PARTITION]
    named = line.json("-f", "plant.py", "lake", "seal", "readings", "--partition", now)
    assert [(one["partition"], one["good"]) for one in named] == [(now, 1)]


def test_what_lies_in_quarantine_is_shown_and_put_through_again(line: Line, raw: Path) -> None:
    line("-f", "plant.py", "lake", "seal")
    (listed,) = line.json("-f", "plant.py", "quarantine")
    assert (listed["table"], listed["records"], listed["source"]) == ("readings", 1, f"raw/readings/{PARTITION}/a.json")
    (shown,) = line.json("-f", "plant.py", "quarantine", "show", "readings")
    assert (shown["line"], shown["raw"]) == (3, '{"name": "c"}')
    assert "missing required field" in shown["reason"]
    declare(line, " = 0.0")
    (replayed,) = line.json("-f", "plant.py", "quarantine", "replay", "readings")
    assert (replayed["before"], replayed["after"], replayed["rows"]) == (1, 0, 3)
    assert line.json("-f", "plant.py", "quarantine", "list", "readings") == []
    assert line.json("-f", "plant.py", "lake", "check")["balanced"]


def test_a_table_that_nobody_declares(line: Line, raw: Path) -> None:
    assert "there is no lake table 'reading'" in line("-f", "plant.py", "lake", "seal", "reading", code=4)


def test_a_day_that_is_over_is_put_together_for_queries(line: Line, raw: Path) -> None:
    for hour in ("08", "09"):
        folder = raw.parent.parent / f"hour={hour}"
        folder.mkdir()
        (folder / "a.json").write_text(f'{{"name": "{hour}", "value": 5}}\n')
    days = line.folder / "home" / "cache" / "days"
    line("-f", "plant.py", "lake", "seal", "--partition", "year=2026/month=02")
    assert not days.exists()
    assert "put together for queries: 1 day, " in line("-f", "plant.py", "lake", "seal")
    assert len(list(days.rglob("*.parquet"))) == 1
    assert "put together" not in line("-f", "plant.py", "lake", "seal")
    sql = "SELECT count(*) AS n, sum(value) AS total FROM readings"
    told = line.json("-f", "plant.py", "query", sql, "--explain")
    (scan,) = told["tables"]
    assert (told["files_read"], scan["day_files"], scan["hours_in_days"], scan["sealed_files"]) == (1, 1, 3, 0)
    explained = line("-f", "plant.py", "query", sql, "--explain", "--fresh")
    assert "1 day for 3 hours, 0 sealed, 0 raw" in " ".join(explained.split())
    assert "3 of 3" in explained
    assert line.json("-f", "plant.py", "query", sql) == [{"n": 4, "total": 13.0}]


def test_a_home_can_do_without_days(line: Line, raw: Path) -> None:
    folder = raw.parent.parent / "hour=08"
    folder.mkdir()
    (folder / "a.json").write_text('{"name": "x", "value": 5}\n')
    (line.folder / "home" / "config.toml").write_text("compact = false\n")
    line("-f", "plant.py", "lake", "seal")
    assert not (line.folder / "home" / "cache" / "days").exists()
