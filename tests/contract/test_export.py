"""Every place for exports behaves alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from penstock.adapters.local.export_folder import ParquetFolder
from penstock.adapters.local.iceberg import IcebergFolder
from penstock.ports.export import Exported
from penstock.testing.contracts.export import ExportTargetContract, ExportWorld


def write(path: Path, rows: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT i AS id FROM range({rows}) AS made(i)) TO '{path}' (FORMAT parquet)")


def make(folder: Path, kind: type[ParquetFolder], read: Any, *, copy: bool = False) -> ExportWorld:
    lake = folder / "lake"

    def put(key: str, rows: int) -> None:
        (lake / key).parent.mkdir(parents=True, exist_ok=True)
        write(lake / "new", rows)
        (lake / "new").replace(lake / key)

    lake.mkdir()
    return ExportWorld(
        open_target=lambda table: kind(folder / "out", lake=lake, table=table, copy=copy),
        put=put,
        remove=lambda key: (lake / key).unlink(),
        write=write,
        read=read,
    )


def read_folder(exported: Exported) -> list[dict[str, Any]]:
    sql = f"SELECT id, day FROM read_parquet('{exported.location}/**/*.parquet', hive_partitioning=true)"
    with duckdb.connect() as connection:
        return [{"id": number, "day": day} for number, day in connection.execute(sql).fetchall()]


def read_iceberg(exported: Exported) -> list[dict[str, Any]]:
    from pyiceberg.table import StaticTable

    found: list[dict[str, Any]] = StaticTable.from_metadata(exported.location).scan().to_arrow().to_pylist()
    return found


class TestParquetFolder(ExportTargetContract):
    @pytest.fixture(params=[False, True], ids=["linked", "copied"])
    def world(self, tmp_path: Path, request: pytest.FixtureRequest) -> ExportWorld:
        return make(tmp_path, ParquetFolder, read_folder, copy=request.param)


@pytest.mark.filterwarnings("default")  # pyiceberg's own
class TestIcebergFolder(ExportTargetContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ExportWorld:
        pytest.importorskip("pyiceberg")
        return make(tmp_path, IcebergFolder, read_iceberg)
