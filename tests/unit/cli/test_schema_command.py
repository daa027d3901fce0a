"""``schema show``, ``history``, ``check`` and ``accept``, as they are typed."""

import pytest
from tests.shipping import Line

PIPELINE = """
from decimal import Decimal
from typing import Annotated
import msgspec
from penstock import Pipeline, Precision

plant = Pipeline("plant")


class Reading(msgspec.Struct):
    name: str
    cost: Annotated[Decimal, Precision(6, 2)] | None = None
    {field}


readings = plant.lake("readings", Reading)
"""
SCHEMA = ("-f", "plant.py", "schema")


def declare(line: Line, field: str) -> None:
    (line.folder / "plant.py").write_text(PIPELINE.replace("{field}", field))


@pytest.fixture
def used(line: Line) -> Line:
    """A home with one record of the table, put there under the first schema."""
    declare(line, "value: int = 0")
    (line.folder / "a.json").write_text('{"name": "a", "value": 1}\n')
    line("-f", "plant.py", "put", "readings", "a.json")
    return line


def test_show_says_what_engines_call_the_columns(line: Line) -> None:
    declare(line, "tags: dict[str, list[float]] = {}")
    found = line.json(*SCHEMA, "show", "readings")
    assert found["columns"][1:] == [
        {"column": "cost", "nullable": True, "duckdb": "DECIMAL(6,2)", "glue": "decimal(6,2)",
         "parquet": ["cost INT32 DECIMAL"]},
        {"column": "tags", "nullable": False, "duckdb": "MAP(VARCHAR, DOUBLE[])", "glue": "map<string,array<double>>",
         "parquet": ["tags.key_value.key BYTE_ARRAY UTF8", "tags.key_value.value.list.element DOUBLE"]},
    ]  # fmt: skip
    assert found["json_schema"]["$defs"]["Reading"]["required"] == ["name"]
    assert "map<string,array<double>>" in line(*SCHEMA, "show", "readings")


def test_a_schema_that_grows_gets_a_version(used: Line) -> None:
    declare(used, "value: int = 0\n    note: str | None = None")
    assert used.json(*SCHEMA, "check")["readings"] == ["note (string) is new: NULL in what was written before"]
    used("-f", "plant.py", "put", "readings", "a.json")
    first, second = used.json(*SCHEMA, "history", "readings")
    assert (first["version"], first["changes"]) == (1, [])
    assert (second["version"], second["changes"]) == (2, ["note (string) is new: NULL in what was written before"])
    assert "note" in used(*SCHEMA, "history", "readings")


@pytest.mark.parametrize(
    "command", [("schema", "check"), ("put", "readings", "a.json"), ("lake", "seal"), ("quarantine", "replay")]
)
def test_a_breaking_change_is_refused_with_its_mend(used: Line, command: tuple[str, ...]) -> None:
    declare(used, "value: float = 0.0")
    told = used("-f", "plant.py", *command, code=3)
    assert "value was bigint, is double" in told
    assert "keep value as bigint" in told
    assert "penstock schema accept" in told


def test_what_was_accepted_passes(used: Line) -> None:
    declare(used, "value: float = 0.0")
    assert used.json(*SCHEMA, "accept", "readings") == ["value was bigint, is double"]
    assert used.json(*SCHEMA, "check")["readings"] == []
    used("-f", "plant.py", "put", "readings", "a.json")
    assert used.json(*SCHEMA, "history", "readings")[-1]["accepted"] == ["value was bigint, is double"]


def test_a_table_that_nobody_declares(line: Line) -> None:
    assert "readings" in line("schema", "show", "readings", code=4)
