"""What each port's operations count as. The quantities are from AWS's pricing pages, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.local.hot import SqliteHotStore
from penstock.adapters.local.meter import SqliteMeter
from penstock.adapters.local.metrics import SqliteMetricStore
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.metered.events import MeteredEventPublisher
from penstock.adapters.metered.hot import HeldHotStore, MeteredHotStore
from penstock.adapters.metered.invoke import MeteredInvoker
from penstock.adapters.metered.metrics import MeteredMetricStore
from penstock.adapters.metered.notify import MeteredOutbox
from penstock.adapters.metered.objects import HeldObjectStore, MeteredObjectStore
from penstock.adapters.metered.query import MeteredQueryEngine
from penstock.adapters.metered.queues import MeteredQueueStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    NotFoundError,
    PortError,
    ThrottledError,
    UnavailableError,
)
from penstock.model.buses import EventBus
from penstock.model.datasets import HotTable, Index, Key
from penstock.model.metrics import Datapoint, Metric
from penstock.model.queues import Queue
from penstock.pipelines.metrics import pipeline
from penstock.ports.events import BusEvent
from penstock.ports.hot import attribute_exists
from penstock.ports.invoke import Answer, Call, Reply, Report
from penstock.ports.notify import Message
from penstock.ports.query import Result, TableScan
from penstock.ports.queues import QueueMessage

NOW = 1_771_570_800.0
DAY = 86_400.0


class Kept:
    """A meter that is asked for what it has."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(NOW)
        self.meter = SqliteMeter(folder / "meter.sqlite")

    def used(self, item: str) -> dict[tuple[str, str], float]:
        return {(one.operation, one.resource): one.quantity for one in self.meter.used() if one.item == item}

    def held(self, item: str) -> dict[tuple[str, str], Any]:
        return {
            (one.operation, one.resource): pytest.approx(one.change) for one in self.meter.held() if one.item == item
        }

    def wrap(self, wrapper: Any, inner: Any) -> Any:
        return wrapper(inner, self.meter, self.clock)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_requests_of_a_bucket_by_class(kept: Kept, tmp_path: Path) -> None:
    objects = kept.wrap(MeteredObjectStore, FileObjectStore(tmp_path / "lake"))
    objects.create("raw/t/a.json", b"1")
    with pytest.raises(AlreadyExistsError):
        objects.create("raw/t/a.json", b"1")
    objects.put("quarantine/t/b.json", b"2")
    objects.replace("sealed/t/c.parquet", b"3", if_match=None)
    objects.get("raw/t/a.json")
    [*objects.stream("raw/t/a.json")]
    objects.head("raw/t/absent.json")
    with pytest.raises(NotFoundError):
        objects.get("raw/t/absent.json")
    assert [info.key for info in objects.list("raw/t/")] == ["raw/t/a.json"]
    objects.delete("raw/t/a.json")
    # Deleting is free; a request that fails on a condition is not.
    assert kept.used("s3-put") == {("PutObject", "t"): 4, ("ListObjectsV2", "t"): 1}
    assert kept.used("s3-get") == {("GetObject", "t"): 3, ("HeadObject", "t"): 1}


@pytest.mark.parametrize(
    ("error", "billed"), [(UnavailableError, False), (ThrottledError, False), (AlreadyExistsError, True)]
)
def test_what_the_service_fails_to_do_is_not_billed(kept: Kept, error: type[PortError], billed: bool) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ErrorCodeBilling.html: 4XX is billed, 5XX is not."""

    class Failing:
        def create(self, key: str, data: bytes) -> None:
            raise error("no", hint="later")

    with pytest.raises(error):
        kept.wrap(MeteredObjectStore, Failing()).create("raw/t/a.json", b"1")
    assert bool(kept.used("s3-put")) is billed


def test_a_long_listing_takes_several_requests(kept: Kept) -> None:
    class Many:
        def list(self, prefix: str, start_after: str | None) -> Iterator[int]:
            yield from range(2500)

    objects = kept.wrap(MeteredObjectStore, Many())
    assert len([*objects.list("raw/t/")]) == 2500
    assert kept.used("s3-put") == {("ListObjectsV2", "t"): 3}


def test_bytes_come_and_go(kept: Kept, tmp_path: Path) -> None:
    objects = kept.wrap(HeldObjectStore, FileObjectStore(tmp_path / "lake"))
    objects.create("raw/t/a.json", b"x" * 100)
    first = objects.replace("sealed/t/b.parquet", b"x" * 50, if_match=None)
    objects.replace("sealed/t/b.parquet", b"x" * 70, if_match=first.etag)
    objects.put("quarantine/t/c.json", b"x" * 9)
    objects.put("quarantine/t/c.json", b"x" * 4)
    objects.delete("raw/t/a.json")
    objects.delete("raw/t/absent.json")
    with pytest.raises(ConditionFailedError):
        objects.replace("sealed/t/b.parquet", b"x", if_match="other")
    assert kept.held("s3-storage") == {("raw", "t"): 0, ("sealed", "t"): 70e-9, ("quarantine", "t"): 4e-9}
    assert kept.used("s3-put") == {}


def test_large_objects_are_told_apart(kept: Kept, tmp_path: Path) -> None:
    """128 KB and more: those that lifecycle rules move into colder classes."""
    objects = kept.wrap(HeldObjectStore, FileObjectStore(tmp_path / "lake"))
    objects.create("raw/t/a.json", b"x" * (128 * 1024 - 1))
    objects.create("raw/t/b.json", b"x" * 128 * 1024)
    objects.create("raw/t/c.json", b"x" * 128 * 1024)
    objects.delete("raw/t/c.json")
    assert kept.held("s3-storage") == {("raw", "t"): 131_071e-9, ("raw, large", "t"): 131_072e-9}
    assert kept.held("s3-large-objects") == {("raw, large", "t"): 1}


def test_what_leaves_the_archive_early_is_billed_to_its_end(kept: Kept, tmp_path: Path) -> None:
    """90 days, and 32 KB beside each object: https://aws.amazon.com/s3/pricing/."""

    class Dated(FileObjectStore):
        def head(self, key: str) -> Any:
            info = super().head(key)
            return None if info is None else type(info)(info.key, info.size, NOW, info.etag)

    objects = kept.wrap(HeldObjectStore, Dated(tmp_path / "lake"))
    objects.replace("archive/t/a.zst", b"x" * 200_000, if_match=None)
    objects.replace("archive/t/small.zst", b"x" * 1000, if_match=None)
    kept.clock.advance(60 * DAY)
    objects.delete("archive/t/a.zst")
    # S3 leaves the small one in its standard class.
    assert kept.used("s3-archive-transition") == {("archive", "t"): 1}
    assert kept.held("s3-storage") == {("archive", "t"): 1000 / 1e9}
    # 200,000 bytes and 32 KB, for 30 days more
    assert kept.used("s3-archive-storage") == {("early deletion", "t"): pytest.approx(232_768 / 1e9)}


TABLE = HotTable(
    name="T",
    partition=Key("id"),
    indexes=(Index("ByKind", Key("kind")), Index("ByOwner", Key("owner"))),
    ttl_attribute="gone_at",
    ttl_seconds=100,
)


@pytest.fixture
def hot(kept: Kept, tmp_path: Path) -> Iterator[Any]:
    store = SqliteHotStore(tmp_path / "hot.sqlite", kept.clock)
    yield kept.wrap(MeteredHotStore, kept.wrap(HeldHotStore, store))
    store.close()


def test_an_item_is_written_into_its_indexes_too(kept: Kept, hot: Any) -> None:
    hot.put(TABLE, {"id": "a", "kind": "k"})
    hot.put(TABLE, {"id": "b", "kind": "k", "owner": "o", "text": "x" * 1500})
    # One unit in the table and in one index; two units in the table and in both.
    assert kept.used("dynamodb-write") == {("PutItem", "T"): 2 + 6}
    # gone_at is 1771570900, whose zeros at the end do not count: 7 for the name, 4 for 8 digits, and one.
    # id 2+1, kind 4+1, gone_at 7+5: 20; the same, owner 5+1, text 4+1500: 1530. 100 bytes beside each.
    assert kept.held("dynamodb-storage") == {("PutItem", "T"): ((20 + 100) * 2 + (1530 + 100) * 3) / 1e9}
    assert kept.held("dynamodb-pitr") == {("PutItem", "T"): (20 + 1530) / 1e9}


def test_a_batch_is_as_many_writes_as_items(kept: Kept, hot: Any) -> None:
    items = [{"id": f"{number:04}", "kind": "k", "text": "x" * (900 if number % 10 else 1200)} for number in range(200)]
    hot.batch_put(TABLE, items)
    # 180 items of less than a kilobyte, 20 of more; each in the table and in one index.
    assert kept.used("dynamodb-write") == {("BatchWriteItem", "T"): 2 * (180 + 20 * 2)}
    # id 2+4, kind 4+1, text 4+n, gone_at 7+5: 27 + n, and 100
    stored = 2 * sum(127 + len(str(item["text"])) for item in items) / 1e9
    (held,) = [one.change for one in kept.meter.held() if one.item == "dynamodb-storage"]
    assert held == pytest.approx(stored, abs=1e-12)


def test_a_batch_counts_the_same_in_any_order_and_whoever_measures_it(kept: Kept, hot: Any) -> None:
    class Unmeasured:
        def batch_put(self, table: HotTable, items: Any) -> None:
            pass

    items = [{"id": f"{number:04}", "text": "é" * number, "level": number / 8} for number in range(100)]
    changes = []
    for store in (hot, kept.wrap(MeteredHotStore, Unmeasured())):
        for batch in (items, items[::-1]):
            store.batch_put(TABLE, batch)
            changes.append(kept.held("dynamodb-pitr")["BatchWriteItem", "T"].expected)
    assert changes == pytest.approx([changes[0], changes[0] * 2, changes[0] * 3, changes[0] * 4], abs=1e-12)


def test_reads_go_by_size_and_consistency(kept: Kept, hot: Any) -> None:
    hot.put(TABLE, {"id": "a", "kind": "k", "text": "x" * 5000})
    hot.get(TABLE, {"id": "a"})
    hot.get(TABLE, {"id": "absent"})
    hot.query(TABLE, partition="a")
    hot.query(TABLE, partition="k", index="ByKind")
    hot.scan(TABLE)
    assert kept.used("dynamodb-read") == {("GetItem", "T"): 2 + 1, ("Query", "T"): 2 + 1, ("Scan", "T"): 2}


def test_a_refused_write_is_billed(kept: Kept, hot: Any) -> None:
    with pytest.raises(ConditionFailedError):
        hot.put(TABLE, {"id": "a"}, condition=attribute_exists("id"))
    assert kept.used("dynamodb-write") == {("PutItem", "T"): 1}


def test_what_expires_is_counted_and_free(kept: Kept, hot: Any) -> None:
    hot.batch_put(TABLE, [{"id": str(number)} for number in range(5)])
    kept.clock.advance(3600)
    assert hot.expire(TABLE, kept.clock.now()) == 5
    assert kept.held("dynamodb-items") == {("BatchWriteItem", "T"): 5, ("TimeToLive", "T"): -5}
    assert kept.used("dynamodb-write") == {("BatchWriteItem", "T"): 5}


def test_a_series_is_a_metric_whatever_its_dimensions(kept: Kept, tmp_path: Path) -> None:
    store = SqliteMetricStore(tmp_path / "metrics.sqlite", kept.clock)
    metrics = kept.wrap(MeteredMetricStore, store)
    plain, one, other = (Metric("N", "m", dimensions) for dimensions in ((), (("host", "a"),), (("host", "b"),)))
    points = [Datapoint(metric, NOW, 1.0) for metric in (plain, one, other, one)]
    assert metrics.publish(points, token="t")
    assert not metrics.publish(points, token="t")
    kept.clock.advance(3600)
    metrics.publish([Datapoint(plain, NOW + 3600, 1.0)])
    hours = [(one.resource, one.hour - NOW) for one in kept.meter.used() if one.item == "metrics"]
    assert sorted(hours) == [("N/m", 0), ("N/m", 3600), ("N/m{host=a}", 0), ("N/m{host=b}", 0)]
    assert all(0 < size < 1e-6 for size in kept.used("logs").values())
    store.close()


class Anything:
    """Answers whatever it is asked."""

    def __init__(self, answer: Any = None) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self._answer


def message(body: str, **data: Any) -> Message:
    return Message(id="1", topic="alerts", subject="s", body=body, data=data or None, created_at=NOW)


def test_mails_go_to_everybody_who_has_an_address(kept: Kept) -> None:
    outbox = kept.wrap(MeteredOutbox, Anything(1))
    outbox.enqueue(message("one"), ["mailto:a@example.com", "mailto:b@example.com", "console:"])
    outbox.enqueue(message("x" * 70_000), ["console:"])
    outbox.enqueue(message("an alarm", AlarmName="High"), ["console:"])
    assert kept.used("sns-mail") == {("Publish", "alerts"): 3, ("SetAlarmState", "alerts"): 1}
    assert kept.used("sns-publish") == {("Publish", "alerts"): 1 + 2, ("SetAlarmState", "alerts"): 1}


def test_a_message_that_was_sent_before_is_not_sent_again(kept: Kept) -> None:
    kept.wrap(MeteredOutbox, Anything(0)).enqueue(message("one"), ["console:"])
    assert kept.used("sns-publish") == {}


def test_requests_to_queues(kept: Kept) -> None:
    queue = Queue(name="q")
    received = [QueueMessage(id="1", body="x" * 100_000, receipt="r", attributes={}, sent_at=NOW, receives=1)]
    queues = kept.wrap(MeteredQueueStore, Anything(received))
    queues.send(queue, "x" * 100_000)
    queues.receive(queue)
    kept.wrap(MeteredQueueStore, Anything([])).receive(queue)
    queues.delete(queue, "r")
    queues.change_visibility(queue, "r", 0)
    assert kept.used("sqs-requests") == {
        ("SendMessage", "q"): 2,
        ("ReceiveMessage", "q"): 2 + 1,
        ("DeleteMessage", "q"): 1,
        ("ChangeMessageVisibility", "q"): 1,
    }


def test_events_go_by_64_kilobytes(kept: Kept) -> None:
    events = kept.wrap(MeteredEventPublisher, Anything("id"))
    bus = EventBus(name="bus")
    events.put(bus, BusEvent(source="shop", detail_type="Placed", detail={"id": 1}))
    events.put(bus, BusEvent(source="shop", detail_type="Placed", detail={"text": "x" * 70_000}))
    assert kept.used("events") == {("PutEvents", "bus"): 1 + 2}


def test_queries_scan_and_list(kept: Kept) -> None:
    scans = (TableScan("t", 168, 100, 3),)
    result = Result(
        columns=[], rows=[], truncated=False, elapsed_seconds=0, scanned_files=103, scanned_bytes=5, tables=scans
    )
    kept.wrap(MeteredQueryEngine, Anything(result)).run("SELECT 1", tables=[])
    assert kept.used("athena") == {("StartQueryExecution", "t"): 0.01}
    assert kept.used("s3-get") == {("GetObject for queries", "t"): 103}
    assert kept.used("s3-put") == {("ListObjectsV2 for queries", "t"): 168}


def test_an_answer_from_the_cache_scans_nothing(kept: Kept) -> None:
    result = Result(columns=[], rows=[], truncated=False, elapsed_seconds=0, cached=True)
    kept.wrap(MeteredQueryEngine, Anything(result)).run("SELECT 1", tables=[])
    assert [*kept.meter.used()] == []


METRICS = pipeline.build()


def call(token: str, task: str, **more: Any) -> Call:
    return Call(
        token=token, key=token, execution="e", pipeline="metrics", task=task, state="S", event=b"{}", started_at=NOW,
        slot=None, attempt=0, timeout_seconds=30, **more,
    )  # fmt: skip


def test_calls_of_functions_go_by_time_and_memory(kept: Kept) -> None:
    answers = [
        Answer("1", Reply(output=b"{}"), Report(duration_seconds=2.0, log_bytes=1000)),
        Answer("2", Reply(error="Boom", duration_seconds=0.5), Report()),
        Answer("3", Reply(output=b"{}"), Report()),
    ]
    invoker = MeteredInvoker(Anything(answers), kept.meter, kept.clock, {"metrics": METRICS})
    invoker.submit(call("1", "collect_cpu"))
    invoker.submit(call("2", "collect_cpu"))
    # A state that calls a service by itself calls no function.
    invoker.submit(call("3", "", resource="arn:aws:states:::sqs:sendMessage"))
    invoker.wait(0)
    assert kept.used("lambda-requests") == {("Invoke", "metrics/collect_cpu"): 2}
    # 2.5 s with 128 MB
    assert kept.used("lambda-arm64") == {("Invoke", "metrics/collect_cpu"): 2.5 / 8}
    assert kept.used("logs") == {("logs of tasks", "metrics/collect_cpu"): pytest.approx((1000 + 2 * 340) / 1e9)}


def test_a_call_that_is_cancelled_was_made(kept: Kept) -> None:
    invoker = MeteredInvoker(Anything([]), kept.meter, kept.clock, {"metrics": METRICS})
    invoker.submit(call("1", "collect_cpu"))
    invoker.cancel("1")
    invoker.cancel("1")
    assert kept.used("lambda-requests") == {("Invoke", "metrics/collect_cpu"): 1}
