"""Batches as text, against the rules of COPY and of MySQL's literals."""

from datetime import date, datetime
from decimal import Decimal

from penstock.adapters.relational import wire
from penstock.adapters.relational.wire import copy_text, value_lists


def test_the_text_format_of_copy() -> None:
    # https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2
    batch = [
        ["plain", "tab\there", "back\\slash", None, ""],
        [1, None, -2, 3, 4],
        [b"\x00\xff", None, b"", b"\\", b"\n"],
        [True, False, None, True, True],
        [Decimal("1.50"), None, None, None, Decimal("0E-2")],
    ]
    assert copy_text(batch) == (
        "plain\t1\t\\\\x00ff\tTrue\t1.50\n"
        "tab\\there\t\\N\t\\N\tFalse\t\\N\n"
        "back\\\\slash\t-2\t\\\\x\t\\N\t\\N\n"
        "\\N\t3\t\\\\x5c\tTrue\t\\N\n"
        "\t4\t\\\\x0a\tTrue\t0.00\n"
    )
    assert copy_text([["line\r\nend", "x"]]) == "line\\r\\nend\nx\n"


def test_mysqls_literals() -> None:
    # https://dev.mysql.com/doc/refman/8.4/en/literals.html
    batch = [
        ["it's", "back\\slash", None, "100 %s"],
        [True, False, None, True],
        [1.5, None, 1e300, -0.25],
        [Decimal("0E-9"), None, Decimal("1E+3"), Decimal("-1.50")],
        [datetime(2026, 2, 20, 7, 57, 0, 5), None, None, None],  # noqa: DTZ001
        [date(2026, 2, 20), None, None, None],
        [b"'\x00", None, b"", b"x"],
    ]
    assert list(value_lists(batch)) == [
        "('it''s',True,1.5,0.000000000,'2026-02-20 07:57:00.000005','2026-02-20',x'2700'),"
        "('back\\\\slash',False,NULL,NULL,NULL,NULL,NULL),"
        "(NULL,NULL,1e+300,1000,NULL,NULL,x''),"
        "('100 %s',True,-0.25,-1.50,NULL,NULL,x'78')"
    ]


def test_a_statement_is_no_longer_than_a_server_takes() -> None:
    rows = ["x" * 600_000] * 7
    made = list(value_lists([rows]))
    assert [one.count("'") // 2 for one in made] == [3, 3, 1]
    assert all(len(one) <= wire.STATEMENT_CHARACTERS for one in made)
