"""Files that are not as they should be: a clear error and nothing kept, or the rest kept and the bad part shown."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator

import pytest
from tests.cleaned_leads import clean, incoming

from penstock import TaskError
from penstock.errors import UsageError
from penstock.pipelines.leads.extras import CLEANING, WORKBOOKS, check_installed
from penstock.pipelines.leads.reading import read
from penstock.pipelines.leads.records import REASONS, LeadReject


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \r\n\t\n", "the file is empty"),
    "a mark and nothing else": (b"\xef\xbb\xbf\n", "the file is empty"),
    "an empty array": (b" [ ] ", "no records"),
    "an empty list in an object": (b'{"leads": []}', "no records"),
    "a header alone": (b"name,email\n", "no records"),
    "zeros": (bytes(10_000), "nothing but zeros"),
    "blank UTF-16": (" \r\n".encode("utf-16"), "the file is empty"),
    "prose": (b"Dear colleagues,\nattached are the leads.\n", "no column says who the lead is"),
    "no header": (b"Ann,Lee,ann@acme.com\nBob,Lee,bob@acme.com\n", "no column says who the lead is"),
    "columns of something else": (b"sku,price\n1,2\n", "the columns are 'sku', 'price'"),
    "JSON of something else": (b'[{"sku": 1, "price": 2}]', "the columns are 'sku', 'price'"),
    "a web page": (b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page"),
    "XML": (b"<?xml version='1.0'?><leads/>", "XML"),
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "before 2007"),
    "Parquet": (b"PAR1" + bytes(64), "Parquet"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(64), "picture"),
    "noise": (bytes(range(256)) * 8, "binary"),
    "a zip archive": (archive(leads_csv=b"email\na@b.com\n"), "no Excel workbook"),
    "OpenDocument": (archive(**{"content.xml": b"<x/>"}), "OpenDocument"),
    "a damaged workbook": (archive(**{"xl__workbook.xml": b"<x"}), "damaged"),
    "half a zip archive": (archive(**{"xl__workbook.xml": b"<x/>"})[:40], "damaged"),
    "half a gzip": (gzip.compress(b"email\n" + b"a@b.com\n" * 5000)[:-20], "damaged"),
    "half an array": (json.dumps([{"email": f"a{n}@b.com"} for n in range(9)]).encode()[:-10], "middle of record 9"),
    "an array cut at a comma": (b'[{"email": "a@b.com"},', "middle of record 2"),
    "half an object over lines": (b'{\n "email": "a@b.com"\n}\n{\n "email":', "middle of record 2"),
    "an array without a comma": (b'[{"email": "a@b.com"} {"email": "c@d.com"}]', "a comma is missing"),
    "two arrays": (b'[{"email": "a@b.com"}] [{"email": "c@d.com"}]', "follows the end"),
    "ten thousand columns": (
        (",".join(["email", *(f"c{number}" for number in range(9_999))]) + "\n").encode(), "10,000 columns",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read(case: str) -> None:
    content, words = UNREADABLE[case]
    with pytest.raises(TaskError) as raised:
        incoming(content)
    assert words in raised.value.message
    assert raised.value.hint
    assert raised.value.error == "Leads.UnreadableInput"


def rejected(content: bytes | str) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in clean(content)[1]]


def only(content: bytes | str) -> LeadReject:
    _, (reject,) = clean(content)
    return reject


def test_a_damaged_line_is_refused_and_the_others_are_kept() -> None:
    leads, rejects = clean('{"email": "a@b.com"}\n{"email": \n"x"\n{"email": "c@d.com"}\n')
    assert [lead.email for lead in leads] == ["a@b.com", "c@d.com"]
    assert [(one.line, one.reason, one.raw) for one in rejects] == [
        (2, "not_json", '{"email": '), (3, "not_a_record", '"x"'),
    ]  # fmt: skip


def test_a_damaged_element_of_an_array_is_refused() -> None:
    leads, rejects = clean('[{"email": "a@b.com"}, {"email": tru}, 7, {"email": "c@d.com"}]')
    assert [lead.email for lead in leads] == ["a@b.com", "c@d.com"]
    assert [(one.line, one.reason, one.raw) for one in rejects] == [
        (2, "not_json", '{"email": tru}'), (3, "not_a_record", "7"),
    ]  # fmt: skip


def test_a_quotation_mark_that_never_closes_takes_its_line_alone() -> None:
    content = 'name,email\n"Ann,a@b.com\nBob,b@b.com\nCid,c@b.com\n'
    leads, rejects = clean(content)
    assert [lead.email for lead in leads] == ["b@b.com", "c@b.com"]
    assert [(one.line, one.reason, one.raw) for one in rejects] == [(2, "unclosed_quote", '"Ann,a@b.com')]


def test_a_quotation_mark_that_closes_much_later() -> None:
    lines = [f"n{number},n{number}@b.com" for number in range(5_000)]
    lines[10], lines[4_000] = '"' + lines[10], lines[4_000] + ' "'
    records = incoming("name,email\n" + "\n".join(lines) + "\n")
    refused = [(one.line, one.refused) for one in records if one.refused]
    assert refused == [(12, "unclosed_quote")]
    assert [one.line for one in records] == list(range(2, 5_002))


def test_two_quotation_marks_that_never_close_do_not_close_each_other() -> None:
    content = 'name,email\n"Ann,a@b.com\nBob,b@b.com\n"Cid,c@b.com\nDan,d@b.com\n"Eve\nLee",e@b.com\n'
    records = incoming(content)
    assert [(one.line, one.refused or one.full_name) for one in records] == [
        (2, "unclosed_quote"), (3, "Bob"), (4, "unclosed_quote"), (5, "Dan"), (6, "Eve\nLee"),
    ]  # fmt: skip


def test_as_many_open_quotation_marks_as_lines() -> None:
    lines = [f'"n{number},n{number}@b.com' for number in range(20_000)]
    records = incoming("name,email\n" + "\n".join(lines) + "\nBob,b@b.com\n")
    assert [one.line for one in records] == list(range(2, 20_003))
    assert [one.line for one in records if not one.refused] == [20_002]


def test_a_line_with_too_many_cells() -> None:
    reject = only("name,email\nAnn,a@b.com\nBob,b@b.com,what\n")
    assert (reject.line, reject.reason, reject.raw) == (3, "too_many_cells", "Bob,b@b.com,what")
    assert "3 cells" in reject.message


def test_an_object_with_too_many_names() -> None:
    wide = {"email": "w@b.com"} | {f"c{number}": 1 for number in range(9_999)}
    reject = only(json.dumps([{"email": "a@b.com"}, wide]))
    assert (reject.line, reject.reason) == (2, "too_many_fields")
    assert "10,000 fields" in reject.message
    assert len(reject.raw) == 65_536


def test_a_field_of_a_megabyte() -> None:
    long = "x" * 1024 * 1024
    leads, rejects = clean(f"name,email,notes\n{long},a@b.com,\nBob,b@b.com,{long}\nCid,c@b.com,short\n")
    assert [lead.email for lead in leads] == ["c@b.com"]
    assert [(one.line, one.reason) for one in rejects] == [(2, "field_too_long"), (3, "field_too_long")]
    leads, rejects = clean(json.dumps([{"email": "a@b.com", "notes": long}, {"email": "b@b.com"}]))
    assert [lead.email for lead in leads] == ["b@b.com"]
    assert [one.reason for one in rejects] == ["field_too_long"]


def test_a_name_that_stands_twice_in_one_object_loses_nothing() -> None:
    (record,) = incoming('{"email": "", "email": "a@b.com", "phone": "1", "phone": "2"}')
    assert (record.email, record.phone, json.loads(record.extra or "")) == ("a@b.com", "1", {"phone 2": "2"})


def test_a_column_that_stands_twice_loses_nothing() -> None:
    (record,) = incoming("email,phone,phone\na@b.com,,5\n")
    assert record.phone == "5"


def test_half_a_surrogate_pair_and_a_zero_are_left_out() -> None:
    leads, rejects = clean('{"email": "a@b.com", "name": "Ann \\ud83d Lee", "notes": "x\\u0000y\\\\u0000"}')
    assert rejects == []
    assert (leads[0].full_name, leads[0].notes) == ("Ann Lee", "xy\\u0000")
    (lead,), _ = clean(b"email,notes\na@b.com,x\0y\n")
    assert lead.notes == "xy"


def test_a_depth_that_no_record_has() -> None:
    deep = '{"email": "a@b.com", "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert rejected('{"email": "b@b.com"}\n' + deep) == [(2, "not_json")]


def test_numbers_beyond_all_bounds() -> None:
    leads, _ = clean('{"email": "a@b.com", "visits": 1e999, "employees": 123456789012345678901234567890, "opens": NaN}')
    assert (leads[0].visits, leads[0].employees, leads[0].email_opens) == (0, None, 0)
    assert set(leads[0].issues) == {"count_unreadable", "employees_unreadable"}


HOSTILE = (
    "Robert'); DROP TABLE leads;--", '=cmd|"/c calc"!A1', "@SUM(1)", "-1+1", "اَلْعَرَبِيَّةُ", "עברית", "😀 GmbH",
    "a'b\"c\\d", "${jndi:x}",
    "<script>alert(1)</script>", "%s%n", "../../etc/passwd",
)  # fmt: skip


def test_hostile_text_is_text() -> None:
    rows = [
        {"email": f"a{number}@b.com", "company": text, "notes": text, "x": text} for number, text in enumerate(HOSTILE)
    ]
    leads, rejects = clean(json.dumps(rows))
    assert rejects == []
    assert [(lead.company, lead.notes, json.loads(lead.extra or "")) for lead in leads] == [
        (text, text, {"x": text}) for text in HOSTILE
    ]


USELESS: tuple[tuple[dict[str, str | None], str, str], ...] = (
    ({"notes": "call", "email": None}, "no_identity", "neither an e-mail address"),
    ({"email": None}, "empty", "says nothing"),
    ({"email": "ann(at)acme"}, "email_invalid", "ann(at)acme"),
    ({"email": "x", "first_name": "Ann", "company": "Acme"}, "email_invalid", "no other way to reach"),
    ({"phone": "12345", "country": "US"}, "phone_invalid", "12345"),
    ({"last_name": "Lee", "phone": "n/a"}, "no_identity", "neither"),
    ({"city": "Rome", "email": ""}, "no_identity", "neither"),
)


def test_records_that_nobody_can_use() -> None:
    leads, rejects = clean("\n".join(json.dumps(record) for record, _, _ in USELESS))
    assert leads == []
    assert [(one.line, one.reason) for one in rejects] == [
        (line, reason) for line, (_, reason, _) in enumerate(USELESS, start=1)
    ]
    for reject, (record, _, words) in zip(rejects, USELESS, strict=True):
        assert words in reject.message
        assert json.loads(reject.raw) == {name: value for name, value in record.items() if value}


def test_a_library_that_is_missing_is_named_with_its_mend() -> None:
    with pytest.raises(UsageError, match="no-such-thing") as raised:
        check_installed({"json": "json", "no_such_module": "no-such-thing"})
    assert raised.value.hint == "pip install 'penstock[leads]'"
    check_installed({**CLEANING, **WORKBOOKS})


def test_every_reason_has_words() -> None:
    assert all(message and message[0].islower() for message in REASONS.values())


class Endless(io.RawIOBase):
    """A file of so many bytes that is made while it is read."""

    def __init__(self, begin: bytes, row: bytes, size: int) -> None:
        self._parts = self._made(begin, row * (1024 * 1024 // len(row)), size)
        self._buffer = b""

    @staticmethod
    def _made(begin: bytes, block: bytes, size: int) -> Iterator[bytes]:
        yield begin
        for _ in range(size // len(block)):
            yield block

    def read(self, size: int = -1) -> bytes:
        while len(self._buffer) < size and (part := next(self._parts, None)) is not None:
            self._buffer += part
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


NOTE = b"x" * 4_000


@pytest.mark.parametrize(
    ("begin", "row"),
    [(b"email,notes\n", b"ann@acme.com," + NOTE + b"\n"),
     (b"", b'{"email": "ann@acme.com", "notes": "' + NOTE + b'"}\n'),
     (b'[{"email": "x@y.com"}', b',{"email": "ann@acme.com", "notes": "' + NOTE + b'"}')],
)  # fmt: skip
def test_memory_does_not_grow_with_the_file(begin: bytes, row: bytes) -> None:
    def peak(size: int) -> int:
        tracemalloc.start()
        try:
            for _ in read(Endless(begin, row, size), "endless"):  # type: ignore[arg-type]
                pass
        except TaskError as error:
            if "ends in the middle" not in error.message:
                raise
        finally:
            _, found = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return found

    assert peak(60 * 1024 * 1024) < 1.3 * peak(20 * 1024 * 1024)
