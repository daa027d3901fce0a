"""The page on lint names every code, and each example on it has the finding that it is an example of."""

import json
import re
from pathlib import Path

import pytest

from penstock.states import lint
from penstock.states.lint import AWS_ONLY, CODES
from penstock.states.lint.codes import WARNING

PAGE = (Path(__file__).parents[2] / "docs/reference/lint.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \| (`[^|]+`|none) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)


def test_every_code_has_its_line_and_every_line_its_code() -> None:
    assert [row[0] for row in ROWS] == list(CODES)
    warnings = PAGE.index("## Warnings")
    for code, *_ in ROWS:
        assert (PAGE.index(f"| `{code}` |") > warnings) == (CODES[code].severity == WARNING)


@pytest.mark.parametrize(("code", "aws"), [(row[0], row[4]) for row in ROWS])
def test_aws_calls_it_so(code: str, aws: str) -> None:
    assert CODES[code].aws in re.findall(r"[A-Za-z_]+", aws) or (not CODES[code].aws and aws == "none")


@pytest.mark.parametrize(("code", "example"), [(row[0], row[2]) for row in ROWS if row[2] != "none"])
def test_the_example_is_one(code: str, example: str) -> None:
    text = example.strip("`")
    if not text.startswith('{"StartAt"'):
        text = json.dumps({"StartAt": next(iter(json.loads(text))), "States": json.loads(text)})
    assert {(one.code, one.severity) for one in lint(text, warnings=True)} - {("no-end", "ERROR")} == {
        (code, CODES[code].severity)
    } - {("no-end", "ERROR")}
    assert code in {one.code for one in lint(text, warnings=True)}


def test_what_aws_alone_asks_for_is_named() -> None:
    (named,) = re.findall(r"^- (`.*) are AWS's rules and not the language's", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", named)) == AWS_ONLY
