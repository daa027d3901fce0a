"""What every engine of transformations promises: the same rows of the same input."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from penstock.define.transforming import scalar_function
from penstock.errors import QueryError
from penstock.model.schema import Precision
from penstock.model.transformations import Transformation
from penstock.ports.transform import Transformer
from penstock.runtime.transform_handle import TransformationHandle, TransformationResult

Money = Annotated[Decimal, Precision(12, 2)]
UTC = datetime.UTC


class Part(msgspec.Struct):
    """A part of a sale."""

    product: str
    quantity: int
    price: Money


class Sale(msgspec.Struct):
    """What most of the suite begins with."""

    id: str
    customer: str | None = None
    sold: datetime.datetime | None = None
    parts: list[Part] = []


class Anything(msgspec.Struct):
    """A column of each type."""

    text: str | None = None
    flag: bool | None = None
    whole: int | None = None
    real: float | None = None
    money: Money | None = None
    moment: datetime.datetime | None = None
    day: datetime.date | None = None
    data: bytes | None = None
    tags: list[str] | None = None
    scores: dict[str, float] | None = None
    part: Part | None = None


class Total(msgspec.Struct):
    """What most of the suite ends with."""

    id: str
    total: Money
    parts: int


class Text(msgspec.Struct):
    """One value as text."""

    value: str | None


class Row(msgspec.Struct):
    """Where a record stands."""

    id: str
    source: str
    line: int
    raw: str


class _Ports:
    def __init__(self, transformer: Transformer) -> None:
        self.transformer = transformer
        self.rows = None


class _Scope:
    def __init__(self, transformer: Transformer) -> None:
        self.ports = _Ports(transformer)


def shout(text: str) -> str | None:
    """A function that may be called by SQL; it has no answer for ``silence``."""
    return None if text == "silence" else f"{text}!"


def half(money: Money | None) -> Money:
    """A function that wants to know of NULL."""
    return Decimal("-1.00") if money is None else (money / 2).quantize(Decimal("0.01"))


def day_after(moment: datetime.datetime) -> datetime.datetime:
    """A function of moments, which have a zone."""
    assert moment.utcoffset() == datetime.timedelta(0)
    return moment + datetime.timedelta(days=1)


def joined(first: str, second: str | None) -> str:
    """A function of two values, of which one may be NULL."""
    return f"{first}+{second}"


def broken(text: str) -> str:
    """A function that fails."""
    raise ValueError(f"cannot take {text}")


# Each value follows from the pages of both engines, or from arithmetic; see penstock.sql.to_spark for the rules.
EXPRESSIONS: dict[str, str | None] = {
    "upper('aé') || lower('ÀB')": "AÉàb",
    "trim('  a b ')": "a b",
    "'a' || NULL": None,
    "CAST(length('héé') AS VARCHAR)": "3",
    "substring('abcdef', 2, 3)": "bcd",
    "replace('aba', 'a', 'x')": "xbx",
    "split_part('a-b-c', '-', 2)": "b",
    "concat_ws('-', 'a', NULL, 'b')": "a-b",
    "lpad('7', 3, '0')": "007",
    "coalesce(NULL, 'x')": "x",
    "nullif('x', 'x')": None,
    "greatest('a', 'b')": "b",
    "md5('é')": "66ddcd97cfdeabb2f6fb8a999b4bc76f",
    "CAST(CAST('1.505' AS DECIMAL(12,2)) AS VARCHAR)": "1.51",
    "CAST(round(CAST('2.345' AS DECIMAL(12,3)), 2) AS VARCHAR)": "2.35",
    "CAST(round(CAST('-2.5' AS DECIMAL(12,1))) AS VARCHAR)": "-3",
    "CAST(TRY_CAST('x' AS DECIMAL(12,2)) AS VARCHAR)": None,
    "CAST(CAST('1.50' AS DECIMAL(12,2)) * 3 AS VARCHAR)": "4.50",
    "CASE WHEN 1 / 4 = 0.25 THEN 'yes' ELSE 'no' END": "yes",
    "CASE WHEN CAST('1.00' AS DECIMAL(12,2)) / 3 > 0.3333333333 THEN 'yes' ELSE 'no' END": "yes",
    "CASE WHEN 1 / nullif(0, 0) IS NULL THEN 'null' END": "null",
    "CAST(-7 % 2 AS VARCHAR)": "-1",
    "CAST(7 // 2 AS VARCHAR)": "3",
    "CAST(TIMESTAMP '2026-02-28 23:59:59.5' AS VARCHAR)": "2026-02-28 23:59:59.5",
    "CAST(CAST(TIMESTAMP '2026-02-28 23:59:59' AS DATE) AS VARCHAR)": "2026-02-28",
    "CAST(date_trunc('hour', TIMESTAMP '2026-02-28 23:59:59') AS VARCHAR)": "2026-02-28 23:00:00",
    "CAST(date_trunc('week', TIMESTAMP '2026-01-01 00:00:00') AS VARCHAR)": "2025-12-29 00:00:00",
    "CAST(date_diff('day', TIMESTAMP '2026-01-01 23:00:00', TIMESTAMP '2026-01-02 01:00:00') AS VARCHAR)": "1",
    "strftime(TIMESTAMP '2026-02-03 04:05:06', '%Y-%m-%d %H:%M:%S')": "2026-02-03 04:05:06",
    "CAST(extract(hour FROM TIMESTAMP '2026-02-03 04:05:06') AS VARCHAR)": "4",
    "CAST(TIMESTAMP '2026-02-28 12:00:00' + INTERVAL 1 DAY AS VARCHAR)": "2026-03-01 12:00:00",
    r"CASE WHEN regexp_matches('a@b.de', '^[^@\s]+@\w+\.de$') THEN 'yes' END": "yes",
    r"CASE WHEN regexp_matches('ab' || chr(10), 'b$') THEN 'yes' ELSE 'no' END": "no",
    r"regexp_replace('a1b22', '\d+', '#', 'g')": "a#b#",
    r"regexp_extract('order-17', '(\w+)-(\d+)', 2)": "17",
    r"regexp_extract('order', '(\d+)', 1)": "",
    r"regexp_extract('order-17', '[a-z]-(\d)')": "r-1",
    "CASE WHEN 'a' IN ('b', NULL) THEN 'in' WHEN 'a' NOT IN ('b', NULL) THEN 'not' ELSE 'unknown' END": "unknown",
    "CASE WHEN 'Z' < 'a' AND 'z' < 'é' THEN 'bytes' END": "bytes",
    r"'a\nb''c'": r"a\nb'c",
}  # fmt: skip


class TransformerContract:
    """Subclass it with a ``subject`` fixture."""

    @pytest.fixture
    def subject(self) -> Transformer:
        raise NotImplementedError("give the transformer under test")

    def test_every_type_comes_back_as_it_went(self, subject: Transformer) -> None:
        plus_two = datetime.timezone(datetime.timedelta(hours=2))
        given = [
            Anything(),
            Anything(
                text='"grüß"\n\\ \u0000 \u2028 你😀', flag=True, whole=2**63 - 1, real=0.1,
                money=Decimal("-9999999999.99"),
                moment=datetime.datetime(2026, 1, 1, 1, 0, 0, 123456, tzinfo=plus_two), day=datetime.date(1969, 7, 20),
                data=b"\x00\xff", tags=["a", ""], scores={"x": -1.5}, part=Part("p", -(2**63), Decimal("0.00")),
            ),
            Anything(text="", flag=False, whole=0, real=-1e300, money=Decimal("0.10"), tags=[], scores={}),
        ]  # fmt: skip
        names = ", ".join(Anything.__struct_fields__)
        with _run(subject, Anything, {"kept": f"SELECT {names} FROM raw"}, {"kept": Anything}, raw=given) as result:
            (found,) = result.batches("kept")
        given[1].moment = datetime.datetime(2025, 12, 31, 23, 0, 0, 123456, tzinfo=UTC)
        assert sorted(found, key=lambda one: str(one.text)) == sorted(given, key=lambda one: str(one.text))

    def test_functions_of_sql_mean_the_same(self, subject: Transformer) -> None:
        cases = " UNION ALL ".join(
            f"SELECT {number} AS number, {sql} AS value FROM raw" for number, sql in enumerate(EXPRESSIONS)
        )
        steps = {"cases": cases, "found": "SELECT value FROM cases ORDER BY number"}
        with _run(subject, Sale, steps, {"found": Text}, raw=[Sale("a")]) as result:
            values = [one.value for batch in result.batches("found") for one in batch]
        differing = {
            sql: (value, EXPRESSIONS[sql])
            for sql, value in zip(EXPRESSIONS, values, strict=True)
            if value != EXPRESSIONS[sql]
        }
        assert differing == {}, f"SQL, its value, and what it should be: {differing}"

    def test_steps_build_on_steps(self, subject: Transformer) -> None:
        steps = {
            "lines": "SELECT s.id, p.part.quantity AS quantity, p.part.price AS price, s.sold"
            " FROM raw AS s, unnest(s.parts) AS p(part)",
            "newest": "SELECT * FROM raw QUALIFY row_number() OVER (PARTITION BY id ORDER BY sold DESC, customer) = 1",
            "totals": "SELECT n.id, CAST(coalesce(sum(l.quantity * l.price), 0) AS DECIMAL(12,2)) AS total,"
            " count(l.id) AS parts FROM newest AS n LEFT JOIN lines AS l ON n.id = l.id AND n.sold = l.sold"
            " GROUP BY n.id",
            "sorted": "SELECT id, total, parts FROM totals ORDER BY total DESC, id",
        }
        day = datetime.datetime(2026, 1, 1, tzinfo=UTC)
        given = [
            Sale("a", "x", day, [Part("p", 2, Decimal("1.25")), Part("q", 1, Decimal("0.50"))]),
            Sale("a", "x", day - datetime.timedelta(days=1), [Part("p", 100, Decimal("1.25"))]),
            Sale("b", "y", day),
            Sale("c", "y", day, [Part("p", 3, Decimal("1.00"))]),
        ]
        with _run(subject, Sale, steps, {"sorted": Total}, raw=given) as result:
            assert result.count("raw") == 4
            assert result.count("sorted") == 3
            found = list(result.batches("sorted", size=2))
        assert found == [
            [Total("a", Decimal("3.00"), 2), Total("c", Decimal("3.00"), 1)],
            [Total("b", Decimal("0.00"), 0)],
        ]

    def test_null_sorts_last_and_counts_as_itself(self, subject: Transformer) -> None:
        steps = {
            "grouped": "SELECT customer AS value, count(*) AS count FROM raw GROUP BY customer",
            "down": "SELECT value FROM grouped ORDER BY count DESC, value DESC",
        }
        given = [Sale("1"), Sale("2", "a"), Sale("3", "b"), Sale("4"), Sale("5", "a"), Sale("6", "c")]
        with _run(subject, Sale, steps, {"down": Text}, raw=given) as result:
            (found,) = result.rows("down")
        assert [value for (value,) in found] == ["a", None, "c", "b"]

    def test_what_is_no_record_is_kept_aside_with_its_line(self, subject: Transformer, tmp_path: Path) -> None:
        path = tmp_path / "sales.json"
        path.write_bytes(
            b'{"id": "a"}\nno JSON \xff\n{"id": 5}\n\n{"id": "b", "parts": [{"product": "p"}]}\n{"id": "c"}\n'
        )
        steps = {"rows": "SELECT id, _source AS source, _line AS line, _raw AS raw FROM raw ORDER BY id"}
        with _run(subject, Sale, steps, {"rows": Row}, raw=path) as result:
            (found,) = result.batches("rows")
            ((source, bads),) = result.bad("raw")
            assert (result.count("raw"), result.bad_count("raw")) == (2, 3)
        assert found == [Row("a", "sales.json", 1, '{"id": "a"}'), Row("c", "sales.json", 6, '{"id": "c"}')]
        assert source == "sales.json"
        assert [(bad.line, bad.raw[:7]) for bad in bads] == [(2, b"no JSON"), (3, b'{"id": '), (5, b'{"id": ')]
        assert "Expected `str`, got `int`" in bads[1].reason

    def test_records_in_memory_are_judged_too(self, subject: Transformer) -> None:
        class Visit(msgspec.Struct):
            page: str
            seconds: int | None = None

        half = "\ud83d"
        given = [
            Visit("a", 1),
            Visit("b", 2**63),
            Visit(half),
            {"page": "c"},
            {"page": 5},
            b'{"page": "d"}',
            b"rubbish",
        ]
        steps = {"pages": "SELECT page AS value FROM raw ORDER BY page"}
        with _run(subject, Visit, steps, {"pages": Text}, raw=given) as result:
            (found,) = result.batches("pages")
            ((source, bads),) = result.bad("raw")
            assert (result.count("raw"), result.bad_count("raw")) == (3, 4)
        assert [one.value for one in found] == ["a", "c", "d"]
        assert source == ""
        assert sorted(bad.line for bad in bads) == [2, 3, 5, 7]
        # All of one type: nothing but the least and the greatest number is looked at.
        with _run(subject, Visit, steps, {"pages": Text}, raw=[Visit("a", -(2**63)), Visit(half)]) as result:
            assert [(bad.line, bad.reason[:20]) for _, bads in result.bad("raw") for bad in bads] == [
                (2, "the record cannot be")
            ]
            assert result.count("pages") == 1

    def test_an_output_is_a_file_for_a_database(self, subject: Transformer) -> None:
        given = [
            Anything(
                text='a "b",\n', flag=True, whole=-1, real=0.5, money=Decimal("1.50"),
                moment=datetime.datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC), day=datetime.date(2026, 1, 2),
                tags=["x", 'y"'], scores={"k": 1.5}, part=Part("p", 2, Decimal("0.10")),
            ),
            Anything(text=""),
        ]  # fmt: skip
        names = ", ".join(Anything.__struct_fields__)
        steps = {"kept": f"SELECT {names} FROM raw ORDER BY whole"}
        with _run(subject, Anything, steps, {"kept": Anything}, raw=given) as result:
            kept = result.file("kept")
            lines = "".join(path.read_text("utf-8") for path in kept.paths)
            assert [row[0] for rows in kept.rows for row in rows] == ['a "b",\n', ""]
        # An empty text has its quotes, NULL has none; the decimal in the struct may be a number or a text.
        first, _, last = lines.rstrip("\n").rpartition("\n")
        assert last == '""' + "," * (len(Anything.__struct_fields__) - 1)
        assert first.startswith(
            '"a ""b"",\n",true,-1,0.5,1.50,2026-01-01 00:00:00.123456,2026-01-02,,"[""x"",""y\\""""]","{""k"":1.5}",'
        )
        assert '""product"":""p"",""quantity"":2' in first

    def test_no_input_gives_no_rows(self, subject: Transformer) -> None:
        with _run(subject, Sale, {"ids": "SELECT id AS value FROM raw"}, {"ids": Text}, raw=[]) as result:
            assert result.count("ids") == 0
            assert list(result.batches("ids")) == []

    def test_python_functions_are_called(self, subject: Transformer) -> None:
        class Called(msgspec.Struct):
            id: str
            said: str | None
            half: Money
            later: datetime.datetime | None
            both: str | None

        sql = (
            "SELECT id, shout(customer) AS said, half(CASE WHEN id = 'a' THEN CAST('3.01' AS DECIMAL(12,2)) END)"
            " AS half, day_after(sold) AS later, joined(customer, CASE WHEN id = 'b' THEN id END) AS both"
            " FROM raw ORDER BY id"
        )
        given = [Sale("a", "hi", datetime.datetime(2026, 1, 1, tzinfo=UTC)), Sale("b", "silence"), Sale("c")]
        functions = {"shout": shout, "half": half, "day_after": day_after, "joined": joined}
        with _run(subject, Sale, {"called": sql}, {"called": Called}, functions, raw=given) as result:
            (found,) = result.batches("called")
        assert found == [
            # 3.01 / 2 = 1.505, which rounds half to even.
            Called("a", "hi!", Decimal("1.50"), datetime.datetime(2026, 1, 2, tzinfo=UTC), "hi+None"),
            Called("b", None, Decimal("-1.00"), None, "silence+b"),
            Called("c", None, Decimal("-1.00"), None, None),
        ]

    def test_a_function_that_fails_is_named_with_its_reason(self, subject: Transformer) -> None:
        steps = {"made": "SELECT broken(id) AS value FROM raw"}
        with (
            pytest.raises(QueryError, match=r"(?s)'made'.*ValueError: cannot take a"),
            _run(subject, Sale, steps, {"made": Text}, {"broken": broken}, raw=[Sale("a")]),
        ):
            pass

    @pytest.mark.parametrize(
        ("sql", "reason"),
        [
            ("SELECT id, 1 AS parts FROM raw", "'total' is missing"),
            ("SELECT id, CAST('1.5' AS DECIMAL(12,2)) AS total, CAST(NULL AS BIGINT) AS parts FROM raw", "NULL in 1"),
            ("SELECT id, CAST('1.555' AS DECIMAL(12,3)) AS total, 1 AS parts FROM raw", r"(?i)is DECIMAL\(12,3"),
            ("SELECT id, CAST(1 AS DOUBLE) AS total, 1 AS parts FROM raw", r"(?i)'total' is DOUBLE"),
            ("SELECT 1 AS id, CAST('1.5' AS DECIMAL(12,2)) AS total, 1 AS parts FROM raw", r"(?i)'id' is INT"),
        ],
    )  # fmt: skip
    def test_an_output_that_does_not_fit_its_record_is_refused(
        self, subject: Transformer, sql: str, reason: str
    ) -> None:
        with pytest.raises(QueryError, match=reason), _run(subject, Sale, {"o": sql}, {"o": Total}, raw=[Sale("a")]):
            pass

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT CAST(id AS DECIMAL(12,2)) AS total, id, 1 AS parts FROM raw",
            "SELECT CAST(99999999999 AS DECIMAL(12,2)) AS total, id, 1 AS parts FROM raw",
            "SELECT CAST('1.00' AS DECIMAL(12,2)) AS total, id, 9223372036854775807 + length(id) AS parts FROM raw",
        ],
    )
    def test_a_value_that_does_not_fit_is_an_error_and_no_other_value(self, subject: Transformer, sql: str) -> None:
        with pytest.raises(QueryError, match="'o'"), _run(subject, Sale, {"o": sql}, {"o": Total}, raw=[Sale("a")]):
            pass


@contextlib.contextmanager
def _run(
    transformer: Transformer,
    record: type[Any],
    steps: Mapping[str, str],
    outputs: Mapping[str, type[Any]],
    functions: Mapping[str, Any] | None = None,
    **inputs: Any,
) -> Iterator[TransformationResult]:
    transformation = Transformation(
        name="under-test",
        inputs={"raw": record},
        steps=dict(steps),
        outputs=dict(outputs),
        functions={name: scalar_function(name, call) for name, call in (functions or {}).items()},
    )
    scope: Any = _Scope(transformer)
    with TransformationHandle(scope, transformation, 512).run(**inputs) as result:
        yield result
