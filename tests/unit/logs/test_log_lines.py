"""Any line in any format gives a record; traces stay together; nothing is lost, and nothing raises."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import UsageError
from penstock.logs import otlp, traces
from penstock.logs.entry import LogEntry, Origin
from penstock.logs.formats import AUTO, FORMATS, check_format, parse, read
from penstock.logs.rotation import is_packed, is_rotated, unpacked_name

ORIGIN = Origin(at=1_771_574_220.0, source="x.log", host="h", service="x")
SEEDS = [
    "<34>Oct 11 22:14:15 mymachine su: failed", "<34>1 2003-10-11T22:14:15.003Z h su - ID47 - x",
    '<165>1 - h e - ID47 [a@1 iut="3"] x', '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2 "-" "x"',
    'time="2015-03-26T01:27:38-04:00" level=debug msg="Started" n=8', '{"level":30,"time":1531171074631,"msg":"hello"}',
    '{"__REALTIME_TIMESTAMP":"1342540861416409","MESSAGE":[102,255]}', "2026-02-20 07:57:00,123 ERROR shop: no",
    "Traceback (most recent call last):", '  File "x.py", line 1, in f', "ValueError: x", "Caused by: a.b.C: x", "",
    "\tat a.b.C(D.java:1)", "0000-99-99 99:99:99 ERROR x", "9999-12-31T23:59:60.9-23:59 ERROR x", '{"ts":1e400}',
    '{"time":"99999999999999999999","level":true,"status":99,"latency":-1}', "<999>1 x", "Feb 30 25:61:61 h t: x",
]  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A line of some format in which something is amiss."""
    line = draw(st.sampled_from(SEEDS))
    place = draw(st.integers(0, len(line)))
    other = draw(st.one_of(st.sampled_from(SEEDS), st.text(max_size=10)))
    return (line[:place] + other + line[place + draw(st.integers(0, 5)) :]).replace("\n", " ")


LINES = st.one_of(st.sampled_from(SEEDS), mangled(), st.text(max_size=80).map(lambda text: text.replace("\n", " ")))


@settings(max_examples=100)
@given(LINES)
def test_any_line_gives_a_record_in_every_format(line: str) -> None:
    for name in (AUTO, *FORMATS):
        entry = parse(line, ORIGIN, name)
        encoded = msgspec.json.encode(entry)
        msgspec.json.decode(encoded, type=LogEntry)
        if entry.severity == "UNKNOWN" and name == "text":
            assert entry.message == line


@settings(max_examples=100)
@given(st.lists(LINES, max_size=12))
def test_every_line_is_of_an_entry(lines: list[str]) -> None:
    entries, count = read(lines, ORIGIN)
    assert count == len(lines)
    assert bool(entries) == bool(lines)
    assert len(entries) <= len(lines)


@settings(max_examples=100)
@given(st.lists(LINES, max_size=12), st.integers(0, 12))
def test_what_could_go_on_waits(lines: list[str], cut: int) -> None:
    """What is read in two parts is what is read in one."""
    first, count = read(lines[:cut], ORIGIN, is_complete=False)
    rest, left = read(lines[count:], ORIGIN)
    assert count + left == len(lines)
    assert first + rest == read(lines, ORIGIN)[0]


@settings(max_examples=100)
@given(st.lists(LINES, min_size=1, max_size=6), LINES)
def test_only_what_begins_like_more_goes_on(held: list[str], line: str) -> None:
    if traces.is_continuation(held, line):
        assert traces.BEGINS_LIKE_MORE.match(line)


PYTHON = [
    "2026-02-20 07:57:00,123 ERROR shop: no stock",
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in <module>',
    "    f()",
    "KeyError: 'x'",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "a.py", line 3, in <module>',
    "    g()",
    "    ~^^",
    "shop.NoStock: none",
]
JAVA = [
    "2026-02-20 07:57:00,123 [main] ERROR com.example.Shop - no stock",
    "java.lang.IllegalStateException: none",
    "\tat com.example.Shop.sell(Shop.java:7)",
    "\tSuppressed: java.io.IOException: closed",
    "\t\tat com.example.Shop.close(Shop.java:9)",
    "Caused by: java.lang.NullPointerException",
    "\tat com.example.Stock.get(Stock.java:3)",
    "\t... 12 more",
]


@pytest.mark.parametrize("trace", [PYTHON, JAVA, PYTHON[1:], ['Exception in thread "main" ' + JAVA[1], *JAVA[2:]]])
def test_a_trace_is_one_entry(trace: list[str]) -> None:
    text = [*trace, "2026-02-20 07:57:01,000 INFO shop: next"]
    entries, _ = read(text, ORIGIN)
    assert [one.severity for one in entries] == ["ERROR", "INFO"]
    assert entries[0].message.endswith(trace[-1])


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        (["one", "two", "three"], [1, 1, 1]),
        (["one", "  and more", "two"], [2, 1]),
        # Formats of one line an entry take none in.
        (["<13>Oct 11 22:14:15 h t: x", "  indented"], [1, 1]),
        # Two traces that nothing links are two entries.
        ([*PYTHON[1:5], *PYTHON[1:5]], [4, 4]),
        (["java.lang.Error: a", "\tat x.Y(Z.java:1)", "java.lang.Error: b", "\tat x.Y(Z.java:1)"], [2, 2]),
    ],
)
def test_what_belongs_together(lines: list[str], counts: list[int]) -> None:
    entries, _ = read(lines, ORIGIN)
    assert [1 + one.message.count("\n") for one in entries] == counts


def test_a_line_of_no_known_format_is_kept_whole() -> None:
    entry = parse("  \x00 what? ", ORIGIN)
    assert (entry.message, entry.severity, entry.service, entry.host) == ("  \x00 what? ", "UNKNOWN", "x", "h")


def test_a_format_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="klingon"):
        check_format("klingon")


def test_the_command_line_names_every_format() -> None:
    from penstock.cli import collect

    assert collect.FORMATS.split(", ") == [AUTO, *FORMATS]


@pytest.mark.parametrize(
    ("name", "live", "expected"),
    [
        # https://man7.org/linux/man-pages/man8/logrotate.8.html: numbers, dateext, extension
        ("app.log.1", "app.log", True), ("app.log-20260220", "app.log", True), ("app-20260220.log", "app.log", True),
        ("app.log-2026022007", "app.log", True), ("syslog.1", "syslog", True),
        # https://docs.python.org/3/library/logging.handlers.html: TimedRotatingFileHandler
        ("app.log.2026-02-20_07-57", "app.log", True),
        # https://logback.qos.ch/manual/appenders.html: SizeAndTimeBasedRollingPolicy
        ("app-2026-02-20.1.log", "app.log", True),
        ("app.log", "app.log", False), ("app.log.1.gz", "app.log", False), ("app.log.1.lz4", "app.log", False),
        ("app.logs", "app.log", False),
        ("app.log.bak", "app.log", False), ("apple.log", "app.log", False), ("app-two.log", "app.log", False),
        ("other.log.1", "app.log", False), (".log", "app.log", False),
    ],
)  # fmt: skip
def test_names_of_older_generations(name: str, live: str, expected: bool) -> None:
    assert is_rotated(name, live) is expected


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("app.log.2.gz", "app.log.2"), ("app.log-20260220.zst", "app.log-20260220"), ("app.log.2", "app.log.2"),
        ("app-2026-02-20.log.bz2", "app-2026-02-20.log"), ("app.log.3.xz", "app.log.3"), ("app.zip", "app.zip"),
    ],
)  # fmt: skip
def test_names_of_compressed_generations(name: str, before: str) -> None:
    assert unpacked_name(name) == before
    assert is_packed(name) == (name != before)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_otlp_or_refused(body: bytes) -> None:
    for is_json in (False, True):
        try:
            list(otlp.entries(otlp.decode_logs(body, is_json=is_json), 0.0))
        except otlp.ValidationError:
            continue
