"""Exports read back with libraries that know nothing of Penstock: pyarrow, pyiceberg and DuckDB itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from penstock.adapters.local.export_folder import ParquetFolder
from penstock.adapters.local.iceberg import IcebergFolder
from penstock.errors import NotFoundError, PenstockError, QueryError, UsageError
from penstock.ports.export import Exported, ExportedFile

pytest.importorskip("pyiceberg")
pytestmark = pytest.mark.filterwarnings("default")  # pyiceberg's own

ROW = "i AS id, i * 1.5::DOUBLE AS value, {'a': i} AS part, MAP {'k': [i]} AS bag, 1.25::DECIMAL(12,2) AS price"
COLUMNS = ("id", "value", "part", "bag", "price")


class Lake:
    """Sealed files of one table, ``readings``, and the exports of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lake"
        self.out = folder / "out"

    def seal(self, hour: int, rows: int, select: str = ROW) -> str:
        key = f"sealed/readings/year=2026/month=02/day=20/hour={hour:02}/readings.parquet"
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        write(f"SELECT {select} FROM range({rows}) AS made(i)", path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
        return key

    def export(
        self, kind: type[ParquetFolder], hours: dict[int, str], version: str = "v1", *, copy: bool = False
    ) -> Exported:
        target = kind(self.out, lake=self.folder, table="readings", copy=copy)
        files = []
        for hour, key in hours.items():
            partition = {"year": "2026", "month": "02", "day": "20", "hour": f"{hour:02}"}
            name = "/".join(f"{column}={value}" for column, value in partition.items())
            files.append(ExportedFile(f"{name}/readings-{version}.parquet", partition))
            assert target.take(key, files[-1].name)
        return target.finish("readings", files, COLUMNS)


def write(sql: str, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def test_a_parquet_export_shares_its_bytes_with_the_lake(lake: Lake) -> None:
    key = lake.seal(7, 3)
    exported = lake.export(ParquetFolder, {7: key})
    assert (exported.rows, exported.files, exported.linked, exported.copied) == (3, 1, 1, 0)
    (file,) = lake.out.rglob("*.parquet")
    assert file.stat().st_ino == (lake.folder / key).stat().st_ino


def test_a_parquet_export_is_read_with_its_partition_columns(lake: Lake) -> None:
    lake.export(ParquetFolder, {6: lake.seal(6, 2), 7: lake.seal(7, 3)})
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT hour, count(*), sum(id) FROM read_parquet('{lake.out}/**/*.parquet', hive_partitioning=true,"
            " hive_types={'hour': 'VARCHAR'}) GROUP BY hour ORDER BY hour"
        ).fetchall()
    assert found == [("06", 2, 1), ("07", 3, 3)]


def test_an_export_keeps_what_the_lake_replaces_or_deletes(lake: Lake) -> None:
    key = lake.seal(7, 3)
    lake.export(ParquetFolder, {7: key})
    lake.seal(7, 9)
    shutil.rmtree(lake.folder)
    (file,) = lake.out.rglob("*.parquet")
    assert duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchall() == [(3,)]


def test_exporting_again_leaves_no_row_twice(lake: Lake) -> None:
    lake.export(ParquetFolder, {6: lake.seal(6, 2), 7: lake.seal(7, 3)})
    exported = lake.export(ParquetFolder, {7: lake.seal(7, 4)}, "v2")
    assert exported.rows == 4
    assert [path.name for path in lake.out.rglob("*.parquet")] == ["readings-v2.parquet"]
    assert not (lake.out / "year=2026/month=02/day=20/hour=06").exists()


def test_what_has_not_changed_is_kept(lake: Lake) -> None:
    key = lake.seal(7, 3)
    lake.export(ParquetFolder, {7: key})
    exported = lake.export(ParquetFolder, {7: key})
    assert (exported.kept, exported.linked, exported.rows) == (1, 0, 3)


def test_a_copy_is_a_file_of_its_own(lake: Lake) -> None:
    key = lake.seal(7, 3)
    exported = lake.export(ParquetFolder, {7: key}, copy=True)
    (file,) = lake.out.rglob("*.parquet")
    assert (exported.linked, exported.copied) == (0, 1)
    assert file.stat().st_ino != (lake.folder / key).stat().st_ino
    assert file.read_bytes() == (lake.folder / key).read_bytes()


def test_a_file_that_is_gone_is_told(lake: Lake) -> None:
    lake.folder.mkdir()
    target = ParquetFolder(lake.out, lake=lake.folder, table="readings")
    assert not target.take("sealed/readings/none.parquet", "x.parquet")


def test_a_file_that_fails_leaves_nothing(lake: Lake) -> None:
    target = ParquetFolder(lake.out, lake=lake.folder, table="readings")

    def half(path: Path) -> None:
        path.write_bytes(b"PAR1")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        target.write("a.parquet", half)
    assert [path.name for path in lake.out.iterdir()] == ["penstock-export.json"]


@pytest.mark.parametrize("kind", [ParquetFolder, IcebergFolder])
def test_a_folder_of_somebody_else_is_not_touched(lake: Lake, kind: type[ParquetFolder]) -> None:
    lake.out.mkdir()
    (lake.out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        kind(lake.out, lake=lake.folder, table="readings")
    assert [path.name for path in lake.out.iterdir()] == ["mine.txt"]


def test_a_folder_belongs_to_one_table_in_one_format(lake: Lake) -> None:
    ParquetFolder(lake.out, lake=lake.folder, table="readings")
    with pytest.raises(UsageError, match="holds readings as parquet"):
        ParquetFolder(lake.out, lake=lake.folder, table="other")
    with pytest.raises(UsageError, match="holds readings as parquet"):
        IcebergFolder(lake.out, lake=lake.folder, table="readings")


def test_nothing_is_exported_into_the_lake(lake: Lake) -> None:
    with pytest.raises(UsageError, match="within the lake"):
        ParquetFolder(lake.folder / "raw/x", lake=lake.folder, table="readings")


def table(exported: Exported) -> object:
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(exported.location)


def rows(exported: Exported, where: str = "True") -> list[dict[str, object]]:
    from pyiceberg.expressions import AlwaysTrue

    found = table(exported).scan(row_filter=AlwaysTrue() if where == "True" else where)  # type: ignore[attr-defined]
    return sorted(found.to_arrow().to_pylist(), key=lambda row: (row["hour"], row["id"]))


def test_iceberg_reads_every_row_and_column(lake: Lake) -> None:
    exported = lake.export(IcebergFolder, {6: lake.seal(6, 1), 7: lake.seal(7, 2)})
    assert exported.rows == 3
    found = rows(exported)
    assert [(row["hour"], row["id"]) for row in found] == [("06", 0), ("07", 0), ("07", 1)]
    last = found[-1]
    assert last["value"] == 1.5
    assert last["part"] == {"a": 1}
    assert last["bag"] == [("k", [1])]
    assert str(last["price"]) == "1.25"
    assert (last["year"], last["month"], last["day"]) == ("2026", "02", "20")


def test_iceberg_copies_nothing(lake: Lake) -> None:
    key = lake.seal(7, 3)
    exported = lake.export(IcebergFolder, {7: key})
    assert exported.linked == 1
    (file,) = lake.out.rglob("*.parquet")
    assert file.stat().st_ino == (lake.folder / key).stat().st_ino


def test_iceberg_prunes_by_the_partition_columns(lake: Lake) -> None:
    exported = lake.export(IcebergFolder, {6: lake.seal(6, 1), 7: lake.seal(7, 2)})
    planned = list(table(exported).scan(row_filter="hour = '07'").plan_files())  # type: ignore[attr-defined]
    assert [task.file.file_path.rpartition("/hour=")[2][:2] for task in planned] == ["07"]
    assert len(rows(exported, "hour = '07'")) == 2


def test_exporting_to_iceberg_again_makes_a_snapshot_with_what_is_there_now(lake: Lake) -> None:
    first = lake.export(IcebergFolder, {6: lake.seal(6, 1), 7: lake.seal(7, 2)})
    second = lake.export(IcebergFolder, {7: lake.seal(7, 5)}, "v2")
    assert [row["id"] for row in rows(second)] == [0, 1, 2, 3, 4]
    assert len(rows(first)) == 3


def test_an_export_without_news_makes_no_snapshot(lake: Lake) -> None:
    key = lake.seal(7, 2)
    first = lake.export(IcebergFolder, {7: key})
    second = lake.export(IcebergFolder, {7: key})
    assert first.location == second.location


def test_a_column_that_came_later_is_null_in_older_files(lake: Lake) -> None:
    old = lake.seal(6, 1, "i AS id")
    exported = lake.export(IcebergFolder, {6: old, 7: lake.seal(7, 1)})
    assert [(row["id"], row["value"]) for row in rows(exported)] == [(0, None), (0, 0.0)]
    names = [field.name for field in table(exported).schema().fields]  # type: ignore[attr-defined]
    assert names == [*COLUMNS, "year", "month", "day", "hour"]


def test_a_column_that_came_between_two_exports_is_added(lake: Lake) -> None:
    old = lake.seal(6, 1, "i AS id")
    lake.export(IcebergFolder, {6: old})
    exported = lake.export(IcebergFolder, {6: old, 7: lake.seal(7, 1)})
    assert [(row["hour"], row["value"]) for row in rows(exported)] == [("06", None), ("07", 0.0)]


def test_a_file_without_nulls_and_one_with_nulls_go_together(lake: Lake) -> None:
    full = lake.seal(6, 1, "1::BIGINT AS id, {'a': 1} AS part, [1] AS items")
    holes = lake.seal(7, 1, "1::BIGINT AS id, NULL::STRUCT(a INTEGER) AS part, [NULL]::INTEGER[] AS items")
    exported = lake.export(IcebergFolder, {6: full, 7: holes})
    assert [(row["part"], row["items"]) for row in rows(exported)] == [({"a": 1}, [1]), (None, [None])]


@pytest.mark.parametrize(
    "value",
    ["i::UBIGINT", "[i::UBIGINT]", "'2026-01-01'::TIMESTAMP_NS", "'{}'::JSON", "INTERVAL 1 DAY"],
)
def test_a_type_that_iceberg_does_not_have_is_refused_with_the_mend(lake: Lake, value: str) -> None:
    key = lake.seal(7, 1, f"{value} AS id")
    with pytest.raises(QueryError, match="Iceberg cannot hold this") as caught:
        lake.export(IcebergFolder, {7: key})
    assert "CAST" in caught.value.hint


def test_a_column_named_like_a_partition_column_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match="'day' is in the files and is a partition column"):
        lake.export(IcebergFolder, {7: lake.seal(7, 1, "i AS id, 5 AS day")})


def test_a_column_whose_type_changed_is_refused_and_the_table_stays_as_it_was(lake: Lake) -> None:
    first = lake.export(IcebergFolder, {7: lake.seal(7, 1, "i AS id")})
    with pytest.raises(QueryError, match="Iceberg cannot hold this") as caught:
        lake.export(IcebergFolder, {7: lake.seal(7, 1, "'a' AS id")}, "v2")
    assert "another folder" in caught.value.hint
    assert [row["id"] for row in rows(first)] == [0]
    assert lake.export(IcebergFolder, {7: lake.seal(7, 2, "i AS id")}, "v3").rows == 2


def test_a_first_export_that_was_refused_leaves_no_table(lake: Lake) -> None:
    text, number = lake.seal(6, 1, "'a' AS id"), lake.seal(7, 1, "i AS id")
    with pytest.raises(QueryError):
        lake.export(IcebergFolder, {6: text, 7: number})
    assert lake.export(IcebergFolder, {7: number}).rows == 1


def test_a_table_that_holds_nothing_cannot_be_an_iceberg_table(lake: Lake) -> None:
    with pytest.raises(NotFoundError):
        lake.export(IcebergFolder, {})


def test_a_folder_that_cannot_be_written_is_told(lake: Lake) -> None:
    lake.out.write_text("a file")
    with pytest.raises(PenstockError, match="cannot export"):
        ParquetFolder(lake.out, lake=lake.folder, table="readings")
