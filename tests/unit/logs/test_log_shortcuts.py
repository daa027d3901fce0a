"""What is read in a shorter way says the same as what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.logs import access, logfmt
from penstock.logs.entry import LogEntry, Origin, encode, unknown
from penstock.logs.formats import read
from penstock.logs.timestamps import iso_moment
from penstock.runtime.machine.log_file import LINE_LIMIT_BYTES, Lines

ORIGIN = Origin(at=1_771_574_220.0, source="x.log", host="h", service="x")
QUOTED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=30).map(
    lambda text: text.replace("\\", "\\\\").replace('"', '\\"')
)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1))  # noqa: DTZ001 - the zone is drawn apart


@st.composite
def access_lines(draw: st.DrawFn, identity: str) -> tuple[str, str]:
    """The same line without and with an identity, which only the general way reads."""
    client = draw(st.sampled_from(["10.0.0.1", "2001:db8::1", "::1", "-", "host.example"]))
    user = draw(st.sampled_from(["-", "frank", "two words"]))
    moment = draw(
        st.sampled_from(["20/Feb/2026:07:57:00 +0000", "31/Dec/1999:23:59:60 -1130", "99/Foo/2026:07:57:00 +0000"])
    )
    rest = f'[{moment}] "{draw(QUOTED)}" {draw(st.integers(100, 599))} {draw(st.sampled_from(["-", "0", "17"]))}'
    if draw(st.booleans()):
        rest += f' "{draw(QUOTED)}" "{draw(QUOTED)}"'
        rest += draw(st.sampled_from(["", " 0.012", " rt=1.500", " -", ' "10.0.0.2" 0.1']))
    return f"{client} - {user} {rest}", f"{client} {identity} {user} {rest}"


def parsed(line: str) -> LogEntry | None:
    return access.parse(line, ORIGIN)


@settings(max_examples=100)
@given(access_lines("ident"))
def test_access_lines(lines: tuple[str, str]) -> None:
    usual, general = map(parsed, lines)
    assert (usual is None) == (general is None)
    if usual and general:
        general.attributes.pop("identity")
        assert usual == general


KEYS = st.text(st.sampled_from("abz._%-1"), min_size=1, max_size=5)
VALUES = st.one_of(
    st.sampled_from(["", "1", "8ms", '""', '"a b"', '"a=b c"', "a=b", "x,y"]),
    st.text(st.sampled_from('ab \\"=\t'), max_size=5),
)


@settings(max_examples=100)
@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6), st.sampled_from([" ", "  ", "\t"]))
def test_logfmt(pairs: list[tuple[str, str]], between: str) -> None:
    """A pair that is not ASCII has the whole line read in the general way."""
    line = between.join(f"{key}={value}" for key, value in pairs)
    general = logfmt.pairs(f"é=1 {line}")
    assert logfmt.pairs(line) == ((general and {key: value for key, value in general.items() if key != "é"}) or None)


@settings(max_examples=100)
@given(MOMENTS, st.integers(0, 9), st.sampled_from(["", "Z", "+05:30", "-0930"]), st.sampled_from("T "))
def test_iso_moments(moment: datetime, digits: int, zone: str, between: str) -> None:
    fraction = f".{moment.microsecond:06d}000"[: digits + 1] if digits else ""
    offsets = {"+05:30": timedelta(hours=5, minutes=30), "-0930": -timedelta(hours=9, minutes=30)}
    expected = moment.replace(
        microsecond=int(fraction[1:7].ljust(6, "0")) if digits else 0, tzinfo=timezone(offsets.get(zone, timedelta()))
    )
    found = iso_moment(f"{moment:%Y-%m-%d}{between}{moment:%H:%M:%S}{fraction}{zone}", ORIGIN)
    assert found == expected
    assert found is not None
    assert found.tzinfo is UTC


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b" "))), st.binary(max_size=3), st.booleans())
def test_the_lines_of_a_block(lines: list[bytes], rest: bytes, is_final: bool) -> None:
    rest = rest.replace(b"\n", b" ")
    data = b"".join(line + b"\n" for line in lines) + rest
    found = Lines(data, 100, is_final=is_final)
    expected = [line.removesuffix(b"\r") for line in lines] + ([rest] if is_final and rest else [])
    assert found.texts == [line.decode("utf-8", "backslashreplace") for line in expected]
    ends = [100 + sum(len(line) + 1 for line in lines[:count]) for count in range(len(lines) + 1)]
    assert [found.end(count) for count in range(len(lines) + 1)] == ends
    assert found.end(len(expected)) == (100 + len(data) if is_final else ends[-1])


def test_a_block_with_a_line_that_is_too_long() -> None:
    long = b"x" * (LINE_LIMIT_BYTES + 1)
    found = Lines(b"a\r\n" + long + b"\r\nb\nc", 10, is_final=False)
    assert [len(text) for text in found.texts] == [1, LINE_LIMIT_BYTES, 1, 1]
    assert [found.end(count) for count in range(5)] == [
        10, 13, 13 + LINE_LIMIT_BYTES, 13 + LINE_LIMIT_BYTES + 3, 13 + LINE_LIMIT_BYTES + 5,
    ]  # fmt: skip


def test_entries_are_one_line_each() -> None:
    entries, _ = read(["2026-02-20 07:57:00 ERROR x", "  more", "é \u2028 \x00"], ORIGIN)
    assert encode(entries).count(b"\n") == len(entries) == 2
    assert encode([]) == b""


def test_text_that_utf_8_cannot_say_is_refused() -> None:
    with pytest.raises(ValidationError, match="log entries"):
        encode([unknown("\ud800", ORIGIN)])
