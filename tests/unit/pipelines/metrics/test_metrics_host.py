"""Readings of a machine: rates of counters that come, go and start anew; and this very machine's."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import TaskError
from penstock.pipelines.metrics import host
from penstock.pipelines.metrics.processing import judge
from penstock.pipelines.metrics.records import MetricType, record

MIB = 1024 * 1024


def disk(reads: float, writes: float, read_bytes: float = 0, write_bytes: float = 0) -> dict[str, float]:
    return {"reads": reads, "writes": writes, "read_bytes": read_bytes, "write_bytes": write_bytes}


def interface(received: float, sent: float) -> dict[str, float]:
    return {"in_bytes": received, "out_bytes": sent}


def test_rates_are_over_the_interval() -> None:
    before = {"sda": disk(1_000_100, 10, 7 * MIB, 0), "sdb": disk(0, 0)}
    after = {"sda": disk(1_000_250, 60, 11 * MIB, MIB), "sdb": disk(0, 30)}
    found = host.disk_reading(before, after, 2.0)
    assert found.value == (150 + 50 + 30) / 2
    assert found.readings == {"read_mb_per_second": 2.0, "write_mb_per_second": 0.5, "is_available": 1.0}


def test_both_directions_of_a_network() -> None:
    found = host.network_reading({"eth0": interface(0, 5)}, {"eth0": interface(3 * MIB, 5 + MIB)}, 0.5)
    assert found.value == 8 * MIB
    assert found.readings == {"in_mb_per_second": 6.0, "out_mb_per_second": 2.0, "is_available": 1.0}


def test_a_counter_that_was_reset_counts_from_zero() -> None:
    assert host.network_reading({"eth0": interface(9e12, 9e12)}, {"eth0": interface(100, 20)}, 1.0).value == 120


def test_an_interface_that_went_or_came_is_no_traffic() -> None:
    stays = {"eth0": interface(1000, 0)}
    grown = {"eth0": interface(1500, 0)}
    assert host.network_reading({**stays, "veth1": interface(8e9, 8e9)}, grown, 1.0).value == 500
    assert host.network_reading(stays, {**grown, "tun0": interface(8e9, 8e9)}, 1.0).value == 500


@pytest.mark.parametrize(("before", "after"), [({}, {}), ({"sda": disk(1, 1)}, {}), ({}, {"sda": disk(1, 1)})])
def test_a_host_without_disks(before: Any, after: Any) -> None:
    found = host.disk_reading(before, after, 1.0)
    assert (found.value, found.readings["is_available"]) == (0, 0)


def test_no_time_is_no_rate() -> None:
    assert host.disk_reading({"sda": disk(0, 0)}, {"sda": disk(5, 5)}, 0.0).value == 0


counters = st.dictionaries(
    st.sampled_from(["eth0", "eth1", "wlan0"]), st.builds(interface, st.integers(0, 2**64), st.integers(0, 2**64))
)


@given(counters, counters, st.floats(0, 100))
@settings(max_examples=100)
def test_no_rate_is_negative(before: Any, after: Any, seconds: float) -> None:
    found = host.network_reading(before, after, seconds)
    assert found.value >= 0
    assert all(value >= 0 for value in found.readings.values())


def test_hardware_goes_before_what_is_built_on_it(tmp_path: Path) -> None:
    for name in ("vda", "cciss!c0d0", "nvme0n1"):
        (tmp_path / name / "device").mkdir(parents=True)
    (tmp_path / "dm-0").mkdir()
    assert host.hardware(["vda", "vda1", "dm-0", "cciss/c0d0"], tmp_path) == ["vda", "cciss/c0d0"]


def test_without_hardware_everything_counts(tmp_path: Path) -> None:
    (tmp_path / "eth0").mkdir()
    assert host.hardware(["eth0", "eth1"], tmp_path) == ["eth0", "eth1"]
    assert host.hardware(["disk0"], tmp_path / "nothing") == ["disk0"]


@pytest.mark.parametrize("kind", ["cpu", "memory", "disk", "network"])
def test_this_machine_is_read_and_its_record_fits(kind: MetricType) -> None:
    began = time.monotonic()
    found = host.read(kind, 0.1)
    took = time.monotonic() - began
    assert kind == "memory" or took >= 0.1
    now = time.time()
    made = record(kind, found, at=now, instance_id=host.instance_id(), region="us-east-1", method="psutil")
    assert judge(made, now) is None


def test_this_machines_memory() -> None:
    found = host.read("memory", 0.1)
    assert 0 < found.value < 100
    assert found.readings["used_mb"] < found.readings["total_mb"]
    assert found.value == pytest.approx(100 * found.readings["used_mb"] / found.readings["total_mb"])
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert found.readings["total_mb"] == pytest.approx(int(fields["MemTotal"].split()[0]) / 1024)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100))
@settings(max_examples=100)
def test_an_instance_id_is_one_that_the_processor_takes(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PENSTOCK_INSTANCE_ID", name)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", host.instance_id())


@pytest.mark.parametrize(
    ("name", "expected"), [("web-1.example.org", "web-1.example.org"), ("../../etc", "etc"), ("///", "localhost")]
)
def test_instance_ids(name: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_INSTANCE_ID", name)
    assert host.instance_id() == expected


INTERVALS: list[tuple[Any, str, float]] = [
    (None, "", 1.0),
    ({}, "", 1.0),
    ({}, "2.5", 2.5),
    ({"interval_seconds": 5}, "2.5", 5.0),
    ({"interval_seconds": 0.1}, "", 0.1),
    ({"interval_seconds": "20"}, "", 20.0),
]


@pytest.mark.parametrize(("event", "environment", "expected"), INTERVALS)
def test_the_interval(event: Any, environment: str, expected: float) -> None:
    assert host.parse_interval(event, environment) == expected


@pytest.mark.parametrize("wanted", [0, -1, 20.1, "soon", "nan", float("nan"), float("inf"), True, [], {}, 10**400])
def test_what_is_no_interval_is_said_so(wanted: Any) -> None:
    with pytest.raises(TaskError, match="cannot be taken over") as caught:
        host.parse_interval({"interval_seconds": wanted}, "")
    assert "0.1 to 20" in caught.value.hint
