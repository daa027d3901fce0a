"""The meter on SQLite."""

from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.adapters.local import meter as local
from penstock.adapters.local.meter import SqliteMeter
from penstock.ports.meter import Meter
from penstock.testing.contracts.meter import HOUR, MeterContract


class TestSqliteMeter(MeterContract):
    @pytest.fixture
    def open_meter(self, tmp_path: Path) -> Callable[[], Meter]:
        return lambda: SqliteMeter(tmp_path / "meter.sqlite")


def test_nothing_is_written_before_something_was_taken(tmp_path: Path) -> None:
    meter = SqliteMeter(tmp_path / "meter.sqlite")
    assert [*meter.used()] == []
    assert [*meter.held()] == []
    meter.close()
    assert not (tmp_path / "meter.sqlite").exists()


def test_a_long_run_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "KEYS_IN_MEMORY", 10)
    meter, other = SqliteMeter(tmp_path / "meter.sqlite"), SqliteMeter(tmp_path / "meter.sqlite")
    for number in range(25):
        meter.count("s3-get", 1, at=HOUR, operation="GetObject", resource=f"t{number}")
    # Two times eleven of the 25 are written, without anybody asking.
    assert len([*other.used()]) == 22
    assert len([*meter.used()]) == 25
