import pytest

from penstock.errors import QueryError
from penstock.sql.parameters import as_dollars, check_given, named_parameters


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("SELECT * FROM t WHERE a = :x AND b IN (:x, :y)", "SELECT * FROM t WHERE a = $x AND b IN ($x, $y)"),
        (
            "SELECT ':x', \":x\", $$:x$$, $a$:x$a$ -- :x\n/* :x */",
            "SELECT ':x', \":x\", $$:x$$, $a$:x$a$ -- :x\n/* :x */",
        ),
        ("SELECT a::x, b[1:x], c[x:x]", "SELECT a::x, b[1:x], c[x:x]"),
        ("SELECT {'a':x}", "SELECT {'a':x}"),
        ("SELECT 'it''s :x', :x", "SELECT 'it''s :x', $x"),
        ("SELECT :z", "SELECT :z"),
    ],
)
def test_names_become_what_duckdb_takes(sql: str, asked: str) -> None:
    assert as_dollars(sql, {"x", "y"}) == asked


def test_names_are_found_once_and_in_order() -> None:
    assert named_parameters("SELECT :b, ':c', :a, :b, x::d") == ["b", "a"]


def test_every_name_needs_a_value_and_every_value_a_name() -> None:
    with pytest.raises(QueryError, match="without a value: day"):
        check_given("SELECT :day", {})
    with pytest.raises(QueryError, match="no parameter 'dya'"):
        check_given("SELECT 1", {"dya": 1})
    check_given("SELECT :day, $hour", {"day", "hour"})
