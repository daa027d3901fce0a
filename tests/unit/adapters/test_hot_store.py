import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from penstock import faultpoints
from penstock.adapters.local.database import Database
from penstock.adapters.local.hot import TRANSACTION_ITEMS, SqliteHotStore
from penstock.adapters.local.hot_query import select
from penstock.adapters.local.hot_schema import MIGRATIONS
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import ThrottledError, ValidationError
from penstock.model.datasets import HotTable, Index, Key
from penstock.ports import hot

BY_ROOM = Index("by-room", Key("room"), Key("level", "N"))
TABLE = HotTable(name="readings", partition=Key("device"), sort=Key("at", "N"), indexes=(BY_ROOM,))
KEY = {"device": "d", "at": 1}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1_790_000_000.0)


@pytest.fixture
def store(tmp_path: Path, clock: VirtualClock) -> Iterator[SqliteHotStore]:
    opened = SqliteHotStore(tmp_path / "hot.sqlite", clock)
    yield opened
    opened.close()
    faultpoints.disarm()


def rooms(store: SqliteHotStore, table: HotTable = TABLE) -> list[int]:
    return [item["at"] for item in store.query(table, partition="r", index="by-room").items]


def test_a_new_index_is_filled_from_the_items_that_are_there(store: SqliteHotStore) -> None:
    without = msgspec.structs.replace(TABLE, indexes=())
    store.batch_put(without, [{"device": "d", "at": at, "room": "r", "level": -at} for at in range(3)])
    store.put(without, {"device": "d", "at": 8, "room": "r"})
    # DynamoDB leaves items with a key of another type out of a new index.
    store.put(without, {"device": "d", "at": 9, "room": "r", "level": "high"})
    assert rooms(store) == [2, 1, 0]


def test_an_index_that_was_away_has_no_stale_entries(store: SqliteHotStore) -> None:
    store.put(TABLE, {**KEY, "room": "r", "level": 1})
    without = msgspec.structs.replace(TABLE, indexes=())
    store.put(without, {**KEY, "room": "r", "level": 2})
    store.put(without, {"device": "d", "at": 2, "room": "r", "level": 1})
    assert rooms(store) == [2, 1]


def test_a_changed_definition_is_seen_by_the_next_process(
    store: SqliteHotStore, tmp_path: Path, clock: VirtualClock
) -> None:
    store.put(TABLE, {**KEY, "room": "r", "level": 1, "until": 5})
    changed = msgspec.structs.replace(
        TABLE, indexes=(Index("by-room", Key("room")),), ttl_attribute="until", ttl_seconds=60
    )
    other = SqliteHotStore(tmp_path / "hot.sqlite", clock)
    assert rooms(other, changed) == [1]
    assert other.expire(changed, 10.0) == 1
    assert rooms(other, changed) == []
    other.close()


def test_a_table_keeps_its_key_as_long_as_it_has_items(store: SqliteHotStore) -> None:
    store.put(TABLE, KEY)
    changed = msgspec.structs.replace(TABLE, sort=Key("at", "S"))
    with pytest.raises(ValidationError, match=r"device \(S\) \+ at \(N\), not device \(S\) \+ at \(S\)"):
        store.get(changed, {"device": "d", "at": "1"})
    store.delete(TABLE, KEY)
    store.put(changed, {"device": "d", "at": "1"})
    assert store.count(changed) == 1


def test_a_put_that_dies_before_its_commit_leaves_item_and_index_as_they_were(store: SqliteHotStore) -> None:
    store.put(TABLE, {**KEY, "room": "r", "level": 1})
    faultpoints.arm("database.before_commit", "raise")
    with pytest.raises(RuntimeError):
        store.put(TABLE, {**KEY, "room": "s", "level": 2})
    assert store.get(TABLE, KEY) == {**KEY, "room": "r", "level": 1}
    assert rooms(store) == [1]


def test_a_batch_that_dies_leaves_whole_items_and_can_be_put_again(store: SqliteHotStore) -> None:
    items = [{"device": "d", "at": at, "room": "r", "level": at} for at in range(TRANSACTION_ITEMS + 60)]
    store.put(TABLE, items[0])
    faultpoints.arm("database.before_commit", "raise", 2)
    with pytest.raises(RuntimeError):
        store.batch_put(TABLE, items)
    assert rooms(store) == list(range(TRANSACTION_ITEMS))
    store.batch_put(TABLE, items)
    assert rooms(store) == list(range(TRANSACTION_ITEMS + 60))


def test_items_of_an_older_file_are_there(tmp_path: Path, clock: VirtualClock) -> None:
    older = Database(tmp_path / "older.sqlite", MIGRATIONS[:2])
    older.close()
    store = SqliteHotStore(tmp_path / "hot.sqlite", clock)
    store.put(TABLE, {**KEY, "room": "r", "level": 1})
    with sqlite3.connect(tmp_path / "older.sqlite") as connection:
        connection.execute("ATTACH ? AS newer", (str(tmp_path / "hot.sqlite"),))
        for table in ("hot_tables", "items", "index_entries"):
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM newer.{table}")
    connection.close()
    store.close()
    opened = SqliteHotStore(tmp_path / "older.sqlite", clock)
    assert opened.get(TABLE, KEY) == {**KEY, "room": "r", "level": 1}
    assert rooms(opened) == [1]
    opened.put(TABLE, {**KEY, "room": "r", "level": 2})
    assert opened.count(TABLE) == 1
    opened.close()


def test_a_file_that_another_process_holds_is_throttling(store: SqliteHotStore, tmp_path: Path) -> None:
    store.put(TABLE, KEY)
    other = Database(tmp_path / "hot.sqlite", MIGRATIONS)
    store._database.connection.execute("PRAGMA busy_timeout=20")
    with other.transaction():
        with pytest.raises(ThrottledError) as caught:
            store.put(TABLE, {**KEY, "value": 1})
        assert store.get(TABLE, KEY) == KEY
    assert caught.value.retryable
    store.put(TABLE, {**KEY, "value": 1})
    other.close()


def test_who_writes_the_same_file_waits_for_its_turn(store: SqliteHotStore) -> None:
    store.put(TABLE, KEY)
    begun, ended = threading.Event(), []

    def write() -> None:
        # Without a turn of its own this one would find the file locked, and fail at once.
        store._database.connection.execute("PRAGMA busy_timeout=0")
        begun.set()
        store.put(TABLE, {**KEY, "value": 1})
        ended.append(store.get(TABLE, KEY))

    writer = threading.Thread(target=write)
    with store._writing() as connection:
        connection.execute("DELETE FROM exchanges")
        writer.start()
        assert begun.wait(10)
        writer.join(0.2)
        assert not ended
    writer.join(10)
    assert ended == [{**KEY, "value": 1}]


def test_threads_share_a_store(store: SqliteHotStore) -> None:
    def write(device: str) -> None:
        for at in range(50):
            store.put(TABLE, {"device": device, "at": at, "room": "r", "level": at})

    threads = [threading.Thread(target=write, args=(device,)) for device in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count(TABLE) == len(rooms(store)) == 200


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("index", [None, "by-room"])
@pytest.mark.parametrize("sort", [None, hot.equals(1), hot.less(1), hot.between(1, 9)])
@pytest.mark.parametrize("follows", [False, True])
def test_a_query_searches_and_never_sorts(
    store: SqliteHotStore, index: str | None, sort: hot.KeyRange | None, newest_first: bool, follows: bool
) -> None:
    at = 0 if sort is not None and sort.operator == "<" else 1
    position = {"device": "d", "at": at} if index is None else {"device": "d", "at": at, "room": "d", "level": at}
    selection = select(TABLE, "d", index, sort, newest_first=newest_first, after=position if follows else None)
    plan = store._database.rows(f"EXPLAIN QUERY PLAN {selection.sql}{selection.order}", selection.parameters)
    steps = [row[3] for row in plan]
    assert len(steps) == (1 if index is None else 2)
    assert all(step.startswith("SEARCH") for step in steps)
    bounded = sort is not None or follows
    assert ("sort" in steps[0].partition("partition=?")[2]) == bounded


def test_expiring_searches(store: SqliteHotStore) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT partition FROM items WHERE hot_table='t' AND expires_at<=1 AND expires_at>0"
    assert "items_by_expiry (hot_table=? AND expires_at>? AND expires_at<?)" in store._database.rows(sql)[0][3]
