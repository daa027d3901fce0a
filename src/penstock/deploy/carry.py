"""Carrying: objects, items and datapoints go from one store to another; what is there already is compared and stays.

All of it can be broken off at any moment and begun again.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import msgspec

from penstock.errors import AlreadyExistsError
from penstock.faultpoints import fault_point
from penstock.model import items as values
from penstock.model.datasets import HotTable
from penstock.model.metrics import Datapoint, Dimensions, Metric
from penstock.ports.hot import BATCH_LIMIT_ITEMS, HotStore, scan_all
from penstock.ports.metrics import OLDEST_SECONDS, MetricPublisher
from penstock.ports.objects import ObjectInfo, ObjectStore

WORKERS = 8
BATCH_DATAPOINTS = 1000
# A datapoint that is about to become too old may be so when it arrives.
MARGIN_SECONDS = 300
SHOWN = 20

MetricKey = tuple[str, str, Dimensions]
Given = TypeVar("Given")
Made = TypeVar("Made")


class ObjectSurvey(msgspec.Struct, kw_only=True):
    """How the objects of one store compare with those of another.

    Attributes:
        objects, bytes: in the first.
        missing, missing_bytes: not in the second yet.
        different: keys, the first of them, of objects that are in both with other bytes.
        newest_at: when the newest of those in both was written into the second, by its clock.
    """

    objects: int = 0
    bytes: int = 0
    missing: int = 0
    missing_bytes: int = 0
    different: list[str] = []
    newest_at: float = 0.0


class ItemSurvey(msgspec.Struct, kw_only=True):
    """How the items of a table in one store compare with those in another.

    Attributes:
        items: in the first.
        missing: not in the second yet.
        different: in both under one key, otherwise than in their expiry.
    """

    items: int = 0
    missing: int = 0
    different: int = 0


class PublishedMetrics(Protocol):
    """Datapoints in the order of their publication."""

    def published_after(self, position: int, limit: int) -> list[tuple[int, Datapoint]]:
        """Returns datapoints, each with its position, which is more than the one given."""
        ...


def survey_objects(source: ObjectStore, target: ObjectStore, prefixes: Sequence[str]) -> ObjectSurvey:
    """Compares the objects below some prefixes, byte by byte or by MD5 where the ETag is one."""
    found = ObjectSurvey(different=[])
    for here, there in _pairs(source, target, prefixes):
        found.objects += 1
        found.bytes += here.size
        if there is None:
            found.missing += 1
            found.missing_bytes += here.size
        elif here.size == there.size and is_same(source.get(here.key), there, target):
            found.newest_at = max(found.newest_at, there.modified_at)
        elif len(found.different) < SHOWN:
            found.different.append(here.key)
    return found


def carry_objects(
    source: ObjectStore, target: ObjectStore, prefixes: Sequence[str], carried: Callable[[int], None]
) -> int:
    """Copies the objects that are not in the target yet; returns how many.

    Args:
        carried: told of the bytes of each.

    Raises:
        AlreadyExistsError: an object is there with other bytes; it stays as it is.
    """

    def copy(here: ObjectInfo) -> int:
        data = source.get(here.key)
        try:
            target.create(here.key, data)
        except AlreadyExistsError:
            # Somebody was faster, or an attempt whose answer was lost.
            there = target.head(here.key)
            if there is not None and not is_same(data, there, target):
                raise other_bytes([here.key]) from None
        fault_point("promotion.object_carried")
        return len(data)

    missing = (here for here, there in _pairs(source, target, prefixes) if there is None)
    count = 0
    for size in in_parallel(copy, missing):
        count += 1
        carried(size)
    return count


def other_bytes(keys: Sequence[str]) -> AlreadyExistsError:
    """Returns the error for objects that are in both stores with other bytes."""
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return AlreadyExistsError(
        f"object {keys[0]}{more} is in the account already, with other bytes; objects are written once",
        hint="compare the two; move one of them out of the way, then do the same again",
        keys=list(keys),
    )


def is_same(data: bytes, there: ObjectInfo, target: ObjectStore) -> bool:
    """Tells whether an object of a store has these bytes."""
    if len(data) != there.size:
        return False
    # The ETag is the MD5 unless the object came in parts or is encrypted with a key of KMS:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    if hashlib.md5(data, usedforsecurity=False).hexdigest() == there.etag:
        return True
    return target.get(there.key) == data


def survey_items(table: HotTable, source: HotStore, target: HotStore) -> ItemSurvey:
    """Compares a table's items."""
    found = ItemSurvey()
    # The target is read first: what expires meanwhile is then gone from the source as well.
    there = dict(_digests(table, target))
    for key, digest in _digests(table, source):
        found.items += 1
        if key not in there:
            found.missing += 1
        elif there[key] != digest:
            found.different += 1
    return found


def carry_items(table: HotTable, source: HotStore, target: HotStore, carried: Callable[[int], None]) -> int:
    """Writes the items whose keys are not in the target yet; returns how many. Nobody else must write meanwhile.

    Args:
        carried: told how many were written at once.
    """
    there = {key for key, _ in _digests(table, target)}
    missing = (item for item in scan_all(source, table) if _digest(_key(table, item)) not in there)

    def write(batch: list[dict[str, Any]]) -> int:
        target.batch_put(table, batch)
        fault_point("promotion.items_carried")
        return len(batch)

    count = 0
    for written in in_parallel(write, _batches(missing, BATCH_LIMIT_ITEMS)):
        count += written
        carried(written)
    return count


def carry_datapoints(
    source: PublishedMetrics,
    target: MetricPublisher,
    wanted: Collection[MetricKey],
    position: int,
    now: Callable[[], float],
    carried: Callable[[int, int], None],
) -> None:
    """Publishes datapoints of some metrics that are not too old for it, in the order of their publication.

    Args:
        position: of the last one that was carried before; 0 for none.
        carried: told of the new position, and how many were published, after each batch. A batch whose telling was
            lost is published twice.
    """
    while rows := source.published_after(position, BATCH_DATAPOINTS):
        position = rows[-1][0]
        points = [point for _, point in rows if is_recent(point, now()) and series_key(point.metric) in wanted]
        if points:
            target.publish(points)
            fault_point("promotion.datapoints_published")
        carried(position, len(points))


def count_datapoints(
    source: PublishedMetrics, wanted: Collection[MetricKey], position: int, now: float
) -> tuple[int, int]:
    """Returns how many datapoints would be carried, and how many are too old for it."""
    recent = old = 0
    while rows := source.published_after(position, BATCH_DATAPOINTS):
        position = rows[-1][0]
        ages = [is_recent(point, now) for _, point in rows if series_key(point.metric) in wanted]
        recent += sum(ages)
        old += len(ages) - sum(ages)
    return recent, old


def series_key(metric: Metric) -> MetricKey:
    """Returns what sets a series apart, whatever the order of its dimensions."""
    return metric.namespace, metric.name, tuple(sorted(metric.dimensions))


def is_recent(point: Datapoint, now: float) -> bool:
    """Tells whether PutMetricData takes a datapoint."""
    return point.at > now - OLDEST_SECONDS + MARGIN_SECONDS


def in_parallel(work: Callable[[Given], Made], given: Iterable[Given], *, workers: int = WORKERS) -> Iterator[Made]:
    """Yields what some threads make, in order; little more is under way at once than there are threads."""
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Made]] = deque()
        try:
            for one in given:
                under_way.append(pool.submit(work, one))
                if len(under_way) >= 2 * workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def _pairs(
    source: ObjectStore, target: ObjectStore, prefixes: Sequence[str]
) -> Iterator[tuple[ObjectInfo, ObjectInfo | None]]:
    """Yields each object of the source with the one of its key in the target: both list in order of their keys."""
    for prefix in prefixes:
        listed = iter(target.list(prefix))
        there = next(listed, None)
        for here in source.list(prefix):
            while there is not None and there.key.encode() < here.key.encode():
                there = next(listed, None)
            yield here, there if there is not None and there.key == here.key else None


def _digests(table: HotTable, store: HotStore) -> Iterator[tuple[bytes, bytes]]:
    """Yields digests of each item's key, and of its content but for its expiry."""
    for item in scan_all(store, table):
        content = {name: value for name, value in item.items() if name != table.ttl_attribute}
        yield _digest(_key(table, item)), _digest(content)


def _key(table: HotTable, item: dict[str, Any]) -> dict[str, Any]:
    return {key.name: item[key.name] for key, _ in values.key_limits(table)}


def _digest(item: dict[str, Any]) -> bytes:
    encoded = msgspec.json.encode(values.encode_item(item), order="deterministic")
    return hashlib.blake2b(encoded, digest_size=16).digest()


def _batches(given: Iterable[Given], size: int) -> Iterator[list[Given]]:
    batch: list[Given] = []
    for one in given:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
