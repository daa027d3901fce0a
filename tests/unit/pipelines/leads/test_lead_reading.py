"""Files of every format and encoding, read by their content."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cleaned_leads import incoming

from penstock.pipelines.leads import delimited, json_records
from penstock.pipelines.leads.reading import read
from penstock.pipelines.leads.records import Incoming
from penstock.pipelines.leads.text import pieces

ROWS = [
    {"Name": "Ann Lee", "Email": "ann@acme.com", "Visits": 3},
    {"Name": "Bob Öst", "Email": "bob@acme.com", "Visits": 4},
]
READ = [("Ann Lee", "ann@acme.com", "3"), ("Bob Öst", "bob@acme.com", "4")]
CSV = "Name,Email,Visits\nAnn Lee,ann@acme.com,3\nBob Öst,bob@acme.com,4\n"


def told(records: list[Incoming]) -> list[tuple[str | None, str | None, str | None]]:
    return [(one.full_name, one.email, one.visits) for one in records]


def workbook(rows: list[list[Any]], before: int = 0) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.create_sheet("Cover").append(["Quarterly export"])
    sheet = book.create_sheet("Contacts")
    for _ in range(before):
        sheet.append(["Leads of the fair"])
    for row in rows:
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


EXCEL = workbook([["Name", "Email", "Visits"], *[list(row.values()) for row in ROWS]])
FORMS: dict[str, bytes] = {
    "array": json.dumps(ROWS).encode(),
    "array, indented": json.dumps(ROWS, indent=2, ensure_ascii=False).encode(),
    "array in an object": json.dumps({"count": 2, "leads": ROWS, "next": None}).encode(),
    "array in an object, indented": json.dumps({"meta": {"page": 1}, "results": ROWS}, indent=1).encode(),
    "lines": "\n".join(map(json.dumps, ROWS)).encode(),
    "lines, blank ones between": ("\n\n" + "\n\n".join(map(json.dumps, ROWS)) + "\n").encode(),
    "objects over several lines": "\n".join(json.dumps(row, indent=2) for row in ROWS).encode(),
    "nested": json.dumps([{"contact": {"name": row["Name"], "emails": [row["Email"]]},
                           "stats": {"visits": row["Visits"]}, "visits": row["Visits"]} for row in ROWS]).encode(),
    "csv": CSV.encode(),
    "csv, carriage returns": CSV.replace("\n", "\r\n").encode(),
    "csv, old Mac": CSV.replace("\n", "\r").encode(),
    "csv, semicolons": CSV.replace(",", ";").encode(),
    "csv, tabs": CSV.replace(",", "\t").encode(),
    "csv, bars": CSV.replace(",", "|").encode(),
    "csv, titles above": ("sep=,\nLeads of the fair,,\n\n" + CSV).encode(),
    "csv, header again": (CSV + "Name,Email,Visits\n").encode(),
    "csv, short and blank lines": (CSV + ",,\n\n").encode(),
    "csv, Windows-1252": CSV.encode("cp1252"),
    "csv, UTF-8 mark": codecs.BOM_UTF8 + CSV.encode(),
    "csv, UTF-16": CSV.encode("utf-16"),
    "csv, UTF-16 big-endian": codecs.BOM_UTF16_BE + CSV.encode("utf-16-be"),
    "csv, UTF-16 without a mark": CSV.encode("utf-16-le"),
    "csv, UTF-32": CSV.encode("utf-32"),
    "array, UTF-16": json.dumps(ROWS, ensure_ascii=False).encode("utf-16"),
    "lines, UTF-8 mark": codecs.BOM_UTF8 + "\n".join(map(json.dumps, ROWS)).encode(),
    "gzip": gzip.compress(CSV.encode()),
    "gzip, array": gzip.compress(json.dumps(ROWS).encode()),
    "excel": EXCEL,
    "excel, titles above": workbook([["Name", "Email", "Visits"], *[list(row.values()) for row in ROWS]], before=3),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_reads_the_same(form: str) -> None:
    assert told(incoming(FORMS[form])) == READ


def test_a_stream_that_gives_a_byte_at_a_time() -> None:
    class Slow(io.RawIOBase):
        def __init__(self, content: bytes) -> None:
            self._content = io.BytesIO(content)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self._content.read(min(size, 1))

    for content in FORMS.values():
        records = [one for batch in read(Slow(content), "slow") for one in batch.records]  # type: ignore[arg-type]
        assert told(records) == READ


def test_lines_are_counted_as_an_editor_does() -> None:
    assert [one.line for one in incoming(FORMS["csv"])] == [2, 3]
    assert [one.line for one in incoming(FORMS["csv, titles above"])] == [5, 6]
    assert [one.line for one in incoming(FORMS["lines, blank ones between"])] == [3, 5]
    assert [one.line for one in incoming(FORMS["array"])] == [1, 2]
    assert [one.line for one in incoming(FORMS["excel, titles above"])] == [5, 6]
    several = 'email,notes\na@b.com,"one\ntwo"\nc@d.com,x\n'
    assert [(one.line, one.notes) for one in incoming(several)] == [(2, "one\ntwo"), (4, "x")]


def test_columns_that_nobody_knows_are_kept() -> None:
    (record,) = incoming("email,Shoe size,Mobile,Phone\na@b.com,42,111,222\n")
    assert (record.phone, json.loads(record.extra or "")) == ("222", {"Shoe size": "42", "Mobile": "111"})


def test_excel_values_are_as_a_person_writes_them() -> None:
    from datetime import datetime

    rows: list[list[Any]] = [["Email", "Phone", "Created", "Opt in", "Employees"],
            ["a@b.com", 33142928100, datetime.fromisoformat("2026-02-03T04:05:00"), True, 12.0]]  # fmt: skip
    (record,) = incoming(workbook(rows))
    assert (record.phone, record.created_at, record.consent, record.employees) == (
        "33142928100", "2026-02-03T04:05:00", "true", "12",
    )  # fmt: skip


def test_two_encodings_in_one_file() -> None:
    mixed = b"name,email\nJ\xc3\xb6rg,a@b.com\nJ\xf6rg,c@d.com\n"
    assert [one.full_name for one in incoming(mixed)] == ["Jörg", "Jörg"]


SIGNS = st.characters(codec="utf-8", exclude_characters="\0")
_VALUES = st.recursive(
    st.one_of(
        st.text(SIGNS, max_size=8),
        st.integers(),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(SIGNS, max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["email", "name", "x", '":', "\\"]), _VALUES, max_size=4), max_size=8),
       st.integers(min_value=1, max_value=40), st.booleans())  # fmt: skip
def test_json_pieces_of_any_size_are_the_values(rows: list[dict[str, Any]], size: int, indented: bool) -> None:
    text = json.dumps(rows, indent=1 if indented else None).encode()
    chunks = pieces(io.BytesIO(text[1:]), piece_bytes=size)
    assert [one for _, values in json_records.array(chunks, b"", wrapped=False) for one in values] == rows
    chunks = pieces(io.BytesIO("\n".join(map(json.dumps, rows)).encode()), piece_bytes=size)
    assert [one for _, values in json_records.lines(chunks) for one in values] == rows
    chunks = pieces(io.BytesIO("\n".join(json.dumps(row, indent=1) for row in rows).encode()), piece_bytes=size)
    assert [one for _, values in json_records.stream(chunks) for one in values] == rows


@settings(max_examples=60, deadline=None)
@given(
    st.text(SIGNS, max_size=60), st.integers(min_value=1, max_value=9), st.sampled_from(["utf-8", "utf-16", "utf-32"])
)
def test_text_in_pieces_is_the_text(text: str, size: int, name: str) -> None:
    # Two characters at least: less is too little to know an encoding by.
    text = "ab" + text
    stream = io.BytesIO(text.encode(name))
    head = stream.read(8)
    assert b"".join(pieces(stream, head, size)).decode() == text


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.text(st.sampled_from('ab",;\n\r é😀'), max_size=12), min_size=2, max_size=2), max_size=8),
    st.integers(min_value=1, max_value=30),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_tables_in_pieces_are_what_was_written(rows: list[list[str]], size: int, end: str, quoting: Any) -> None:
    if quoting == csv.QUOTE_MINIMAL:
        # Python's writer quotes no other signs that end lines than those that it ends them with.
        end = "\r\n"
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator=end, quoting=quoting)
    writer.writerows([["email", "notes"], *rows])
    stream = io.BytesIO(written.getvalue().encode())
    head = stream.read(len(f"email,notes{end}") + 4)
    found = [one for batch in delimited.batches(pieces(stream, head, size)) for one in batch]
    assert [(one.email or "", one.notes or "") for one in found] == [tuple(row) for row in rows if any(row)]
