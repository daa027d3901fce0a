"""One way to print: tables, JSON, errors; and values as people read them."""

import datetime
import io
import json
import re
import subprocess
import sys
import uuid
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from penstock import errors
from penstock.cli import output, values
from penstock.cli.options import hoist
from penstock.errors import HomeError, NotFoundError, PenstockError, QueryError, StorageFullError, UsageError
from penstock.ports.query import Result, ResultColumn


def test_options_may_stand_anywhere() -> None:
    assert hoist(["run", "p", "--json", "--home", "h", "-f", "x.py"]) == [
        "--json",
        "--home",
        "h",
        "-f",
        "x.py",
        "run",
        "p",
    ]
    assert hoist(["run", "--home=h", "p"]) == ["--home=h", "run", "p"]
    assert hoist(["query", "--", "--json"]) == ["query", "--", "--json"]
    assert hoist(["ls", "--home"]) == ["ls", "--home"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (0, "0 ms"), (0.0042, "4 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"), (1.2, "1.20 s"),
        (59.994, "59.99 s"), (59.999, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (90_000, "1 d 1 h"),
        (-1.5, "-1.50 s"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    assert output.duration(seconds) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [(None, "-"), (1000.0, "now"), (999.5, "now"), (997.0, "3 s ago"), (875.0, "2 min 5 s ago"), (1060.0, "in 1 min")],
)
def test_ages(at: float | None, text: str) -> None:
    assert output.age(at, 1000.0) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (999_990, "1.0 MB"), (2_500_000, "2.5 MB"), (3e15, "3000.0 TB")],
)
def test_sizes(count: float, text: str) -> None:
    assert output.size(count) == text


def test_counts() -> None:
    told = [output.count(1, "row"), output.count(12_000, "row"), output.count(0, "entry", "entries")]
    assert told == ["1 row", "12,000 rows", "0 entries"]


@pytest.mark.parametrize(
    ("at", "text"),
    [(None, "-"), (0, "1970-01-01 00:00:00Z"), (1771574220.9, "2026-02-20 07:57:00Z"), (1e18, "@1e+18")],
)
def test_moments(at: float | None, text: str) -> None:
    assert output.moment(at) == text


AT = datetime.datetime(2026, 2, 20, 7, 57, tzinfo=datetime.UTC)


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (True, "true"), (3, "3"), (1771574220.5, "1771574220.5"), (0.1 + 0.2, "0.3"), (1e300, "1e+300"),
        (123456.789, "123456.79"), (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (Decimal("1.10"), "1.10"),
        (Decimal("1E+5"), "100000"), (Decimal("1E+50"), "1E+50"), (Decimal("NaN"), "NaN"), (AT, "2026-02-20 07:57:00Z"),
        (AT.replace(tzinfo=None), "2026-02-20 07:57:00"), ({"a": [1, None]}, '{"a":[1,null]}'), (Colour.RED, "red"),
    ],
)  # fmt: skip
def test_cells(value: object, text: str) -> None:
    assert output.cell_text(value) == text


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (Decimal("1.10"), "1.10"), (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (Decimal("sNaN"), "null"), (float("nan"), "null"), (float("inf"), "null"), (2**127, str(2**127)),
        (AT, '"2026-02-20T07:57:00Z"'), (AT.replace(tzinfo=None), '"2026-02-20T07:57:00"'),
        (AT.astimezone(datetime.timezone(datetime.timedelta(hours=1))), '"2026-02-20T08:57:00+01:00"'),
        (datetime.date(2026, 2, 20), '"2026-02-20"'), (datetime.time(7, 57), '"07:57:00"'),
        (datetime.timedelta(days=1, seconds=2), '"P1DT2S"'), (b"x\xff", '"x\\\\xff"'),
        ({1: {"b", "a"}}, '{"1":["a","b"]}'),
        ("\ud800é", '"\\\\ud800é"'), (Colour.RED, '"red"'), (uuid.UUID(int=0), f'"{uuid.UUID(int=0)}"'), (True, "true"),
        (ResultColumn("a", "INT"), '{"name":"a","type":"INT"}'),
    ],
)  # fmt: skip
def test_json_holds_what_json_can(value: object, encoded: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_json([value])
    printed = capsys.readouterr().out
    assert json.loads(printed) == [json.loads(encoded)]
    assert "".join(printed.split()) == f"[{encoded}]"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(st.characters()) | st.binary()
    | st.datetimes() | st.timedeltas() | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(anything, anything), max_size=3))
def test_any_rows_are_one_json_document_and_one_line_each(rows: list[tuple[Any, Any]]) -> None:
    before, sys.stdout = sys.stdout, io.StringIO()
    try:
        output.emit(rows, ["a", "b"], as_json=True)
        document = sys.stdout.getvalue()
        sys.stdout = io.StringIO()
        output.emit(rows, ["a", "b"], as_json=False)
        lines = sys.stdout.getvalue()
    finally:
        sys.stdout = before
    assert [set(row) for row in json.loads(document, parse_constant=pytest.fail)] == [{"a", "b"} for _ in rows]
    assert lines.count("\n") == 1 + len(rows) if rows else lines == "nothing yet\n"
    assert lines.replace("\n", "").isprintable() or not values.CONTROLS.search(lines)


def test_rows_keep_the_digits_of_decimals(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit([[Decimal("12345678901234567890.10"), float("nan")]], ["a", "b"], as_json=True)
    assert "".join(capsys.readouterr().out.split()) == '[{"a":12345678901234567890.10,"b":null}]'


def test_columns_of_one_name_are_all_kept() -> None:
    columns = [ResultColumn(name, "INTEGER") for name in ("a", "a", "a_1", "a")]
    assert output.result_json(Result(columns, [(1, 2, 3, 4)], truncated=False, elapsed_seconds=0.0)) == [
        {"a": 1, "a_1": 2, "a_1_1": 3, "a_2": 4}
    ]


def test_json_is_utf_8_whatever_the_locale() -> None:
    code = "from penstock.cli.output import emit_json, table; emit_json(['日本', 'é'])"
    environment = {"PYTHONIOENCODING": "ascii", "PATH": ""}
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment).stdout
    assert json.loads(printed.decode("utf-8")) == ["日本", "é"]


class Terminal(io.StringIO):
    """A terminal of so many columns."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, width: int, *arguments: Any, **options: Any) -> str:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    output.table(*arguments, **options)
    return terminal.getvalue()


HOSTILE = [
    "\x1b[31mred\x07",
    "[bold]not bold[/]",
    "[link=http://x]x[/link]",
    "\x9b2J",
    "a\rb",
    "\u202egnp.exe",
    "\u2028",
    ":smile:",
]


@pytest.mark.parametrize("width", [20, 80])
@pytest.mark.parametrize("place", ["cell", "heading", "title", "empty"])
@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_data_steers_no_terminal(monkeypatch: pytest.MonkeyPatch, text: str, place: str, width: int) -> None:
    heading, cell = (text if place == name else "x" for name in ("heading", "cell"))
    title, empty = (text if place == name else "" for name in ("title", "empty"))
    rows = [] if place == "empty" else [[cell] * 3]
    printed = shown(monkeypatch, width, [heading] * 3, rows, title=title, empty=empty)
    ours = re.compile(r"\x1b\[[\d;]*m")
    bare = ours.sub("", printed)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", bare)
    assert width == 20 or output.clean(text) in bare
    assert "\x1b[31m" not in printed
    assert "]8;" not in printed


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_data_is_the_same_in_a_pipe(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.table([text], [[text]], title=text)
    printed = capsys.readouterr().out
    assert printed.splitlines() == [output.clean(text)] * 3


def test_a_pipe_gets_one_line_a_row_and_nothing_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["name", "n", "status"], [["x" * 500, 5, Text("✔ OK")], ["two\nlines\tand", 10, Text("日本")]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "n", "status"]
    assert lines[1] == f"{'x' * 500}   5  ✔ OK"
    assert lines[2].split() == ["two\\nlines\\tand", "10", "日本"]
    assert len(lines) == 3


def test_a_terminal_gets_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = [f"column_number_{number}" for number in range(12)]
    blocks = shown(monkeypatch, 60, wide, [list(range(12)), list(range(12))]).splitlines()
    assert len(blocks) == 12 + 1 + 12
    assert all(line.strip() for number, line in enumerate(blocks) if number != 12)
    folded = shown(monkeypatch, 40, ["a", "b"], [["y" * 100, "z"]])
    assert folded.count("y") == 100
    assert max(map(len, re.sub(r"\x1b\[[\d;]*m", "", folded).splitlines())) <= 40


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2), (errors.DefinitionError("x"), 3), (errors.LoadError("x"), 3),
        (errors.InvalidWorkflowError("x"), 3), (NotFoundError("x"), 4), (HomeError("x"), 5), (StorageFullError("x"), 5),
        (errors.JournalCorruptError("x"), 5), (QueryError("x"), 6), (errors.AccessDeniedError("x"), 7),
        (errors.TaskError("x"), 1), (errors.ThrottledError("x"), 1), (PenstockError("x"), 1),
    ],
)  # fmt: skip
def test_exit_codes(error: PenstockError, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert output.fail(error, as_json=True) == code
    printed = capsys.readouterr()
    assert (json.loads(printed.err)["exit_code"], printed.out) == (code, "")
    assert code in output.EXIT_MEANINGS


def test_every_error_has_an_exit_code_and_every_code_a_meaning() -> None:
    waiting: list[type[PenstockError]] = [PenstockError]
    while waiting:
        kind = waiting.pop()
        assert any(issubclass(kind, listed) for listed, _ in output.EXIT_CODES)
        waiting += kind.__subclasses__()
    assert {code for _, code in output.EXIT_CODES} | {0, 70, 130} == set(output.EXIT_MEANINGS)


def test_an_error_names_cause_and_mend(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.fail(QueryError("no\n  ^ \x1b[2J[red]x", hint="do [b]this[/b]"), as_json=False) == 6
    printed = capsys.readouterr()
    assert printed.err == "error: no\n  ^ \\x1b[2J[red]x\n    → do [b]this[/b]\n"
    assert printed.out == ""


def test_a_defect_asks_to_be_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.fail_unexpected(RuntimeError("odd \ud800"), as_json=True) == 70
    assert json.loads(capsys.readouterr().err)["message"] == "RuntimeError: odd \\ud800"
    assert output.fail_unexpected(RuntimeError("odd"), as_json=False) == 70
    assert "report it" in capsys.readouterr().err


def test_rich_is_imported_when_it_is_needed() -> None:
    code = "import sys, penstock.cli.output, penstock.cli.diagram; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
