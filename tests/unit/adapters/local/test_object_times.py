"""Objects carry the time of the store's clock, where it has one."""

from __future__ import annotations

from pathlib import Path

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.virtual.clock import VirtualClock

NOW = 1_771_574_220.0


def test_whatever_writes_an_object_gives_it_the_time_of_the_clock(tmp_path: Path) -> None:
    clock = VirtualClock(NOW)
    store = FileObjectStore(tmp_path / "lake", clock=clock, sync=False)
    assert store.create("a/created", b"1").modified_at == NOW
    clock.advance(60.5)
    assert store.put("a/put", b"1").modified_at == NOW + 60.5
    before = store.put("a/replaced", b"1")
    clock.advance(60)
    assert store.replace("a/replaced", b"22", if_match=before.etag).modified_at == NOW + 120.5
    adopted = tmp_path / "file"
    adopted.write_bytes(b"333")
    assert store.replace("a/adopted", adopted, if_match=None).modified_at == NOW + 120.5
