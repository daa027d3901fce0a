"""A handle on a transformation: it runs over what it is given, and hands out the rows of its outputs."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import UsageError, ValidationError
from penstock.lake import layout, records
from penstock.lake.outcome import Bad, Good
from penstock.model.access import Grant, Kind, LakeAction
from penstock.model.schema import columns
from penstock.model.transformations import LINE, RAW, SOURCE, DelimitedText, Transformation
from penstock.ports.transform import StagedInput, TransformationPlan, Transformed
from penstock.ports.warehouse import CsvRows
from penstock.runtime.staging import Staging
from penstock.runtime.struct_rows import maker

if TYPE_CHECKING:
    from penstock.runtime.handles import Scope

READ_BYTES = 1024 * 1024
DEFAULT_ROWS = 10_000


class TransformationHandle:
    """A transformation, for one call."""

    def __init__(self, scope: Scope, transformation: Transformation, memory_mb: int) -> None:
        self._scope = scope
        self._transformation = transformation
        self._memory_mb = memory_mb

    @contextlib.contextmanager
    def run(self, **inputs: Any) -> Iterator[TransformationResult]:
        """Runs the steps; the rows of the outputs are there until the ``with`` block is left.

        Args:
            inputs: each of the transformation's inputs by its name: the key, or keys, of objects of a lake table; the
                path, or paths, of files; an iterable of records, mappings or lines of JSON; or a ``DelimitedText``.
                Files and objects are what they say that they are: JSON, CSV or Parquet, plain, with gzip or with zstd.

        Raises:
            UsageError: an input is missing, is none of the transformation's, or is none of these things; or the engine
                is not installed.
            AccessDeniedError: the task may not read the table of an object.
            NotFoundError: there is no such object or file.
            QueryError: a step failed, or its rows do not fit the output's record.
        """
        self._check_names(inputs)
        transformer = self._scope.ports.transformer
        with transformer.scratch() as scratch:
            stagings, staged = {}, {}
            for name, record in self._transformation.inputs.items():
                stagings[name] = staging = Staging(scratch, name, record, self._own_columns())
                staged[name] = self._stage(staging, name, record, inputs[name])
            plan = plan_of(self._transformation, staged, transformer.engine)
            with transformer.run(plan, scratch=scratch, memory_mb=self._memory_mb) as transformed:
                yield TransformationResult(self._transformation, stagings, transformed)

    def _check_names(self, inputs: Mapping[str, Any]) -> None:
        wanted = self._transformation.inputs
        for name in [*(one for one in wanted if one not in inputs), *(one for one in inputs if one not in wanted)]:
            verb = "needs" if name in wanted else "has no"
            raise UsageError(
                f"transformation {self._transformation.name!r} {verb} input {name!r}",
                hint=f"give run() {', '.join(f'{one}=…' for one in wanted)}",
            )

    def _own_columns(self) -> list[str]:
        """Returns which of an input's own columns some step names; the others need not be written."""
        text = "\n".join(self._transformation.steps.values())
        return [column for column in (SOURCE, LINE, RAW) if re.search(rf"\b{column}\b", text, re.IGNORECASE)]

    def _stage(self, staging: Staging, name: str, record: type[Any], given: Any) -> StagedInput:
        if isinstance(given, DelimitedText):
            return self._stage_delimited(staging, given)
        if isinstance(given, str | Path):
            given = [given]
        elif isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
            raise UsageError(
                f"transformation {self._transformation.name!r}: input {name!r} is a {type(given).__name__}",
                hint="give keys of objects, paths, or an iterable of records",
            )
        items = iter(given)
        first = next(items, None)
        rest = itertools.chain([] if first is None else [first], items)
        if isinstance(first, str):
            return staging.write((key, self._of_object(key, record)) for key in rest)
        if isinstance(first, Path):
            return staging.write((path.name, self._of_file(path, record)) for path in rest)
        return staging.write_records(rest)

    def _stage_delimited(self, staging: Staging, given: DelimitedText) -> StagedInput:
        if self._scope.ports.transformer.reads_delimited and not self._own_columns():
            staged = staging.write_delimited(given)
            if staged is not None:
                return staged
        return staging.write_records(given.rows)

    def _of_object(self, key: str, record: type[Any]) -> Iterator[Good | Bad]:
        self._scope.require(Grant(Kind.LAKE, layout.parse_key(key).table, LakeAction.READ))
        ports = self._scope.ports
        return records.decode(ports.objects.stream(key), record, key, rows=ports.rows)

    def _of_file(self, path: Path, record: type[Any]) -> Iterator[Good | Bad]:
        return records.decode(_pieces(path), record, path.name, rows=self._scope.ports.rows)


class TransformationResult:
    """The rows of a transformation's outputs, and what of its inputs did not fit."""

    def __init__(
        self, transformation: Transformation, stagings: Mapping[str, Staging], transformed: Transformed
    ) -> None:
        self._transformation = transformation
        self._stagings = stagings
        self._transformed = transformed

    def count(self, name: str) -> int:
        """Returns how many rows an output has, or how many records of an input fit."""
        if name in self._stagings and self._stagings[name].is_counted:
            return self._stagings[name].count
        if name not in self._stagings:
            self._record(name)
        return self._transformed.count(name)

    def batches(self, name: str, size: int = DEFAULT_ROWS) -> Iterator[list[Any]]:
        """Yields an output's rows as records of its type, in lists of at most ``size``."""
        make = maker(self._record(name))
        for rows in self._transformed.rows(name, size):
            yield make(rows)

    def rows(self, name: str, size: int = DEFAULT_ROWS) -> Iterator[list[tuple[Any, ...]]]:
        """Yields an output's rows as tuples in the order of its record's fields, in lists of at most ``size``.

        They hold plain values; to make records of them costs as much again.
        """
        self._record(name)
        return self._transformed.rows(name, size)

    def file(self, name: str) -> CsvRows:
        """Returns an output as a warehouse's ``upsert`` and ``insert`` take it fastest: as files, and as rows.

        The files are gone when the transformation is left.
        """
        self._record(name)
        rows = self._transformed.rows(name, DEFAULT_ROWS, encoded=True)
        return CsvRows(self._transformed.csv(name), rows, encoded=True)

    def bad_count(self, name: str) -> int:
        """Returns how many lines of an input are no record of its type."""
        return self._staging(name).bad_count

    def bad(self, name: str, size: int = DEFAULT_ROWS) -> Iterator[tuple[str, list[Bad]]]:
        """Yields what of an input is no record of its type, with reason, line and text.

        Each list is of one object or file, which comes with it by its key or name: what ``quarantine`` takes.
        """
        return self._staging(name).bad(size)

    def _record(self, name: str) -> type[Any]:
        try:
            return self._transformation.outputs[name]
        except KeyError:
            raise UsageError(
                f"transformation {self._transformation.name!r} has no output {name!r}",
                hint=f"its outputs are: {', '.join(self._transformation.outputs)}",
            ) from None

    def _staging(self, name: str) -> Staging:
        try:
            return self._stagings[name]
        except KeyError:
            raise UsageError(
                f"transformation {self._transformation.name!r} has no input {name!r}",
                hint=f"its inputs are: {', '.join(self._stagings)}",
            ) from None


def plan_of(transformation: Transformation, staged: Mapping[str, Any], engine: Any) -> TransformationPlan:
    """Returns what an engine is to do.

    Raises:
        UsageError: the transformation was not declared for this engine.
    """
    if engine not in transformation.engines:
        raise UsageError(
            f"transformation {transformation.name!r} was not declared for {engine}",
            hint=f"declare it with engines=[…, {engine!r}], or run it on {', '.join(transformation.engines)}",
        )
    described = {name: columns(record) for name, record in transformation.outputs.items()}
    return TransformationPlan(
        name=transformation.name,
        inputs=dict(staged),
        steps=transformation.steps,
        kept=_read_often(transformation),
        outputs={name: {column.name: column.type for column in found} for name, found in described.items()},
        required={name: frozenset(one.name for one in found if not one.nullable) for name, found in described.items()},
        functions=transformation.functions,
    )


def _read_often(transformation: Transformation) -> frozenset[str]:
    """Returns the inputs and steps that are named more than once by steps; a word too many costs a table only."""
    text = "\n".join(transformation.steps.values())
    names = [*transformation.inputs, *transformation.steps]
    return frozenset(name for name in names if len(re.findall(rf"\b{name}\b", text, re.IGNORECASE)) > 1)


def _pieces(path: Path) -> Iterator[bytes]:
    from penstock.errors import NotFoundError

    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="give the path of a file") from None
    except OSError as error:
        raise ValidationError(f"cannot read {path}: {error.strerror}", hint="give the path of a file") from error
    with file:
        while piece := file.read(READ_BYTES):
            yield piece
