import datetime
import json
from decimal import Decimal

import pytest

from penstock.cli import diagram, output
from penstock.cli.options import hoist
from penstock.errors import HomeError, NotFoundError, PenstockError, StorageFullError, UsageError


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
    [(None, "-"), (0.0042, "4 ms"), (1.2, "1.20 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_000, "1 d 1 h")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert output.duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB")])
def test_sizes(count: float, text: str) -> None:
    assert output.size(count) == text


def test_text_from_data_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["a"], [["\x1b[31mred\x07"], ["[bold]not bold[/]"], ["ok"]])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\\x1b[31mred\\x07" in printed
    assert "[bold]not bold[/]" in printed


def test_json_holds_what_json_can(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_json({"n": Decimal("1.10"), "nan": float("nan"), "t": datetime.date(2026, 2, 20), "b": b"x", "s": {1}})
    assert json.loads(capsys.readouterr().out) == {"n": 1.1, "nan": None, "t": "2026-02-20", "b": "x", "s": [1]}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (NotFoundError("x"), 4),
        (HomeError("x"), 5),
        (StorageFullError("x"), 5),
        (PenstockError("x"), 1),
    ],
)
def test_exit_codes(error: PenstockError, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert output.fail(error, as_json=True) == code
    assert json.loads(capsys.readouterr().err)["exit_code"] == code


HOSTILE = 'a"b\n<c> --> [*]; %%{init}%%'


def document() -> bytes:
    branch = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    states = {
        "First": {"Type": "Choice", "Default": "Both",
                  "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3, "Next": HOSTILE}]},
        "Both": {"Type": "Parallel", "Branches": [branch, json.loads(json.dumps(branch).replace("In", "Out"))],
                 "Catch": [{"ErrorEquals": ["E"], "Next": "First"}], "End": True},
        HOSTILE: {"Type": "Wait", "Seconds": 5, "Next": "Both"},
    }  # fmt: skip
    return json.dumps({"StartAt": "First", "States": states}).encode()


@pytest.mark.parametrize("width", [30, 60, 120])
def test_every_state_is_drawn_once(width: int) -> None:
    drawn = diagram.text(document(), width)
    assert drawn.count("│ In ") + drawn.count("│ │ In ") >= 1
    for title in ("│ First ", "Both: 2 at once", "wait 5 s"):
        assert drawn.count(title) == 1
    assert "if $.n > 3" in drawn
    assert "↩ Both" in drawn
    assert "\n<c>" not in drawn


def test_mermaid_takes_any_name_as_a_name() -> None:
    drawn = diagram.mermaid(document())
    assert drawn.startswith("stateDiagram-v2\n")
    assert HOSTILE not in drawn
    assert "%%" not in drawn
    declared = {
        line.split('" as ')[1] for line in drawn.splitlines() if line.strip().startswith("state ") and '" as ' in line
    }
    used = {
        word for line in drawn.splitlines() if "-->" in line for word in (line.split()[0], line.split()[2].rstrip(":"))
    }
    assert used - {"[*]"} <= declared
