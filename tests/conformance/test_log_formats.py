"""Lines that specifications and manuals give as examples, and what they say there that they mean. Each row names its
source."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from penstock.logs.entry import Origin
from penstock.logs.formats import parse

# 2026-02-20T07:57:00Z
ORIGIN = Origin(at=1_771_574_220.0, source="/var/log/x.log", host="here", service="x")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def check(line: str, expected: dict[str, Any], name: str = "auto") -> None:
    entry = parse(line, ORIGIN, name)
    found = {field: getattr(entry, field) for field in expected if field != "attributes"}
    assert found == {field: value for field, value in expected.items() if field != "attributes"}
    assert expected.get("attributes", {}).items() <= entry.attributes.items()


RFC3164 = [
    # Section 5.4, example 1. PRI 34 is facility 4 (security/authorization), severity 2 (critical).
    ("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
     {"timestamp": utc(2025, 10, 11, 22, 14, 15), "severity": "CRITICAL", "host": "mymachine", "service": "su",
      "message": "'su root' failed for lonvick on /dev/pts/8", "attributes": {"facility": "auth"}}),
    # Section 5.4, example 2: what a relay makes of `Use the BFG!`. PRI 13 is user, notice.
    ("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
     {"timestamp": utc(2026, 2, 5, 17, 32, 18), "severity": "INFO", "host": "10.0.0.99", "message": "Use the BFG!"}),
    # Section 5.4, example 4: PRI 0 is kernel, emergency; what follows is no valid header, so all of it is content.
    ("<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
     {"severity": "CRITICAL", "host": "here", "timestamp": utc(2026, 2, 20, 7, 57), "attributes": {"facility": "kern"},
      "message": "1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!"}),
    # Section 5.4, example 5: the same with the header that a relay puts before it.
    ("<0>Oct 22 10:52:12 scapegoat 1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: "
     "That's All Folks!",
     {"timestamp": utc(2025, 10, 22, 10, 52, 12), "severity": "CRITICAL", "host": "scapegoat",
      "message": "1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!"}),
    # Section 5.4, example 3: what stands in the host's place is the host, whatever was meant.
    ("<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.",
     {"timestamp": utc(2025, 8, 24, 5, 34), "host": "CST",
      "message": "1987 mymachine myproc[10]: %% It's time to make the do-nuts."}),
    # The same as it was meant. Section 5.3: the process id in brackets after the tag.
    ("<165>Feb 19 05:34:00 mymachine myproc[10]: %% It's time to make the do-nuts.",
     {"severity": "INFO", "service": "myproc", "attributes": {"pid": "10", "facility": "local4"},
      "message": "%% It's time to make the do-nuts."}),
    # Section 4.1.1: PRI is 0 to 191. Another number is none, and the line is of no known format.
    ("<192>Oct 11 22:14:15 mymachine su: x",
     {"severity": "UNKNOWN", "message": "<192>Oct 11 22:14:15 mymachine su: x"}),
    # rsyslog's RSYSLOG_TraditionalFileFormat: https://www.rsyslog.com/doc/configuration/templates.html
    ("Feb 19 23:59:59 web1 sshd[4242]: Accepted publickey for root",
     {"timestamp": utc(2026, 2, 19, 23, 59, 59), "severity": "UNKNOWN", "host": "web1", "service": "sshd",
      "message": "Accepted publickey for root", "attributes": {"pid": "4242"}}),
    # rsyslog's RSYSLOG_FileFormat: the same page.
    ("2026-02-19T23:59:59.123456+01:00 web1 kernel: error: disk on fire",
     {"timestamp": utc(2026, 2, 19, 22, 59, 59, 123456), "severity": "ERROR", "host": "web1", "service": "kernel"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), RFC3164)
def test_rfc3164(line: str, expected: dict[str, Any]) -> None:
    check(line, expected)


@pytest.mark.parametrize(
    ("line", "at", "expected"),
    [
        # A line of December that is read in January is of the last year; one of today is of this.
        ("<13>Dec 31 23:59:59 h t: x", utc(2026, 1, 1), utc(2025, 12, 31, 23, 59, 59)),
        ("<13>Jan  1 00:00:00 h t: x", utc(2026, 1, 1), utc(2026, 1, 1)),
        # A clock that is a little fast writes of next year.
        ("<13>Jan  1 00:00:30 h t: x", utc(2025, 12, 31, 23, 59, 50), utc(2026, 1, 1, 0, 0, 30)),
        # 29 February was in 2024 last.
        ("<13>Feb 29 12:00:00 h t: x", utc(2026, 3, 1), utc(2024, 2, 29, 12)),
    ],
)
def test_the_year_of_rfc3164(line: str, at: datetime, expected: datetime) -> None:
    assert parse(line, Origin(at=at.timestamp())).timestamp == expected


def test_times_without_a_zone_are_local() -> None:
    # Paris is two hours ahead of UTC in summer.
    origin = Origin(at=utc(2026, 7, 2).timestamp(), zone=ZoneInfo("Europe/Paris"))
    assert parse("Jul  1 12:00:00 h t: x", origin).timestamp == utc(2026, 7, 1, 10)
    assert parse("2026-07-01 12:00:00,5 INFO x", origin).timestamp == utc(2026, 7, 1, 10, 0, 0, 500_000)


RFC5424 = [
    # Section 6.5, example 1, with the byte order mark that stands for UTF-8. PRI 34: auth, critical.
    ("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
     "\ufeff'su root' failed for lonvick on /dev/pts/8",
     {"timestamp": utc(2003, 10, 11, 22, 14, 15, 3000), "severity": "CRITICAL", "host": "mymachine.example.com",
      "service": "su", "message": "'su root' failed for lonvick on /dev/pts/8",
      "attributes": {"message_id": "ID47", "facility": "auth"}}),
    # Section 6.5, example 2: PRI 165 is local4, notice; the process id is 8710; the zone is -07:00.
    ("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
     {"timestamp": utc(2003, 8, 24, 12, 14, 15, 3), "severity": "INFO", "host": "192.0.2.1", "service": "myproc",
      "message": "%% It's time to make the do-nuts.", "attributes": {"pid": "8710", "facility": "local4"}}),
    # Section 6.5, example 3: structured data and a message.
    ('<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" '
     'eventSource="Application" eventID="1011"] \ufeffAn application event log entry...',
     {"service": "evntslog", "message": "An application event log entry...",
      "attributes": {"exampleSDID@32473.iut": "3", "exampleSDID@32473.eventSource": "Application",
                     "exampleSDID@32473.eventID": "1011"}}),
    # Section 6.5, example 4: structured data alone.
    ('<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" '
     'eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
     {"message": "", "attributes": {"examplePriority@32473.class": "high", "exampleSDID@32473.iut": "3"}}),
    # Section 6.2.3.1, examples 1 and 2: the same moment in two zones.
    ("<0>1 1985-04-12T23:20:50.52Z - - - - - x", {"timestamp": utc(1985, 4, 12, 23, 20, 50, 520_000)}),
    ("<0>1 1985-04-12T19:20:50.52-04:00 - - - - - x", {"timestamp": utc(1985, 4, 12, 23, 20, 50, 520_000)}),
    # Section 6.2.3: a time that cannot be had is -; so is every other part of the header.
    ("<191>1 - - - - - -",
     {"timestamp": utc(2026, 2, 20, 7, 57), "host": "here", "service": "x", "severity": "DEBUG", "message": ""}),
    # Section 6.3.3: ", \ and ] are escaped with a backslash.
    (r'<0>1 - - - - - [a@1 b="say \"hi\" \\ \]"] x', {"message": "x", "attributes": {"a@1.b": r'say "hi" \ ]'}}),
    # Section 6.3.5, example 3: a space between two elements makes the second a part of the message.
    ('<0>1 - - - - - [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] '
     '[examplePriority@32473 class="high"]',
     {"message": '[examplePriority@32473 class="high"]', "attributes": {"exampleSDID@32473.eventID": "1011"}}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), RFC5424)
def test_rfc5424(line: str, expected: dict[str, Any]) -> None:
    check(line, expected)


@pytest.mark.parametrize(
    ("number", "severity"),
    # RFC 5424, table 2: emergency, alert, critical, error, warning, notice, informational, debug.
    list(enumerate(["CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG"])),
)
def test_severities_of_syslog(number: int, severity: str) -> None:
    for facility in (0, 4, 23):
        assert parse(f"<{facility * 8 + number}>Oct 11 22:14:15 h t: x", ORIGIN).severity == severity
        assert parse(f"<{facility * 8 + number}>1 - - - - - - x", ORIGIN).severity == severity


ACCESS = [
    # https://httpd.apache.org/docs/2.4/logs.html#combined
    ('127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 '
     '"http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"',
     {"timestamp": datetime(2000, 10, 10, 13, 55, 36, tzinfo=timezone(-timedelta(hours=7))), "status": 200,
      "severity": "INFO", "message": "GET /apache_pb.gif HTTP/1.0", "latency_ms": None,
      "attributes": {"client": "127.0.0.1", "user": "frank", "bytes": "2326",
                     "referer": "http://www.example.com/start.html",
                     "user_agent": "Mozilla/4.08 [en] (Win98; I ;Nav)"}}),
    # The same page, #common.
    ('127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326',
     {"status": 200, "message": "GET /apache_pb.gif HTTP/1.0"}),
    # https://httpd.apache.org/docs/2.4/mod/mod_log_config.html: - for no bytes; quotes and backslashes are escaped.
    (r'::1 - - [20/Feb/2026:07:57:00 +0000] "GET /\"x\\y HTTP/1.1" 503 - "-" "-"',
     {"status": 503, "severity": "ERROR", "message": r'GET /"x\y HTTP/1.1', "attributes": {"client": "::1"}}),
    # https://nginx.org/en/docs/http/ngx_http_log_module.html: bytes are \xXX; $request_time in seconds at the end.
    (r'10.1.2.3 - - [20/Feb/2026:07:57:00 +0000] "\x16\x03\x01" 400 157 "-" "-" 0.125',
     {"status": 400, "severity": "WARNING", "message": "\x16\x03\x01", "latency_ms": 125.0}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), ACCESS)
def test_access(line: str, expected: dict[str, Any]) -> None:
    check(line, expected)


JOURNAL = [
    # https://systemd.io/JOURNAL_EXPORT_FORMATS/: fields of the page's first entry, as `journalctl -o json` writes them.
    # date -u -d @1342540861 is 2012-07-17T16:01:01; the source's own time goes before that of its arrival.
    ({"__CURSOR": "s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7", "__REALTIME_TIMESTAMP": "1342540861416409",
      "__MONOTONIC_TIMESTAMP": "21415215982", "PRIORITY": "4", "SYSLOG_IDENTIFIER": "gdm-password]", "_PID": "587",
      "_SOURCE_REALTIME_TIMESTAMP": "1342540861413961", "_HOSTNAME": "epsilon",
      "MESSAGE": "AccountsService-DEBUG(+): ActUserManager: ignoring unspecified session '8' since it's not graphical"},
     {"timestamp": utc(2012, 7, 17, 16, 1, 1, 413_961), "severity": "WARNING", "service": "gdm-password]",
      "host": "epsilon",
      "message": "AccountsService-DEBUG(+): ActUserManager: ignoring unspecified session '8' since it's not graphical",
      "attributes": {"_PID": "587"}}),
    # The same page, Journal JSON Format: what is no text is a list of numbers …
    ({"__REALTIME_TIMESTAMP": "1342540861416409", "MESSAGE": [102, 111, 111, 10, 98, 97, 114]},
     {"message": "foo\nbar", "timestamp": utc(2012, 7, 17, 16, 1, 1, 416_409)}),
    # … a field that was too large is null …
    ({"__REALTIME_TIMESTAMP": "1342540861416409", "MESSAGE": None, "PRIORITY": "6"}, {"severity": "INFO"}),
    # … and one that occurs several times is a list of such.
    ({"__REALTIME_TIMESTAMP": "1342540861416409", "MESSAGE": ["one", [255]], "_HOSTNAME": "h"},
     {"message": "one\n\\xff", "host": "h"}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), JOURNAL)
def test_journald(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    check(json.dumps(fields), expected)


LOGFMT = [
    # https://pkg.go.dev/github.com/kr/logfmt
    ('foo=bar a=14 baz="hello kitty" cool%story=bro f %^asdf',
     {"message": 'foo=bar a=14 baz="hello kitty" cool%story=bro f %^asdf', "severity": "UNKNOWN"}),
    # https://brandur.org/logfmt
    ('at=info method=GET path=/ host=mutelight.org fwd="124.133.52.161" dyno=web.2 connect=4ms service=8ms status=200 '
     "bytes=1653",
     {"severity": "INFO", "status": 200, "latency_ms": 8.0, "host": "mutelight.org"}),
    # https://github.com/sirupsen/logrus, README
    ('time="2015-03-26T01:27:38-04:00" level=debug msg="Started observing beach" animal=walrus number=8',
     {"timestamp": utc(2015, 3, 26, 5, 27, 38), "severity": "DEBUG", "message": "Started observing beach",
      "attributes": {"animal": "walrus", "number": "8"}}),
    ('level=error msg="say \\"no\\"" duration=1.5s trace_id=abc',
     {"message": 'say "no"', "latency_ms": 1500.0, "trace_id": "abc", "severity": "ERROR"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LOGFMT)
def test_logfmt(line: str, expected: dict[str, Any]) -> None:
    check(line, expected)


@pytest.mark.parametrize(
    "text", ["plain words", "a=b and then words that are no pairs", 'x="unended', "=x y=z", "one=1"]
)
def test_what_is_not_logfmt(text: str) -> None:
    assert parse(text, ORIGIN).severity == "UNKNOWN"
    assert parse(text, ORIGIN).message == text


JSON_LINES = [
    # https://getpino.io/#/?id=usage: levels are numbers, time is in milliseconds.
    ('{"level":30,"time":1531171074631,"msg":"hello world","pid":657,"hostname":"Davids-MBP-3.fritz.box"}',
     {"timestamp": utc(2018, 7, 9, 21, 17, 54, 631_000), "severity": "INFO", "message": "hello world",
      "host": "Davids-MBP-3.fritz.box", "attributes": {"pid": "657"}}),
    # https://github.com/uber-go/zap: ts is in seconds.
    ('{"level":"error","ts":1531171074.5,"msg":"failed to fetch URL","attempt":3,"backoff":"1s"}',
     {"timestamp": utc(2018, 7, 9, 21, 17, 54, 500_000), "severity": "ERROR", "attributes": {"attempt": "3"}}),
    # https://www.elastic.co/guide/en/ecs-logging/overview/current/intro.html
    ('{"@timestamp":"2019-08-06T12:09:12.375Z", "log.level": "INFO", "message":"Tomcat started", '
     '"service.name":"spring-petclinic","process.thread.name":"restartedMain"}',
     {"timestamp": utc(2019, 8, 6, 12, 9, 12, 375_000), "severity": "INFO", "service": "spring-petclinic",
      "message": "Tomcat started"}),
    # ECS, nested.
    ('{"@timestamp":"2019-08-06T12:09:12Z","log":{"level":"warn"},"service":{"name":"shop"},"message":"m"}',
     {"severity": "WARNING", "service": "shop"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), JSON_LINES)
def test_json_lines(line: str, expected: dict[str, Any]) -> None:
    check(line, expected)


APPLICATION = [
    # https://docs.python.org/3/howto/logging.html: the default, and the formatter of the chapter on configuration.
    ("WARNING:root:Watch out!", {"severity": "WARNING", "service": "root", "message": "Watch out!"}),
    ("2005-03-19 15:10:26,618 - simple_example - DEBUG - debug message",
     {"timestamp": utc(2005, 3, 19, 15, 10, 26, 618_000), "severity": "DEBUG", "service": "simple_example",
      "message": "debug message"}),
    # https://docs.spring.io/spring-boot/reference/features/logging.html
    ("2026-02-20T07:57:00.330Z  INFO 128172 --- [myapp] [           main] o.s.b.d.f.logexample.MyApplication       : "
     "Starting MyApplication using Java 17",
     {"timestamp": utc(2026, 2, 20, 7, 57, 0, 330_000), "severity": "INFO",
      "service": "o.s.b.d.f.logexample.MyApplication", "message": "Starting MyApplication using Java 17"}),
    # https://logback.qos.ch/manual/layouts.html, with a date: %d [%thread] %-5level %logger - %msg
    ("2026-02-20 07:57:00,123 [main] WARN  com.example.Shop - no stock",
     {"severity": "WARNING", "service": "com.example.Shop", "message": "no stock"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), APPLICATION)
def test_application(line: str, expected: dict[str, Any]) -> None:
    check(line, expected)
