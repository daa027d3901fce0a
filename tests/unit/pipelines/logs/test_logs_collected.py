"""Lines that were collected from real files are records of the table like any others."""

from datetime import UTC, datetime

import msgspec

from penstock.lake import records
from penstock.logs.entry import LogEntry, Origin, unknown


def decoded(entry: LogEntry) -> LogEntry:
    (found,) = records.decode(msgspec.json.encode(entry), LogEntry)
    assert isinstance(found, records.Good), found
    record: LogEntry = found.record
    return record


def test_every_field_of_a_collected_line_is_a_column() -> None:
    entry = LogEntry(
        timestamp=datetime(2026, 2, 20, 7, 57, 0, 250_000, tzinfo=UTC),
        severity="WARNING",
        service="nginx",
        host="web-1",
        device_type="server",
        message="GET /missing",
        latency_ms=12.5,
        status=404,
        trace_id="0af7651916cd43dd8448eb211c80319c",
        source="/var/log/nginx/access.log",
        attributes={"client": "203.0.113.9"},
    )
    assert msgspec.structs.asdict(decoded(entry)) == msgspec.structs.asdict(entry)


def test_a_line_of_no_known_form_is_kept_whole() -> None:
    record = decoded(unknown("??? \x00 no form\n  at all", Origin(at=1_771_574_220.0, service="app", host="web-1")))
    assert (record.severity, record.message) == ("UNKNOWN", "??? \x00 no form\n  at all")
