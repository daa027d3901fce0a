"""Transformations with Spark: the same steps, translated, for data that outgrow one machine."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.adapters.spark.errors import translated
from penstock.adapters.spark.folders import ExchangeFolder, LocalFolder
from penstock.adapters.spark.functions import register
from penstock.adapters.spark.session import same_meaning
from penstock.adapters.spark.types import ddl, quoted, row_type, spark_type
from penstock.adapters.spark.values import csv_line
from penstock.errors import QueryError
from penstock.faultpoints import fault_point
from penstock.model.column_types import parse_type
from penstock.model.transformations import OWN_COLUMNS, Engine
from penstock.ports.transform import StagedInput, TransformationPlan, Transformed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TIMES = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
Translate = Callable[[Mapping[str, str], Mapping[str, Mapping[str, str]], Collection[str]], dict[str, str]]
CSV_ROWS = 10_000
WHOLE = frozenset({"tinyint", "smallint", "int", "bigint"})


class SparkTransformer:
    """Runs transformations in a Spark session.

    Args:
        session: in which the work is done; what it says of SQL is not changed.
        folder: where scratch folders are made. With a cluster it has to be one that all its machines see.
        exchange: makes the folder by which files are handed over, of a scratch folder; without it all of Spark is on
            this machine.
        translate: takes steps in DuckDB's SQL, the columns of the inputs in the catalog's notation and the names of
            Python functions; returns the steps in Spark's.
    """

    engine: Engine = "spark"
    reads_delimited = False

    def __init__(
        self,
        session: SparkSession,
        folder: Path,
        translate: Translate,
        *,
        exchange: Callable[[Path], ExchangeFolder] = LocalFolder,
    ) -> None:
        self._session = session
        self._exchange = exchange
        self._folder = folder
        self._translate = translate

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="penstock-spark-", dir=self._folder, ignore_cleanup_errors=True) as one:
            yield Path(one)

    @contextlib.contextmanager
    def run(self, plan: TransformationPlan, *, scratch: Path, memory_mb: int) -> Iterator[Transformed]:
        columns = {name: staged.columns | OWN_COLUMNS for name, staged in plan.inputs.items()}
        steps = self._translate(plan.steps, columns, plan.functions)
        exchange = self._exchange(scratch)
        computation = _Computation(same_meaning(self._session), msgspec.structs.replace(plan, steps=steps), exchange)
        try:
            counts = computation.compute()
            fault_point("transformer.after_compute")
            yield _Rows(plan, scratch, counts, exchange)
        finally:
            computation.forget()
            exchange.clear()


class _Computation:
    """Makes views of inputs and steps, and files of outputs."""

    def __init__(self, session: SparkSession, plan: TransformationPlan, exchange: ExchangeFolder) -> None:
        self._session = session
        self._plan = plan
        self._exchange = exchange
        self._kept: list[DataFrame] = []

    def compute(self) -> dict[str, int]:
        """Returns how many rows each output has."""
        register(self._session, self._plan.functions.values())
        for name, staged in self._plan.inputs.items():
            with translated(f"transformation {self._plan.name!r}, input {name!r}"):
                self._show(name, self._read(staged))
        for name, sql in self._plan.steps.items():
            with translated(f"transformation {self._plan.name!r}, step {name!r}"):
                self._show(name, self._session.sql(sql))
        counts = {}
        for name, columns in self._plan.outputs.items():
            with translated(f"transformation {self._plan.name!r}, output {name!r}"):
                counts[name] = self._write(name, columns)
        return counts

    def forget(self) -> None:
        """Frees what was kept."""
        for frame in self._kept:
            frame.unpersist()

    def _show(self, name: str, frame: DataFrame) -> None:
        if name in self._plan.kept or name in self._plan.outputs:
            frame = frame.persist()
            self._kept.append(frame)
        frame.createOrReplaceTempView(name)

    def _read(self, staged: StagedInput) -> DataFrame:
        schema = ddl(staged.columns)
        if staged.own:
            kinds = [f"{name} {'bigint' if name == '_line' else 'string'}" for name in staged.own]
            schema = ", ".join([f"r {_struct(staged.columns)}", *kinds])
        reader = self._session.read.schema(schema).option("mode", "FAILFAST").option("lineSep", "\n")
        frame = reader.json(self._exchange.share(staged.path))
        return frame.select("r.*", *staged.own) if staged.own else frame

    def _write(self, name: str, columns: dict[str, str]) -> int:
        """Checks that an output fits its record, and writes its rows; returns how many there are."""
        frame = self._session.table(name)
        found = {field.name.lower(): field.dataType.simpleString() for field in frame.schema.fields}
        for column, kind in columns.items():
            problem = lossy(found.get(column.lower()), kind)
            if problem:
                raise QueryError(
                    f"transformation {self._plan.name!r}, output {name!r}: column {column!r} {problem}",
                    hint=f"write CAST(… AS {spark_type(kind)}) AS {column} in the step",
                )
        self._check_required(name, frame)
        chosen = frame.selectExpr(
            *(f"CAST({quoted(column)} AS {spark_type(kind)}) AS {quoted(column)}" for column, kind in columns.items())
        )
        writer = chosen.write.option("timestampFormat", TIMES).option("ignoreNullFields", "false")
        writer.option("lineSep", "\n").mode("overwrite").json(self._exchange.place(f"{name}.out"))
        return frame.count()

    def _check_required(self, name: str, frame: DataFrame) -> None:
        are_null = {column: f"{quoted(column)} IS NULL" for column in sorted(self._plan.required[name])}
        # All at once: each look at the rows is a job of its own.
        if not are_null or not frame.filter(" OR ".join(are_null.values())).count():
            return
        column, missing = next(
            (column, missing) for column, is_null in are_null.items() if (missing := frame.filter(is_null).count())
        )
        raise QueryError(
            f"transformation {self._plan.name!r}, output {name!r}: column {column!r} is NULL in {missing} rows",
            hint="filter them in the step, or let the record's field be None",
        )


def lossy(found: str | None, wanted: str) -> str | None:
    """Returns why a column of one of Spark's types cannot be taken for another without changing values, or None."""
    if found is None:
        return "is missing"
    to = "string" if wanted == "binary" else wanted
    if found in {to, "void"} or (to == "bigint" and found in WHOLE):
        return None
    if to == "double" and found in {"float", "int", "smallint", "tinyint"}:
        return None
    if to == "timestamp" and found in {"date", "timestamp_ntz"}:
        return None
    digits = parse_type(to).digits if to.startswith("decimal") else (0, 0)
    if digits[0] and (found in WHOLE or (found.startswith("decimal") and parse_type(found).digits[1] <= digits[1])):
        return None
    if found.startswith(("struct", "map", "array")):
        return None if to.partition("<")[0] == found.partition("<")[0] else f"is {found}, not {to}"
    return f"is {found}, not {to}"


def _struct(columns: dict[str, str]) -> str:
    return f"struct<{','.join(f'{quoted(name)}:{spark_type(kind)}' for name, kind in columns.items())}>"


class _Rows:
    """Rows of the outputs, from the files that Spark wrote."""

    def __init__(
        self, plan: TransformationPlan, scratch: Path, counts: dict[str, int], exchange: ExchangeFolder
    ) -> None:
        self._plan = plan
        self._scratch = scratch
        self._counts = counts
        self._exchange = exchange
        self._fetched: dict[str, Path] = {}

    def count(self, output: str) -> int:
        return self._counts[output]

    def _folder(self, output: str) -> Path:
        if output not in self._fetched:
            self._fetched[output] = self._exchange.fetch(f"{output}.out")
        return self._fetched[output]

    def csv(self, output: str) -> Iterator[Path]:
        kinds = list(self._plan.outputs[output].values())
        path = self._scratch / f"{output}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            for rows in self.rows(output, CSV_ROWS):
                file.writelines(csv_line(row, kinds) for row in rows)
        yield path

    def rows(self, output: str, size: int, *, encoded: bool = False) -> Iterator[list[tuple[Any, ...]]]:
        decode = msgspec.json.Decoder(row_type(self._plan.outputs[output])).decode
        held: list[tuple[Any, ...]] = []
        # The parts are in the order of their names.
        for path in sorted(self._folder(output).glob("part-*.json")):
            with path.open("rb") as file:
                for line in file:
                    held.append(msgspec.structs.astuple(decode(line)))
                    if len(held) >= size:
                        yield held
                        held = []
        if held:
            yield held
