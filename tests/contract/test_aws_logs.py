"""Log groups in CloudWatch Logs, on moto."""

import time
from typing import Any

import pytest

from penstock.adapters.aws.logs import CloudWatchLogs, LogLine
from penstock.adapters.aws.session import client
from penstock.errors import NotFoundError

CPU, DISK = "/aws/lambda/metrics-cpu", "/aws/lambda/metrics-disk"
# The service takes nothing older than two weeks.
BEGAN = float(int(time.time()) - 3600)


def write(group: str, *lines: tuple[float, str], stream: str = "one") -> None:
    events: list[dict[str, Any]] = [{"timestamp": round(at * 1000), "message": message} for at, message in lines]
    client("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def logs(aws: str) -> CloudWatchLogs:
    for group in (CPU, DISK):
        client("logs").create_log_group(logGroupName=group)
        for stream in ("one", "two"):
            client("logs").create_log_stream(logGroupName=group, logStreamName=stream)
    return CloudWatchLogs()


def test_lines_of_several_groups_are_in_order_of_time(logs: CloudWatchLogs) -> None:
    write(CPU, (BEGAN, "a"), (BEGAN + 2, "c\n"))
    write(DISK, (BEGAN + 1.5, "b"), stream="two")
    assert list(logs.read([CPU, DISK], BEGAN)) == [
        LogLine(BEGAN, CPU, "one", "a"), LogLine(BEGAN + 1.5, DISK, "two", "b"), LogLine(BEGAN + 2, CPU, "one", "c"),
    ]  # fmt: skip


def test_the_start_belongs_to_the_span_and_the_end_does_not(logs: CloudWatchLogs) -> None:
    write(CPU, (BEGAN, "a"), (BEGAN + 1, "b"), (BEGAN + 2, "c"))
    assert [line.message for line in logs.read([CPU], BEGAN + 1, BEGAN + 2)] == ["b"]
    assert [line.message for line in logs.read([CPU], BEGAN + 0.0005, BEGAN + 2.0005)] == ["b", "c"]


def test_lines_are_filtered(logs: CloudWatchLogs) -> None:
    write(CPU, (BEGAN, "INFO fine"), (BEGAN + 1, "ERROR broken"))
    assert [line.message for line in logs.read([CPU], BEGAN, pattern="ERROR")] == ["ERROR broken"]


def test_all_pages_are_read(logs: CloudWatchLogs) -> None:
    # A page holds 10000 at most.
    wanted = [(BEGAN + number / 1000, str(number)) for number in range(10_500)]
    write(CPU, *wanted[:6000])
    write(CPU, *wanted[6000:])
    assert [line.message for line in logs.read([CPU], BEGAN)] == [message for _, message in wanted]


def test_new_lines_are_followed_each_once(logs: CloudWatchLogs) -> None:
    write(CPU, (BEGAN - 1, "before"), (BEGAN, "a"))
    later = [[(BEGAN + 5, "c")], [(BEGAN + 3, "late"), (BEGAN + 5, "c")]]

    def wait() -> bool:
        if not later:
            return False
        write(CPU, *later.pop(0))
        return True

    found = [line.message for line in logs.follow([CPU], BEGAN, wait)]
    # The second c is another event of the same time and text.
    assert found == ["a", "c", "late", "c"]


def test_a_group_that_is_not_there(logs: CloudWatchLogs) -> None:
    with pytest.raises(NotFoundError, match="metrics-gone"):
        list(logs.read(["/aws/lambda/metrics-gone"], BEGAN))
