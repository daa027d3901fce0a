"""The log of a function: one document a line, with the fields that Logs Insights asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.ports.invoke import Call, Reply
from penstock.runtime.aws.log import CAUSE_CHARACTERS, call_line, write_line

ALWAYS = {
    "pipeline": "shop",
    "task": "take",
    "execution": "run-1",
    "state": "Take",
    "attempt": 1,
    "cold_start": True,
    "request_id": "r",
}


def line(call: Call, reply: Reply, *, trace_id: str = "") -> dict[str, Any]:
    text = call_line(call, reply, request_id="r", cold=True, trace_id=trace_id)
    assert "\n" not in text
    read: dict[str, Any] = json.loads(text)
    return read


def test_a_success(call: Call) -> None:
    read = line(call, Reply(b"1", duration_seconds=0.0123456))
    assert read == {**ALWAYS, "level": "INFO", "message": "take succeeded", "duration_ms": 12.346}


def test_a_failure(call: Call) -> None:
    read = line(call, Reply(error="TooLate", cause='{"errorMessage": "a\nb"}', duration_seconds=1))
    told = {"level": "ERROR", "message": "take failed", "error": "TooLate", "cause": '{"errorMessage": "a\nb"}'}
    assert read == {**ALWAYS, **told, "duration_ms": 1000}


def test_a_trace_is_named(call: Call) -> None:
    assert line(call, Reply(b"1"), trace_id="1-2-3")["trace_id"] == "1-2-3"


def test_a_long_cause_is_cut(call: Call) -> None:
    assert len(line(call, Reply(error="E", cause="x" * 100_000))["cause"]) == CAUSE_CHARACTERS


@pytest.mark.parametrize("text", ["a\nb", "\u2028", "\ud83d", "é😀", "\x00"])
def test_any_text_is_one_line_of_ascii(text: str, with_call: Callable[..., Call]) -> None:
    made = call_line(with_call(execution=text), Reply(b"1"), request_id="r", cold=False, trace_id="")
    assert made.isascii()
    assert len(made.splitlines()) == 1
    assert json.loads(made)["execution"] == text


def test_lines_are_written_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    write_line("a")
    write_line("b")
    assert capsys.readouterr().out == "a\nb\n"
