"""Calls of tasks: requests, and memory by time. https://aws.amazon.com/lambda/pricing/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import GB, lambda_gb_seconds
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Answer, Call

REQUEST, LOGS = "lambda-requests", "logs"
# START, END and REPORT, which Lambda writes for each call.
OWN_LINES_BYTES = 340


class MeteredInvoker(Wrapper):
    """Calls of tasks that were answered. States that call services by themselves call no function."""

    def __init__(self, inner: Any, meter: Any, clock: Any, definitions: Mapping[str, Definition]) -> None:
        super().__init__(inner, meter, clock)
        self._definitions = definitions
        self._calls: dict[str, Call] = {}

    def submit(self, call: Call) -> None:
        if not call.resource:
            self._calls[call.token] = call
        self._inner.submit(call)

    def cancel(self, token: str) -> None:
        call = self._calls.pop(token, None)
        if call is not None:
            # Nobody waits for it any more, but it was called.
            self._called(call, 0.0, 0)
        self._inner.cancel(token)

    def wait(self, timeout_seconds: float) -> list[Answer]:
        answers: list[Answer] = self._inner.wait(timeout_seconds)
        for answer in answers:
            call = self._calls.pop(answer.token, None)
            if call is not None:
                seconds = answer.report.duration_seconds or answer.reply.duration_seconds
                self._called(call, seconds, answer.report.log_bytes)
        return answers

    def _called(self, call: Call, seconds: float, log_bytes: int) -> None:
        definition = self._definitions[call.pipeline]
        task, named = definition.tasks[call.task], f"{call.pipeline}/{call.task}"
        if definition.deployment.compute == "ec2":
            return
        self._count(REQUEST, 1, "Invoke", named)
        item = f"lambda-{definition.deployment.architecture}"
        self._count(item, lambda_gb_seconds(seconds, task.memory_mb), "Invoke", named)
        self._count(LOGS, (log_bytes + OWN_LINES_BYTES) / GB, "logs of tasks", named)
