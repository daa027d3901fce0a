"""Logs as a user collects them: with ``penstock collect logs``, with ``penstock up``, and from OpenTelemetry's SDK."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import LogEntry, Pipeline
from penstock.errors import HomeError, NotFoundError
from penstock.runtime.machine.collecting import Collecting
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.settings import Follow, Otlp

PIPELINE = """
from penstock import LogEntry, Pipeline

pipeline = Pipeline("own")
pipeline.lake("own_logs", LogEntry)
"""
LINE = "<34>Oct 11 22:14:15 mymachine su: 'su root' failed\n"


class Place:
    """A folder with a pipeline, a home and a log."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.log = folder / "app.log"
        self.file = folder / "own.py"
        self.file.write_text(PIPELINE)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "penstock", "-f", str(self.file), "--home", str(self.home), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60, check=False)

    def records(self) -> list[dict[str, Any]]:
        lines = [line for path in sorted(self.home.rglob("raw/**/*.json")) for line in path.read_text().splitlines()]
        return [json.loads(line) for line in lines]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        until = time.monotonic() + 45
        while len(self.records()) < count and time.monotonic() < until:
            time.sleep(0.1)
        return self.records()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_collecting_once(place: Place) -> None:
    place.log.write_text(LINE + "what is this?")
    done = place.run("collect", "logs", str(place.log), "--table", "own_logs", "--once", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"lines": 2}), done.stderr
    again = place.run("collect", "logs", str(place.log), "--table", "own_logs", "--once")
    assert again.stdout.strip() == "0 lines stored"
    assert [(one["severity"], one["message"]) for one in place.records()] == [
        ("CRITICAL", "'su root' failed"), ("UNKNOWN", "what is this?"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "nothing to collect"),
        (("app.log", "--table", "nowhere", "--once"), 4, "no lake table 'nowhere'"),
        (("app.log", "--table", "own_logs", "--format", "klingon", "--once"), 2, "klingon"),
        (("app.log", "--table", "own_logs", "--timezone", "Mars/Base", "--once"), 2, "Mars/Base"),
        (("*/app.log", "--table", "own_logs", "--once"), 2, "wildcard"),
    ],
)
def test_what_cannot_be_collected_is_said(place: Place, arguments: tuple[str, ...], code: int, text: str) -> None:
    done = place.run("collect", "logs", *arguments)
    assert done.returncode == code
    assert text in done.stderr


def test_following_ends_in_order(place: Place) -> None:
    place.log.write_text(LINE)
    command = place.command("collect", "logs", str(place.log), "--table", "own_logs", "--flush", "0.1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        place.wait_for(1)
        with place.log.open("a") as file:
            file.write(LINE)
        assert len(place.wait_for(2)) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout is not None
        assert process.stdout.read().strip() == "2 lines stored"


def test_up_follows_what_the_settings_name(place: Place) -> None:
    place.home.mkdir()
    settings = f'[[follow]]\npaths = ["{place.log.parent}/*.log"]\ntable = "own_logs"\nservice = "shop"\n'
    (place.home / "config.toml").write_text(settings)
    place.log.write_text("2026-02-20 07:57:00,123 INFO started\n")
    with subprocess.Popen(place.command("up", "own"), stdout=subprocess.PIPE, text=True) as process:
        records = place.wait_for(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert [(one["service"], one["message"]) for one in records] == [("shop", "started")]


class Receiving:
    """A home that receives."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.home = Home(self.place.home)
        pipeline = Pipeline("own")
        pipeline.lake("own_logs", LogEntry)
        self.definitions = {"own": pipeline.build()}
        self.collecting = Collecting(self.home, self.definitions, follows=[], otlp=Otlp(port=0, table="own_logs"))

    @property
    def port(self) -> int:
        return self.collecting.otlp_port

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Receiving]:
    made = Receiving(tmp_path)
    yield made
    made.collecting.close()
    made.home.close()


def test_logs_of_opentelemetrys_sdk(receiving: Receiving) -> None:
    from opentelemetry._logs import LogRecord as Record
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    provider = LoggerProvider(Resource({"service.name": "shop", "host.name": "web1"}))
    exporter = OTLPLogExporter(f"http://127.0.0.1:{receiving.port}/v1/logs", compression=Compression.Gzip)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("checkout")
    for number in range(1000):
        logger.emit(Record(body=f"no stock of {number}", severity_number=SeverityNumber.ERROR))
    assert provider.force_flush()
    provider.shutdown()
    records = receiving.place.records()
    assert sorted(one["message"] for one in records) == sorted(f"no stock of {number}" for number in range(1000))
    assert {(one["severity"], one["service"], one["host"], one["source"]) for one in records} == {
        ("ERROR", "shop", "web1", "otlp")
    }


def test_metrics_of_opentelemetrys_sdk(receiving: Receiving) -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    exporter = OTLPMetricExporter(f"http://127.0.0.1:{receiving.port}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], Resource({"service.name": "shop"}))
    meter = provider.get_meter("checkout")
    sold, seconds = meter.create_counter("sold"), meter.create_histogram("latency", unit="s")
    for amount in (3, 4):
        sold.add(amount, {"shelf": "a"})
        seconds.record(0.5 * amount)
        assert provider.force_flush()
    provider.shutdown()
    now = time.time()
    series = {metric.name: metric for metric in receiving.home.metrics.series("OpenTelemetry")}
    totals = {name: sum(v * n for _, v, n in receiving.home.metrics.values(m, now - 600, now + 600))
              for name, m in series.items() if name in {"sold", "latency"}}  # fmt: skip
    assert totals == {"sold": 7.0, "latency": 3.5}
    assert dict(series["sold"].dimensions) == {"service": "shop", "shelf": "a"}
    assert series["latency"].unit == "Seconds"


BODY = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hi"}}]}]}]}'


def test_a_request_that_is_repeated_is_stored_once(receiving: Receiving) -> None:
    for _ in range(3):
        assert receiving.post("/v1/logs", BODY, Content_Type="application/json") == (200, b"{}")
    assert [one["message"] for one in receiving.place.records()] == ["hi"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/logs", b"{", {"Content_Type": "application/json"}, 400),
        ("/v1/logs", b"\xff", {"Content_Type": "application/x-protobuf"}, 400),
        ("/v1/logs", b"x", {"Content_Type": "application/json", "Content_Encoding": "gzip"}, 400),
        ("/v1/logs", b"x", {"Content_Type": "application/json", "Content_Encoding": "br"}, 400),
        # https://opentelemetry.io/docs/specs/otlp/#otlphttp-request: the two content types, and no other.
        ("/v1/logs", BODY, {"Content_Type": "text/plain"}, 415),
        ("/v1/traces", b"{}", {"Content_Type": "application/json"}, 404),
        # A page in a browser that reaches this machine under a name of its own.
        ("/v1/logs", BODY, {"Content_Type": "application/json", "Host": "evil.example:4318"}, 403),
    ],
)
def test_what_is_not_received(
    receiving: Receiving, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert receiving.post(path, body, **headers)[0] == status
    assert receiving.place.records() == []


def test_a_full_disk_is_told_so_that_the_sender_tries_again(receiving: Receiving) -> None:
    from penstock import faultpoints

    faultpoints.arm("objects.before_sync", "full")
    try:
        assert receiving.post("/v1/logs", BODY, Content_Type="application/json")[0] == 503
    finally:
        faultpoints.disarm()
    assert receiving.post("/v1/logs", BODY, Content_Type="application/json")[0] == 200
    assert len(receiving.place.records()) == 1


def test_one_process_collects_in_a_home(receiving: Receiving) -> None:
    with pytest.raises(HomeError, match="another process"):
        Collecting(receiving.home, receiving.definitions, follows=[])


def test_an_unknown_table_frees_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for _ in range(2):
        with pytest.raises(NotFoundError, match="nowhere"):
            Collecting(home, {}, follows=[Follow(paths=["x.log"], table="nowhere")])
    home.close()


def test_trouble_is_said_once_and_over_when_it_is(tmp_path: Path) -> None:
    place = Place(tmp_path)
    pipeline = Pipeline("own")
    pipeline.lake("own_logs", LogEntry)
    home = Home(place.home)
    said: list[str] = []
    place.log.write_text(LINE)
    follow = Follow(paths=[str(place.log)], table="own_logs")
    collecting = Collecting(home, {"own": pipeline.build()}, follows=[follow], warn=said.append, flush_seconds=0.0)
    (home.lake).mkdir()
    (home.lake / "raw").write_text("in the way")
    assert not collecting.tick()
    assert not collecting.tick()
    assert len(said) == 1
    (home.lake / "raw").unlink()
    assert collecting.tick()
    assert len(place.records()) == 1
    collecting.close()
    home.close()
