"""Declaring how rows become other rows: transformations in SQL."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.define.asking import Asking
from penstock.define.places import caller_place
from penstock.errors import Finding
from penstock.model.pipeline import Definition
from penstock.model.schema import columns, type_name
from penstock.model.transformations import (
    ENGINES,
    OWN_COLUMNS,
    Engine,
    ScalarFunction,
    Transformation,
    input_columns,
)

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Transforming(Asking):
    """The part of a pipeline that says how rows become other rows."""

    def transformation(
        self,
        name: str,
        *,
        inputs: Mapping[str, type[Any]],
        steps: Mapping[str, str | Path],
        outputs: Mapping[str, type[Any]],
        functions: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
        engines: Sequence[Engine] = ENGINES,
    ) -> Transformation:
        """Declares a transformation, run by ``context[it].run(…)``. It needs no grant: it touches what it is given.

        Args:
            inputs: the record type of each input. Beside its record's columns an input has ``_source``, ``_line`` and
                ``_raw``: the object's key, the line and its text.
            steps: one SELECT each, in DuckDB's SQL; a path names a file that holds one. A step may name inputs and
                the steps above it.
            outputs: the record type of each step whose rows are wanted.
            functions: Python functions of one row's values, each argument and the answer with its type, that the steps
                may call. They have to be pure, and on Spark to be importable.
            engines: on which it has to run. Spark is for data that outgrow one machine; a step that cannot be said in
                its SQL is refused, with the reason.
        """
        place = caller_place()
        named = functions if isinstance(functions, Mapping) else {one.__name__: one for one in functions}
        transformation = Transformation(
            name=name,
            inputs=dict(inputs),
            steps={step: self._step(sql, place) for step, sql in steps.items()},
            outputs=dict(outputs),
            functions=self._functions(named, place),
            engines=tuple(engines),
            place=place,
        )
        return self._add("transformations", transformation)

    def _step(self, sql: str | Path, place: str) -> str:
        if isinstance(sql, str):
            return sql.strip().removesuffix(";")
        try:
            return sql.read_text("utf-8").strip().removesuffix(";")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._find(place, "step-file", f"cannot read {sql}: {reason}", "give the path of a file with one SELECT")
            return "SELECT 1"

    def _functions(self, functions: Mapping[str, Callable[..., Any]], place: str) -> dict[str, ScalarFunction]:
        found = {}
        for name, call in functions.items():
            try:
                found[name] = scalar_function(name, call)
            except (TypeError, NameError, ValueError) as error:
                self._find(place, "function", f"function {name!r}: {error}",
                           "give each argument and the answer a type, such as `def f(text: str) -> str | None`"
                           )  # fmt: skip
        return found


def scalar_function(name: str, call: Callable[..., Any]) -> ScalarFunction:
    """Returns a Python function as SQL calls it.

    Raises:
        TypeError: an argument or the answer has no type, or one that no column can hold.
    """
    hints = typing.get_type_hints(call, include_extras=True)
    parameters = inspect.signature(call).parameters.values()
    if any(one.kind in {one.VAR_POSITIONAL, one.VAR_KEYWORD, one.KEYWORD_ONLY} for one in parameters):
        raise TypeError("SQL gives a fixed number of arguments by their order")
    missing = [one.name for one in parameters if one.name not in hints] + ["return"] * ("return" not in hints)
    if missing:
        raise TypeError(f"{', '.join(missing)} has no type")
    taken = [type_name(hints[one.name]) for one in parameters]
    returns, _ = type_name(hints["return"])
    return ScalarFunction(
        name=name,
        call=call,
        parameters=tuple(kind for kind, _ in taken),
        takes_null=tuple(nullable for _, nullable in taken),
        returns=returns,
    )


def check(definition: Definition) -> Iterator[Finding]:
    """Yields what is wrong with the transformations."""
    for one in definition.transformations.values():
        findings = [*_names(one), *_records(one)]
        yield from findings
        if not findings:
            yield from _steps(one)


def _names(one: Transformation) -> Iterator[Finding]:
    for noun, names in (("input", one.inputs), ("step", one.steps), ("function", one.functions)):
        for name in names:
            if not NAME.fullmatch(name):
                yield Finding(one.place, "name", f"transformation {one.name!r}: {noun} name {name!r} cannot be used",
                              "use up to 63 lower-case letters, digits and underscores")  # fmt: skip
    for name in one.inputs.keys() & one.steps.keys():
        yield Finding(one.place, "duplicate-name", f"transformation {one.name!r}: {name!r} is an input and a step",
                      "give the step another name")  # fmt: skip
    for name in one.outputs:
        if name not in one.steps:
            yield Finding(one.place, "unknown-step", f"transformation {one.name!r}: output {name!r} is no step",
                          f"the steps are: {', '.join(one.steps)}")  # fmt: skip
    if not one.inputs or not one.outputs:
        yield Finding(one.place, "empty", f"transformation {one.name!r} has no "
                      f"{'outputs' if one.inputs else 'inputs'}", "give inputs=, steps= and outputs=")  # fmt: skip
    for engine in one.engines:
        if engine not in ENGINES:
            yield Finding(one.place, "engine", f"transformation {one.name!r}: there is no engine {engine!r}",
                          f"the engines are: {', '.join(ENGINES)}")  # fmt: skip


def _records(one: Transformation) -> Iterator[Finding]:
    for name, record in {**one.inputs, **one.outputs}.items():
        if not (isinstance(record, type) and issubclass(record, msgspec.Struct)):
            yield Finding(one.place, "record-type", f"transformation {one.name!r}: records of {name!r} are of "
                          f"{record!r}", "declare `class Record(msgspec.Struct): …` and give that class")  # fmt: skip
            continue
        try:
            named = [column.name for column in columns(record)]
        except TypeError as error:
            yield Finding(one.place, "record-type", f"transformation {one.name!r}: {error}", "change the field's type")
            continue
        lower = [column.lower() for column in named]
        if len(set(lower)) != len(lower):
            yield Finding(one.place, "column-twice", f"transformation {one.name!r}: {record.__name__} has two columns "
                          "whose names differ in letter case only", "rename one of them")  # fmt: skip
        if name in one.inputs and OWN_COLUMNS.keys() & set(lower):
            yield Finding(one.place, "column", f"transformation {one.name!r}: {record.__name__} has a column of an "
                          "input's own", f"rename it: {', '.join(sorted(OWN_COLUMNS))} are there beside")  # fmt: skip


def _steps(one: Transformation) -> Iterator[Finding]:
    from penstock.sql.steps import check_steps

    for name, error in check_steps(one.steps, input_columns(one), one.functions, one.engines):
        message = f"transformation {one.name!r}, step {name!r}: {error.message}"
        yield Finding(one.place, "step", message, error.hint)
