"""A lake from raw objects to its end, as a person goes through it: catalog, sealing, crawl, export, retention."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.main import main

DEFINITION = """
import msgspec
from penstock import Pipeline, days

class Reading(msgspec.Struct):
    id: int
    value: float

shop = Pipeline("shop")
shop.lake("readings", Reading, archive_after=days(1), retain=days({retain}), unique="id")
"""
SEVEN = "year=2026/month=02/day=20/hour=07"
EIGHT = "year=2026/month=02/day=20/hour=08"


class Shell:
    """Types commands in a folder with one pipeline, ``shop``, whose table ``readings`` was filled by hand."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.lake = folder / "home/lake"
        self.lake.mkdir(parents=True, mode=0o700)
        self._capture = capture
        self.keep_for(20_000)

    def keep_for(self, days: int) -> None:
        (self.folder / "shop.py").write_text(DEFINITION.replace("{retain}", str(days)))

    def raw(self, partition: str, name: str, *lines: str) -> Path:
        path = self.lake / "raw/readings" / partition / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def __call__(self, *arguments: str, code: int = 0) -> str:
        self._capture.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*arguments, "-f", "shop.py"])
        printed, errors = self._capture.readouterr()
        assert (left.value.code or 0) == code, printed + errors
        return printed if code == 0 else errors

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def partition(self, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.json("partitions", "readings") if one["partition"] == name]
        return dict(found)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    made = Shell(tmp_path, capfd)
    made.raw(SEVEN, "a", '{"id": 1, "value": 1.5}', '{"id": 2, "value": 2.5}', "no record")
    made.raw(SEVEN, "b", '{"id": 2, "value": 2.5}')
    made.raw(EIGHT, "a", '{"id": 3, "value": 3.5}')
    yield made
    sys.modules.pop("penstock_file_shop", None)


def test_partitions_tell_what_became_of_their_records(shell: Shell) -> None:
    assert shell.partition(SEVEN)["state"] == "raw only"
    assert shell.partition(SEVEN)["rows"] is None
    shell("lake", "seal")
    seven = shell.partition(SEVEN)
    # By hand: four records, one of them no record, one a repetition of an id.
    assert {name: seven[name] for name in ("state", "records", "rows", "quarantined", "duplicates")} == {
        "state": "sealed", "records": 4, "rows": 2, "quarantined": 1, "duplicates": 1,
    }  # fmt: skip
    shell.raw(SEVEN, "late", '{"id": 9, "value": 9.5}')
    late = shell.partition(SEVEN)
    assert (late["state"], late["late_objects"]) == ("late data", 1)
    assert [one["partition"] for one in shell.json("partitions", "readings", "--state", "late data")] == [SEVEN]
    assert [one["partition"] for one in shell.json("partitions", "readings", "-p", EIGHT)] == [EIGHT]
    (table,) = [one for one in shell.json("tables") if one["table"] == "readings"]
    assert table["states"] == {"open": 0, "raw only": 0, "late data": 1, "sealed": 1}
    assert (table["rows"], table["unsealed_objects"], table["newest"]) == (3, 1, EIGHT)


def test_describe_shows_columns_and_layout(shell: Shell) -> None:
    described = shell.json("describe", "readings")
    assert [(one["name"], one["type"]) for one in described["columns"]][:3] == [
        ("id", "bigint"), ("value", "double"), ("year", "string"),
    ]  # fmt: skip
    assert described["unique"] == ["id"]
    assert described["archived_after"] == "1 d"
    assert "did you mean 'readings'" in shell("describe", "reading", code=4)


def test_a_crawl_finds_the_table_that_is_declared(shell: Shell) -> None:
    other = shell.folder / "other/day=1"
    other.mkdir(parents=True)
    (other / "a.csv").write_text("id,name\n1,x\n")
    (other / "b.csv").write_text("id,name\nx,y\n")
    found = shell.json("crawl", "./other")
    assert [(one["name"], one["type"]) for one in found["columns"]] == [("id", "string"), ("name", "string")]
    assert [one["where"] for one in found["problems"]] == ["id"]
    assert [one["name"] for one in found["partition_columns"]] == ["day"]
    declared = shell("crawl", f"raw/readings/{EIGHT}", "--name", "readings", "--python")
    assert "    id: int\n    value: float\n" in declared


def test_what_is_declared_of_files_with_a_year_and_an_hour_loads_and_answers(shell: Shell) -> None:
    other = shell.folder / "other"
    other.mkdir()
    (other / "a.json").write_text('{"id": 1, "year": 1999, "hour": 5}\n{"id": 2, "year": 2001, "hour": 6}\n')
    declared = shell("crawl", "./other", "--name", "events", "--python")
    (shell.folder / "shop.py").write_text(declared)
    target = shell.lake / "raw/events/year=2026/month=02/day=20/a.json"
    target.parent.mkdir(parents=True)
    target.write_text((other / "a.json").read_text())
    rows = shell.json("query", "SELECT id, hour, year FROM events ORDER BY id")
    assert rows == [{"id": 1, "hour": 5, "year": "2026"}, {"id": 2, "hour": 6, "year": "2026"}]


def test_retention_archives_and_expires_what_is_sealed_only(shell: Shell) -> None:
    shell("lake", "seal", "--partition", SEVEN)
    planned = shell.json("lake", "retain", "--dry-run")
    assert [(one["action"], one["partition"], one["done"]) for one in planned] == [
        ("archive", SEVEN, False), ("hold", EIGHT, False),
    ]  # fmt: skip
    assert "not sealed" in planned[1]["reason"]
    assert shell.partition(SEVEN)["raw_objects"] == 2
    done = shell.json("lake", "retain")
    assert [(one["action"], one["done"]) for one in done] == [("archive", True), ("hold", False)]
    archived = shell.partition(SEVEN)
    assert (archived["raw_objects"], archived["archived_objects"], archived["tier"]) == (0, 2, "archive")
    assert shell.json("query", "SELECT sum(value) AS s FROM readings") == [{"s": 7.5}]
    shell("lake", "check")
    assert len(shell.json("lake", "restore", "readings", SEVEN)) == 2
    assert shell.partition(SEVEN)["raw_objects"] == 2
    shell("lake", "check")
    shell.keep_for(2)
    assert [one["action"] for one in shell.json("lake", "retain")] == ["expire", "hold"]
    assert [one["partition"] for one in shell.json("partitions", "readings")] == [EIGHT]
    assert [path for path in shell.lake.rglob("*hour=07*/*") if path.is_file() and path.name[0] != "."] == []


@pytest.mark.filterwarnings("default")  # pyiceberg's own
def test_exports_hold_what_a_query_sees(shell: Shell) -> None:
    pytest.importorskip("pyiceberg")
    from pyiceberg.table import StaticTable

    shell("lake", "seal", "--partition", SEVEN)
    parquet = shell.json("export", "readings", "--parquet", "out/parquet")
    assert (parquet["rows"], parquet["linked"], parquet["written"]) == (3, 1, 1)
    iceberg = shell.json("export", "readings", "--iceberg", "out/iceberg")
    found = StaticTable.from_metadata(iceberg["location"]).scan().to_arrow().to_pylist()
    assert sorted((row["hour"], row["id"], row["value"]) for row in found) == [
        ("07", 1, 1.5), ("07", 2, 2.5), ("08", 3, 3.5),
    ]  # fmt: skip
    shell.raw(EIGHT, "late", '{"id": 4, "value": 4.5}')
    assert shell.json("export", "readings", "--iceberg", "out/iceberg")["rows"] == 4
    sql = "SELECT hour, sum(value) AS total FROM readings GROUP BY hour"
    for total in (8.0, 13.0):
        answer = shell.json("export", sql, "--iceberg", "out/answer")
        rows = StaticTable.from_metadata(answer["location"]).scan().to_arrow().to_pylist()
        assert sorted((row["hour"], row["total"]) for row in rows) == [("07", 4.0), ("08", total)]
        shell.raw(EIGHT, "later", '{"id": 5, "value": 5.0}')
    assert "holds readings as parquet" in shell("export", sql, "--parquet", "out/parquet", code=2)
    assert "no lake table" in shell("export", "readingz", "--parquet", "out/none", code=4)
