"""The pipeline's hours in the lake: sealed, balanced, and asked before and after with the same answer."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.pipelines.logs import pipeline, queries, raw, templates
from penstock.runtime.lake.check import LakeCheck
from penstock.testing import Sandbox

AT_0756 = 1_771_574_160.0  # 2026-02-20T07:56:00Z
HOUR_07 = "year=2026/month=02/day=20/hour=07"
OUTSIDE = f"raw/logs/{HOUR_07}/outside.json"
SIMULATED = {"logs": {"rate": 60, "seed": 7}}
RECORD = {
    "timestamp": "2026-02-20T07:51:30Z", "severity": "ERROR", "service": "web", "host": "web-1",
    "device_type": "application", "message": "no route",
}  # fmt: skip


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(pipeline, tmp_path, now=AT_0756) as opened:
        opened.run(SIMULATED)
        lines = [json.dumps(RECORD)] * 11 + ["rubbish"]
        opened.home.objects.create(OUTSIDE, "\n".join(lines).encode())
        assert opened.run({"key": OUTSIDE}, workflow="log-aggregator").status == "SUCCEEDED"
        opened.advance(300)
        opened.run(SIMULATED)
        yield opened


def good(sandbox: Sandbox) -> list[dict[str, Any]]:
    found = []
    for info in sandbox.home.objects.list("raw/logs/"):
        lines = sandbox.home.objects.get(info.key).splitlines()
        found += [json.loads(line) for line in lines if line.startswith(b"{")]
    return found


def ask(sandbox: Sandbox, sql: str) -> list[tuple[Any, ...]]:
    tables = list(sandbox.definition.lake_tables.values())
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in
            sandbox.home.query.run(sql, tables=tables).rows]  # fmt: skip


def test_the_documents_queries_before_and_after_sealing(sandbox: Sandbox) -> None:
    records = good(sandbox)
    severities = Counter(one["severity"] for one in records)
    hours = Counter(one["timestamp"][:13] for one in records)
    for _ in range(2):
        assert ask(sandbox, queries.TOTAL) == [(len(records),)]
        assert dict(ask(sandbox, queries.BY_SEVERITY)) == severities
        assert ask(sandbox, queries.TOP_ERRORS)[0] == ("no route", 11)
        found = ask(sandbox, queries.HOURLY)
        assert [(str(hour).replace(" ", "T")[:13], count) for hour, count in found] == sorted(hours.items())
        sandbox.home.partition_sealer.seal(raw, HOUR_07)
    assert sandbox.home.objects.head(f"sealed/logs/{HOUR_07}/logs.parquet") is not None


def test_percentiles_by_sql_and_of_the_hot_table_agree(sandbox: Sandbox) -> None:
    tables = list(sandbox.definition.lake_tables.values())
    sql = "SELECT count(*), quantile_disc(latency_ms, 0.95) FROM logs WHERE service = 'web' AND latency_ms IS NOT NULL"
    minute = "date_trunc('minute', timestamp) = TIMESTAMP '2026-02-20 07:50:00'"
    ((count, exact),) = sandbox.home.query.run(f"{sql} AND {minute}", tables=tables).rows
    page = sandbox.home.hot.query(sandbox.definition.hot_tables["LogMinutes"], partition="web")
    (item,) = [one for one in page.items if one["minute"].startswith("2026-02-20T07:50Z")]
    assert item["lines"] == count > 0
    assert float(item["latency_p95_ms"]) == pytest.approx(float(exact), rel=0.0101)


def test_the_hour_balances(sandbox: Sandbox) -> None:
    outcome = sandbox.home.partition_sealer.seal(raw, HOUR_07)
    lines = sum(len(sandbox.home.objects.get(one.key).splitlines())
                for one in sandbox.home.objects.list(f"raw/logs/{HOUR_07}/"))  # fmt: skip
    counts = outcome.counts
    assert (counts.records, counts.quarantined, counts.duplicates) == (lines, 1, 0)
    assert counts.good == lines - 1
    (balance,) = LakeCheck(sandbox.home.objects, sandbox.home.sealing, sandbox.home.rows).check(raw, HOUR_07)
    assert not balance.wrong
    assert balance.rows == lines - 1
    # The aggregator had put the same line there before.
    assert [one["line"] for one in sandbox.quarantined(raw)] == [12]


def test_templates_of_an_object_that_was_processed_twice_count_once(sandbox: Sandbox) -> None:
    for _ in range(2):
        assert sandbox.run({"key": OUTSIDE}, workflow="log-aggregator").status == "SUCCEEDED"
    hours = Counter(info.key.split("/")[-2] for info in sandbox.home.objects.list("raw/log_templates/"))
    written = [one for one in sandbox.records(templates) if one["source"] == OUTSIDE]
    assert (len(written), set(hours)) == (3, {"hour=07", "hour=08"})
    # Two of the three lie in one hour, where the table's rule about what is unique holds.
    for _ in range(2):
        found = {row[0]: row[1:] for row in ask(sandbox, queries.TOP_TEMPLATES)}
        assert found["no route"] == (11, 11, "no route")
        outcome = sandbox.home.partition_sealer.seal(templates, HOUR_07.replace("hour=07", "hour=08"))
    assert sandbox.home.partition_sealer.seal(templates, HOUR_07).counts.duplicates == 0
    assert outcome.counts.duplicates == 1
