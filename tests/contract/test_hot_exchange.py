"""Exchanges of a machine's hot tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.adapters.local.clock import SystemClock
from penstock.adapters.local.hot import REMEMBER_EXCHANGES_SECONDS, SqliteHotStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.testing.contracts.hot_exchange import KEY, TABLE, HotExchangeContract, becomes


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[SqliteHotStore]:
    store = SqliteHotStore(tmp_path / "hot.sqlite", SystemClock())
    yield store
    store.close()


class TestSqlite(HotExchangeContract):
    pass


def test_tokens_are_forgotten_after_a_month(tmp_path: Path) -> None:
    clock = VirtualClock(1_771_571_820.0)
    store = SqliteHotStore(tmp_path / "hot.sqlite", clock)
    store.exchange(TABLE, KEY, becomes(KEY, b"first"), token="old")
    clock.advance(REMEMBER_EXCHANGES_SECONDS + 1)
    store.exchange(TABLE, KEY, becomes(KEY, b"other"), token="new")
    assert store.exchange(TABLE, KEY, becomes(KEY, b"again"), token="old") == b"again"
    store.close()


def test_a_file_of_an_older_version_gets_the_table(tmp_path: Path) -> None:
    from penstock.adapters.local.database import Database
    from penstock.adapters.local.hot_schema import MIGRATIONS

    Database(tmp_path / "hot.sqlite", MIGRATIONS[:1]).close()
    store = SqliteHotStore(tmp_path / "hot.sqlite", SystemClock())
    assert store.exchange(TABLE, KEY, becomes(KEY, b"done"), token="one") == b"done"
    store.close()
