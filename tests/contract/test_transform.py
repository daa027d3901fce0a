"""Transformations on DuckDB and on Spark; and the orders pipeline, which has to be the same on both."""

import contextlib
import datetime
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from penstock.adapters.local import transform
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.transform import SCRATCH_PREFIX, DuckDbTransformer
from penstock.adapters.spark.folders import ObjectFolder
from penstock.adapters.spark.session import local_session
from penstock.adapters.spark.transform import SparkTransformer
from penstock.errors import QueryError
from penstock.model.transformations import Transformation
from penstock.pipelines import orders
from penstock.ports.transform import StagedInput, TransformationPlan, Transformer
from penstock.runtime.transform_handle import TransformationHandle
from penstock.sql.steps import to_spark
from penstock.testing.contracts.transform import TransformerContract
from penstock.testing.sandbox import Sandbox

RUN = {"orders": {"count": 120, "seed": 11}}


class Moments(msgspec.Struct):
    """Times alone and in a list."""

    moment: datetime.datetime
    day: datetime.date
    moments: list[datetime.datetime]
    tags: list[str]


class TestDuckDbTransformer(TransformerContract):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> DuckDbTransformer:
        return DuckDbTransformer(tmp_path / "scratch")

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT * FROM read_csv('{0}/secret.csv')",
            "SELECT * FROM '{0}/secret.csv'",
            "SELECT content AS id FROM read_text('{0}/secret.csv')",
            "SELECT 1; COPY (SELECT 1) TO '{0}/made.csv'",
            "SELECT 1); COPY (SELECT 1) TO '{0}/made.csv'; SELECT (1",
            "SET enable_external_access = true",
            "ATTACH '{0}/made.duckdb'",
        ],
    )
    def test_a_step_reaches_nothing_outside(self, subject: DuckDbTransformer, tmp_path: Path, sql: str) -> None:
        (tmp_path / "secret.csv").write_text("id\nsecret\n")
        with pytest.raises(QueryError), _steps(subject, tmp_path, {"found": sql.format(tmp_path)}):
            pass
        assert not list(tmp_path.glob("made*"))

    def test_rows_for_a_database_are_text_where_that_is_the_same(self, subject: DuckDbTransformer) -> None:
        at = datetime.datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=datetime.UTC)
        kept = Transformation(
            name="kept", inputs={"raw": Moments}, steps={"kept": "SELECT * FROM raw"}, outputs={"kept": Moments}
        )
        scope: Any = SimpleNamespace(ports=SimpleNamespace(transformer=subject))
        with TransformationHandle(scope, kept, 512).run(raw=[Moments(at, at.date(), [at], ["x", "é"])]) as result:
            assert [row for rows in result.file("kept").rows for row in rows] == [
                ("2026-01-01 00:00:00.123456", "2026-01-01", [at], '["x","é"]'),
            ]
            assert list(result.rows("kept")) == [[(at, at.date(), [at], ["x", "é"])]]

    @pytest.mark.slow
    def test_what_memory_cannot_hold_goes_to_disk(self, subject: DuckDbTransformer, tmp_path: Path) -> None:
        # 200 MB of text to be sorted in 164 MB.
        made = "SELECT repeat(md5(CAST(i AS VARCHAR)), 32) AS id FROM range(200000) t(i)"
        with _steps(subject, tmp_path, {"found": f"SELECT id FROM ({made}) ORDER BY id"}, memory_mb=264) as transformed:
            assert transformed.count("found") == 200_000
            assert (tmp_path / "scratch").exists()

    def test_more_than_memory_and_disk_can_do_is_said(self, subject: DuckDbTransformer, tmp_path: Path) -> None:
        hungry = "SELECT CAST(length(string_agg(CAST(md5(CAST(i AS VARCHAR)) AS VARCHAR), '')) AS VARCHAR) AS id"
        steps = {"found": f"{hungry} FROM range(20000000) t(i)"}
        with (
            pytest.raises(QueryError, match="'found' needs more than 64 MB"),
            _steps(subject, tmp_path, steps, memory_mb=64),
        ):
            pass

    def test_scratch_is_gone_afterwards_and_a_dead_process_leaves_none(self, tmp_path: Path) -> None:
        left = tmp_path / f"{SCRATCH_PREFIX}0123456789abcdef"
        left.mkdir()
        (left / "raw.json").write_text("{}")
        with DuckDbTransformer(tmp_path).scratch() as folder:
            assert [path.name for path in tmp_path.iterdir()] == [folder.name]
        assert list(tmp_path.iterdir()) == []

    def test_an_output_is_written_in_parts(
        self, subject: DuckDbTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transform, "PART_ROWS", 3)
        steps = {"found": "SELECT CAST(range AS VARCHAR) AS id FROM raw, range(10) ORDER BY range DESC"}
        with _steps(subject, tmp_path, steps) as transformed:
            texts, paths = [], []
            for path in transformed.csv("found"):
                assert not any(earlier.exists() for earlier in paths)
                texts.append(path.read_text())
                paths.append(path)
            assert texts == ['"9"\n"8"\n"7"\n', '"6"\n"5"\n"4"\n', '"3"\n"2"\n"1"\n', '"0"\n']
            # Whoever stops in the middle leaves nothing that is still being written.
            next(transformed.csv("found"))
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("penstock-transform")]

    def test_a_table_is_gone_when_nothing_reads_it_any_more(self, subject: DuckDbTransformer, tmp_path: Path) -> None:
        steps = {
            "first": "SELECT id FROM raw",
            "seen": "SELECT id FROM first",
            "second": "SELECT id FROM first",
            # What reads through a view reads the table behind it.
            "third": "SELECT id FROM second UNION ALL SELECT id FROM seen",
            "found": "SELECT string_agg(table_name, ',' ORDER BY table_name) AS id FROM duckdb_tables(), third"
            " WHERE table_name <> 'found'",
        }
        kept = frozenset({"first", "second", "third"})
        with _steps(subject, tmp_path, steps, kept=kept) as transformed:
            assert list(transformed.rows("found", 10)) == [[("third,third",)]]

    def test_an_output_without_rows_has_no_file(self, subject: DuckDbTransformer, tmp_path: Path) -> None:
        with _steps(subject, tmp_path, {"found": "SELECT id FROM raw WHERE id = 'none'"}) as transformed:
            assert list(transformed.csv("found")) == []


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark")
    session = local_session(cores="1", memory_mb=1024, partitions=1)
    yield session
    session.stop()


class TestSparkTransformer(TransformerContract):
    @pytest.fixture
    def subject(self, spark: Any, tmp_path: Path) -> SparkTransformer:
        return SparkTransformer(spark, tmp_path / "scratch", to_spark)


def test_a_cluster_is_handed_files_by_an_object_store(tmp_path: Path, spark: Any) -> None:
    objects = FileObjectStore(tmp_path / "bucket")

    def exchange(scratch: Path) -> ObjectFolder:
        return ObjectFolder(scratch, objects, f"scratch/{scratch.name}", (tmp_path / "bucket").as_uri())

    transformer = SparkTransformer(spark, tmp_path / "scratch", to_spark, exchange=exchange)
    with _steps(transformer, tmp_path, {"found": "SELECT id || '!' AS id FROM raw"}) as transformed:
        assert list(transformed.rows("found", 10)) == [[("a!",)]]
        assert [path.read_text() for path in transformed.csv("found")] == ['"a!"\n']
        assert {info.key.split("/")[2] for info in objects.list("scratch/")} == {"raw.json", "found.out"}
    assert list(objects.list("scratch/")) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_orders_pipeline_is_the_same_on_spark(tmp_path: Path, spark: Any) -> None:
    found = []
    for name in ("duckdb", "spark"):
        with Sandbox(orders.pipeline, tmp_path / name) as sandbox:
            if name == "spark":
                sandbox.home.__dict__["transformer"] = SparkTransformer(spark, tmp_path / "scratch", to_spark)
            assert sandbox.home.transformer.engine == name
            sandbox.run(RUN)
            sandbox.run({"days": ["2026-02-20"]}, workflow="orders-totals")
            found.append(
                {table.name: sandbox.items(table) for table in (orders.orders, orders.daily_sales, orders.batches)}
                | {"quarantine": sandbox.quarantined(orders.raw)}
            )
    assert found[0]["Orders"]
    assert found[0] == found[1]


@contextlib.contextmanager
def _steps(
    transformer: Transformer,
    folder: Path,
    steps: dict[str, str],
    memory_mb: int = 512,
    kept: frozenset[str] = frozenset(),
) -> Iterator[Any]:
    """Runs steps that were not checked when they were declared."""
    path = folder / "raw.json"
    path.write_text('{"id": "a"}\n')
    plan = TransformationPlan(
        name="unchecked",
        inputs={"raw": StagedInput(path=path, columns={"id": "string"}, longest_bytes=12)},
        steps=steps,
        kept=kept,
        outputs={"found": {"id": "string"}},
        required={"found": frozenset()},
    )
    with transformer.scratch() as scratch, transformer.run(plan, scratch=scratch, memory_mb=memory_mb) as transformed:
        yield transformed
