"""Delimited text that an engine reads by itself gives the reader's records; what is open to doubt is left to it."""

from __future__ import annotations

import codecs
import io
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cleaned_leads import incoming

from penstock import Pipeline, TaskError
from penstock.adapters.local.transform import DuckDbTransformer
from penstock.pipelines.leads.plain_text import source, write
from penstock.pipelines.leads.records import Incoming
from penstock.runtime.transform_handle import TransformationHandle

COPY = Pipeline("copied-leads").transformation(
    "copied-leads",
    inputs={"incoming": Incoming},
    steps={"copied": "SELECT * FROM incoming"},
    outputs={"copied": Incoming},
    engines=["duckdb"],
)
CSV = 'Email,Name,Shoe size,Hat\nann@acme.com,Ann,42,\nbob@acme.com,"Öst, Bob",,"7"""\n'
READ = [(2, "ann@acme.com", "Ann", {"Shoe size": "42"}), (3, "bob@acme.com", "Öst, Bob", {"Hat": '7"'})]


def copied(content: bytes) -> list[Incoming]:
    """Returns the records of a file as they are in a transformation."""
    with tempfile.TemporaryDirectory() as folder:
        scope: Any = SimpleNamespace(ports=SimpleNamespace(transformer=DuckDbTransformer(Path(folder)), rows=None))
        with TransformationHandle(scope, COPY, 512).run(incoming=source(io.BytesIO(content), "leads")) as result:
            found = [one for batch in result.batches("copied") for one in batch]
            assert result.count("incoming") == result.count("copied") == len(found)
    return found


def is_plain(content: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return write(io.BytesIO(content), Path(folder) / "lines.csv") is not None


PLAIN = {
    "as it is": CSV,
    "carriage returns": CSV.replace("\n", "\r\n"),
    "semicolons": CSV.replace(", ", "~").replace(",", ";").replace("~", ", "),
    "tabs": CSV.replace(", ", "~").replace(",", "\t").replace("~", ", "),
    "no newline at the end": CSV[:-1],
    "header and empty lines between": CSV + ',,,\nEmail,Name,Shoe size,Hat\n"",,,\n',
}


@pytest.mark.parametrize("form", PLAIN)
def test_plain_text_is_read_by_the_engine(form: str) -> None:
    content = PLAIN[form].encode()
    assert is_plain(content)
    found = [(one.line, one.email, one.full_name, json.loads(one.extra or "{}")) for one in copied(content)]
    assert found == READ
    assert copied(codecs.BOM_UTF8 + content) == copied(content) == incoming(content)


def test_titles_above_the_header_are_counted() -> None:
    content = b"Leads of the fair\n\n" + CSV.encode()
    assert is_plain(content)
    assert [one.line for one in copied(content)] == [4, 5]


DOUBTFUL = {
    "a line with fewer cells": CSV + "eve@acme.com,Eve\n",
    "a line with more cells": CSV + "eve@acme.com,Eve,,,,x\n",
    "a blank line": CSV + "\n" + CSV,
    "a newline in a cell": CSV + 'eve@acme.com,"Eve\nOde",,\n',
    "a quotation mark that stays open": CSV + 'eve@acme.com,"Eve,,\n',
    "a quotation mark within a cell": CSV + 'eve@acme.com,E"v"e,,\n',
    "text behind a quotation": CSV + 'eve@acme.com,"Eve"x,,\n',
    "two columns of one meaning": "Email,Work email,Name\na@b.com,c@d.com,Ann\n",
    "two columns of one name": "Email,Hat,Hat\na@b.com,1,2\n",
    "one column": "Email\na@b.com\n",
    "a zero": CSV + "eve@acme.com,E\0ve,,\n",
    "a control character": CSV + "eve@acme.com,Eve,\x1f,\n",
    "a carriage return alone": CSV + "eve@acme.com,E\rve,,\n",
}


@pytest.mark.parametrize("form", DOUBTFUL)
def test_what_is_open_to_doubt_goes_to_the_reader(form: str) -> None:
    content = DOUBTFUL[form].encode()
    assert not is_plain(content)
    assert copied(content) == incoming(content)


@pytest.mark.parametrize("code", ["cp1252", "utf-16", "utf-16-le"])
def test_other_encodings_go_to_the_reader(code: str) -> None:
    content = CSV.encode(code)
    assert not is_plain(content)
    assert copied(content) == incoming(CSV)


@pytest.mark.parametrize("content", [b"", b"Hat,Shoe size\n1,2\n", b"Email,Name\n", b"Email,Name\n,\n", b"%PDF-1.7"])
def test_what_cannot_be_read_is_the_same_error(content: bytes) -> None:
    with pytest.raises(TaskError) as expected:
        incoming(content)
    with pytest.raises(TaskError) as raised:
        copied(content)
    assert str(raised.value) == str(expected.value)


CELLS = st.text(st.sampled_from([*'ab"", ;é\'\\/{}\u2028\U0001f600\x85\xa0']), max_size=5)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",') else cell


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=5), st.booleans())
def test_whatever_is_in_the_cells(rows: list[list[str]], is_sound: bool) -> None:
    lines = [",".join([quoted(cell) if is_sound else cell for cell in row]) for row in rows]
    content = "\n".join(["Email,Name,Hat,Shoe size", "a@b.com,A,1,2", *lines, ""]).encode()
    assert not is_sound or is_plain(content)
    assert copied(content) == incoming(content)
