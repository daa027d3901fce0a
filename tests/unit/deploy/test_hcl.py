"""Terraform's language: every value survives the way through its text.

Expected values follow https://developer.hashicorp.com/terraform/language/expressions/strings; Terraform itself is the
oracle where it is installed.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.terraform_cli import evaluate, terraform

from penstock.deploy import hcl
from penstock.deploy.hcl import Block, Call, Expression, Template, nested, resource

# Text that Terraform could read otherwise.
MARKS = st.sampled_from([
    "${", "%{", "$${", "%%{", "$", "%", "{", "}", "\\", '"', "\n", "\r", "\t", "\x00", "#", "\u2028", "\U000e0001",
    "\ufeff", "for", "é", "😀",
])  # fmt: skip
TEXT = st.lists(st.one_of(MARKS, st.text(st.characters(exclude_categories=["Cs"]), max_size=3)), max_size=8).map(
    "".join
)
SCALARS = st.one_of(TEXT, st.booleans(), st.none(), st.integers(-(2**63), 2**63))
# Keys that are one key in form NFC would be the same key for Terraform.
KEYS = TEXT.map(lambda text: unicodedata.normalize("NFC", text))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def read_string(literal: str) -> str:
    """Reads a quoted string by the language's rules; fails on one that would interpolate something."""
    assert literal[0] == literal[-1] == '"'
    assert "\n" not in literal
    inner = literal[1:-1]
    token = re.compile(
        r"\\(?P<plain>[nrt\"\\])|\\u(?P<short>[0-9a-f]{4})|\\U(?P<long>[0-9a-f]{8})"
        r"|(?P<dollar>\$\$\{)|(?P<percent>%%\{)|(?P<other>(?!\$\{|%\{|\\|\").)",
        re.DOTALL,
    )
    read, position = "", 0
    while position < len(inner):
        found = token.match(inner, position)
        assert found, f"at {position} of {inner!r}"
        position = found.end()
        code = found["short"] or found["long"]
        if found["plain"]:
            read += ESCAPES[found["plain"]]
        elif code:
            read += chr(int(code, 16))
        else:
            read += "${" if found["dollar"] else "%{" if found["percent"] else found["other"]
    return read


def attribute(value: Any) -> str:
    """Returns the text of a value, as it stands behind an equals sign."""
    return hcl.assignments({"a": value}).removeprefix("a = ").removesuffix("\n")


class TestStrings:
    @settings(max_examples=100, deadline=None)
    @given(TEXT)
    def test_any_text_is_read_back(self, text: str) -> None:
        assert read_string(attribute(text)) == text

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("${x}", '"$${x}"'),
            ("%{ if x }", '"%%{ if x }"'),
            ("$${x}", '"$$${x}"'),
            ("$ 5 %", '"$ 5 %"'),
            ('a "b" \\ c', '"a \\"b\\" \\\\ c"'),
            ("a\nb\tc\r", '"a\\nb\\tc\\r"'),
            ("\x00\u2028", '"\\u0000\\u2028"'),
            ("\U000e0001", '"\\U000e0001"'),
            ("größer 😀", '"größer 😀"'),
        ],
    )
    def test_what_is_escaped(self, text: str, written: str) -> None:
        assert attribute(text) == written

    def test_templates_interpolate_and_plain_text_does_not(self) -> None:
        assert attribute(Template('${local.prefix}a"b')) == '"${local.prefix}a\\"b"'
        assert attribute("${local.prefix}") == '"$${local.prefix}"'

    def test_half_of_a_surrogate_pair_is_refused(self) -> None:
        with pytest.raises(ValueError, match="half of a pair"):
            attribute("\ud83d")


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "written"), [(5.0, "5"), (0.5, "0.5"), (-3, "-3"), (1e22, "1" + "0" * 22), (1e-7, "1e-07")]
    )
    def test_are_written_as_terraform_reads_them(self, number: float, written: str) -> None:
        assert attribute(number) == written

    @pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
    def test_what_is_no_number_is_refused(self, number: float) -> None:
        with pytest.raises(ValueError, match="no number"):
            attribute(number)

    def test_what_terraform_does_not_know_is_refused(self) -> None:
        with pytest.raises(TypeError, match="object"):
            attribute(object())


class TestKeys:
    def test_names_are_bare_and_the_rest_is_quoted(self) -> None:
        assert attribute({"a-b": 1, "_c": 2, "1d": 3, "e f": 4, "${g}": 5, "": 6}).splitlines() == [
            "{",
            "  a-b     = 1",
            "  _c      = 2",
            '  "1d"    = 3',
            '  "e f"   = 4',
            '  "$${g}" = 5',
            '  ""      = 6',
            "}",
        ]

    def test_a_mapping_does_not_begin_like_a_loop(self) -> None:
        assert attribute({"for": 1}) == '{\n  "for" = 1\n}'


class TestIdentifiers:
    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=20))
    def test_are_what_terraform_accepts_as_a_name(self, name: str) -> None:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", hcl.identifier(name))

    def test_keep_letters_and_digits(self) -> None:
        assert hcl.identifier("infra-monitoring.alerts2") == "infra_monitoring_alerts2"
        assert hcl.identifier("2fast") == "r_2fast"


class TestBlocks:
    def test_a_whole_document(self) -> None:
        made = resource(
            "aws_thing",
            "one",
            {"name": "a", "long_name": Expression("var.b"), "none": None, "tags": {"x": 1}, "after": True},
            nested("rule", {"id": "r"}, nested("inner")),
            comment="First line.\nSecond line.",
        )
        assert hcl.document([made, Block("locals")], "A heading.") == (
            "# A heading.\n\n"
            "# First line.\n# Second line.\n"
            'resource "aws_thing" "one" {\n'
            '  name      = "a"\n'
            "  long_name = var.b\n"
            "\n"
            "  tags = {\n"
            "    x = 1\n"
            "  }\n"
            "\n"
            "  after = true\n"
            "\n"
            "  rule {\n"
            '    id = "r"\n'
            "\n"
            "    inner {}\n"
            "  }\n"
            "}\n"
            "\n"
            "locals {}\n"
        )

    def test_addresses(self) -> None:
        assert resource("aws_thing", "one", {}).address == "aws_thing.one"
        assert Block("data", ("aws_thing", "one")).address == "data.aws_thing.one"

    @settings(max_examples=60, deadline=None)
    @given(TEXT)
    def test_a_comment_never_ends_early(self, text: str) -> None:
        lines = hcl.document([], text).splitlines() if text else []
        assert all(line.startswith("#") for line in lines if line)


class TestTerraformItself:
    """Terraform reads back what was written: it holds strings in Unicode's form NFC."""

    @settings(max_examples=6, deadline=None)
    @given(values=st.lists(VALUES, min_size=10, max_size=40))
    def test_any_value_survives(self, values: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("values")
        written = {f"value_{number}": value for number, value in enumerate(values)}
        self._write(folder, hcl.document([Block("locals", (), {name: _kept(v) for name, v in written.items()})]))
        names = ", ".join(f"{name} = local.{name}" for name in written)
        assert evaluate(f"{{{names}}}", folder) == {name: _normal(value) for name, value in written.items()}

    @settings(max_examples=6, deadline=None)
    @given(values=st.lists(VALUES, min_size=10, max_size=40), comment=TEXT)
    def test_is_formatted_already(
        self, values: list[Any], comment: str, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("formatted")
        body = {f"value_{number}": _ascii_keys(value) for number, value in enumerate(values)}
        block = Block("locals", (), body, (), comment)
        self._write(folder, hcl.document([block, Block("output", ("x",), {"value": Call("jsonencode", (body,))})]))
        done = terraform("fmt", "-check", "-diff", "-no-color", folder=folder)
        assert (done.returncode, done.stdout) == (0, "")

    def _write(self, folder: Path, text: str) -> None:
        (folder / "main.tf").write_bytes(text.encode())


def _kept(value: Any) -> Any:
    """An attribute that is None is left out; below, it is null."""
    return Expression("null") if value is None else value


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        return {_normal(name): _normal(item) for name, item in value.items()}
    return value


def _ascii_keys(value: Any) -> Any:
    """Columns are counted in what people see as one character; keys of letters are all that is aligned here."""
    if isinstance(value, list):
        return [_ascii_keys(item) for item in value]
    if isinstance(value, dict):
        return {f"k{number}" * (number + 1): _ascii_keys(item) for number, item in enumerate(value.values())}
    return value
