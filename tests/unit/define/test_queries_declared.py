import msgspec
import pytest

from penstock import Pipeline
from penstock.errors import DefinitionError


class Log(msgspec.Struct):
    timestamp: str
    n: int


def findings(sql: str, name: str = "asked", dialect: str = "athena") -> list[str]:
    pipeline = Pipeline("shop")
    pipeline.lake("logs", Log)
    pipeline.query(name, sql, dialect=dialect)  # type: ignore[arg-type]
    try:
        return [] if pipeline.build().queries[name].sql == sql else ["changed"]
    except DefinitionError as error:
        return [found["code"] for found in error.data["findings"]]


@pytest.mark.parametrize(
    ("sql", "dialect", "codes"),
    [
        ("SELECT count(*) FROM logs WHERE n > :low", "athena", []),
        ("SELECT n / 2 FROM raw_logs", "athena", []),
        ("SELECT n // 2 FROM logs", "duckdb", []),
        ("SELECT 1 / 3.0", "athena", ["query"]),
        ("SELECT histogram(n) FROM logs", "athena", ["query"]),
        ("SELECT n FROM logs GROUP BY ALL", "duckdb", ["query"]),
        ("SELECT", "athena", ["query"]),
        ("DROP TABLE logs", "athena", ["query"]),
        ("SELECT '" + "x" * 262_144 + "'", "athena", ["query"]),
    ],
)
def test_a_named_query_means_the_same_in_both_engines(sql: str, dialect: str, codes: list[str]) -> None:
    assert findings(sql, dialect=dialect) == codes


def test_a_name_can_be_typed() -> None:
    assert findings("SELECT 1", name="two words") == ["name"]
