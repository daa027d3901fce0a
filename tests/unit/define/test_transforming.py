"""Transformations as they are declared: every mistake has its place and its mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline
from penstock.errors import DefinitionError
from penstock.model.transformations import Transformation


class Row(msgspec.Struct):
    id: str


class Odd(msgspec.Struct):
    _line: int


class Cased(msgspec.Struct):
    id: str
    ID: str


class Whatever(msgspec.Struct):
    value: Any


def shout(text: str) -> str | None:
    return text


def untyped(text):  # type: ignore[no-untyped-def]
    return text


def variadic(*texts: str) -> str:
    return "".join(texts)


def findings(**changed: Any) -> list[tuple[str, str]]:
    pipeline = Pipeline("shop")
    given: dict[str, Any] = {
        "inputs": {"raw": Row}, "steps": {"good": "SELECT id FROM raw"}, "outputs": {"good": Row}, **changed
    }  # fmt: skip
    pipeline.transformation("etl", **given)
    try:
        pipeline.build()
    except DefinitionError as error:
        return [(one["code"], one["message"]) for one in error.data["findings"]]
    return []


def test_a_transformation_without_a_mistake() -> None:
    assert findings(functions=[shout], steps={"good": "SELECT shout(id) AS id FROM raw;"}) == []


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"outputs": {"best": Row}}, "unknown-step", "'best' is no step"),
        ({"steps": {"raw": "SELECT id FROM raw"}, "outputs": {"raw": Row}}, "duplicate-name", "an input and a step"),
        ({"inputs": {}}, "empty", "no inputs"),
        ({"outputs": {}}, "empty", "no outputs"),
        ({"inputs": {"Raw Orders": Row}}, "name", "'Raw Orders' cannot be used"),
        ({"inputs": {"raw": dict}}, "record-type", "records of 'raw'"),
        ({"inputs": {"raw": Whatever}}, "record-type", "Whatever.value"),
        ({"inputs": {"raw": Odd}}, "column", "Odd has a column of an input's own"),
        ({"inputs": {"raw": Cased}}, "column-twice", "differ in letter case only"),
        ({"engines": ["oracle"]}, "engine", "no engine 'oracle'"),
        ({"steps": {"good": "SELECT id FROM row"}}, "step", "step 'good': there is no input"),
        ({"steps": {"good": Path("nowhere.sql")}}, "step-file", "cannot read nowhere.sql"),
        ({"functions": [untyped]}, "function", "text, return has no type"),
        ({"functions": [variadic]}, "function", "fixed number of arguments"),
    ],
)  # fmt: skip
def test_a_mistake_is_found(changed: dict[str, Any], code: str, message: str) -> None:
    found = findings(**changed)
    assert any(one == code and message in text for one, text in found), found


def test_two_of_one_name_are_refused() -> None:
    pipeline = Pipeline("shop")
    for _ in range(2):
        pipeline.transformation("etl", inputs={"raw": Row}, steps={"good": "SELECT id FROM raw"}, outputs={"good": Row})
    with pytest.raises(DefinitionError, match="'etl' is defined twice"):
        pipeline.build()


def test_a_step_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "good.sql"
    path.write_text("SELECT id\nFROM raw;\n")
    made = Pipeline("shop").transformation("etl", inputs={"raw": Row}, steps={"good": path}, outputs={"good": Row})
    assert isinstance(made, Transformation)
    assert made.steps == {"good": "SELECT id\nFROM raw"}
    assert [made.functions, made.engines] == [{}, ("duckdb", "spark")]
