"""Traces: the header, and the subsegment that the daemon gets.

https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator

import pytest

from penstock.ports.invoke import Call, Reply
from penstock.runtime.aws.trace import send_subsegment, trace_header

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
HEADER = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1|68fd508a:5"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A daemon that takes datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(2)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{receiver.getsockname()[1]}")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
        yield receiver


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        (HEADER, {"Root": ROOT, "Parent": "53995c3f42cd8ad8", "Sampled": "1", "Lineage": "a87bd80c:1|68fd508a:5"}),
        (f"Root={ROOT}", {"Root": ROOT}),
        ("", {}),
        ("nonsense;;Root", {}),
    ],
)
def test_the_header_is_taken_apart(header: str, parts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    assert trace_header() == parts


@pytest.mark.parametrize(
    ("reply", "fault", "error"), [(Reply(b"1"), False, ""), (Reply(error="TooLate"), True, "TooLate")]
)
def test_the_daemon_gets_a_subsegment(
    reply: Reply,
    fault: bool,
    error: str,
    daemon: socket.socket,
    call: Call,
) -> None:
    assert send_subsegment(call, reply, 10.0, 12.5) is True
    header, _, body = daemon.recv(65_536).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    document = json.loads(body)
    assert re.fullmatch(r"[0-9a-f]{16}", document.pop("id"))
    assert document == {
        "type": "subsegment",
        "name": "take",
        "trace_id": ROOT,
        "parent_id": "53995c3f42cd8ad8",
        "start_time": 10.0,
        "end_time": 12.5,
        "fault": fault,
        "annotations": {"pipeline": "shop", "execution": "run-1", "state": "Take"},
        "metadata": {"penstock": {"attempt": 1, "error": error}},
    }


@pytest.mark.parametrize(
    "header",
    [HEADER.replace("Sampled=1", "Sampled=0"), f"Root={ROOT};Sampled=1", "Parent=53995c3f42cd8ad8;Sampled=1", ""],
)
def test_nothing_is_sent_for_what_is_not_traced(
    header: str, daemon: socket.socket, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    assert send_subsegment(call, Reply(b"1"), 0.0, 1.0) is False
    daemon.setblocking(False)
    with pytest.raises(BlockingIOError):
        daemon.recv(1)


@pytest.mark.parametrize("address", ["", "nowhere", "127.0.0.1:port", "127.0.0.1:99999"])
def test_a_daemon_that_is_not_there_fails_no_call(address: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", address)
    assert send_subsegment(call, Reply(b"1"), 0.0, 1.0) is False


def test_a_document_that_is_too_large_is_not_sent_in_half(
    daemon: socket.socket, with_call: Callable[..., Call]
) -> None:
    # https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html: at most 64 kB
    assert send_subsegment(with_call(state="x" * 65_536), Reply(b"1"), 0.0, 1.0) is False
    daemon.setblocking(False)
    with pytest.raises(BlockingIOError):
        daemon.recv(1)
