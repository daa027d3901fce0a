"""Steps → Amazon States Language. The document is the same in every home, but for the names that things have there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from penstock.define import workflow as steps
from penstock.define.payload import FIELDS
from penstock.define.workflow import Chain, Step, Stepped, as_step
from penstock.model.integrations import LAKE_BUCKET
from penstock.model.workflow import INVOKE

States = dict[str, dict[str, Any]]
CSV_HEADER = {"CSVHeaderLocation": "FIRST_ROW"}


def emit(pipeline: str, start: Stepped, comment: str = "") -> bytes:
    """Returns the state machine document of a chain of steps, as indented JSON."""
    document: dict[str, Any] = {"Comment": comment} if comment else {}
    document |= _Emitter(pipeline).machine(as_step(start))
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def function_name(pipeline: str, task: str) -> str:
    """Returns the name under which a task is invoked."""
    return f"{pipeline}-{task}"


class _Emitter:
    """Names are unique over the whole document, as Amazon States Language asks."""

    def __init__(self, pipeline: str) -> None:
        self._pipeline = pipeline
        self._names: set[str] = set()

    def machine(self, start: Step | Chain, retries: tuple[steps.Retry, ...] = ()) -> dict[str, Any]:
        states: States = {}
        first = self._chain(start, states, None, retries)
        return {"StartAt": first, "States": states}

    def _chain(
        self, start: Step | Chain, states: States, following: str | None, retries: tuple[steps.Retry, ...]
    ) -> str:
        sequence = start.steps if isinstance(start, Chain) else (start,)
        names = [self._unique(step) for step in sequence]
        for position, (step, name) in enumerate(zip(sequence, names, strict=True)):
            state = states[name] = {"Type": _type_name(step)}
            next_name = names[position + 1] if position + 1 < len(names) else following
            self._fill(step, state, states, next_name, retries)
        return names[0]

    def _fill(
        self, step: Step, state: dict[str, Any], states: States, following: str | None, retries: tuple[steps.Retry, ...]
    ) -> None:
        retries = step.retries or retries
        match step:
            case steps.Invoke(task=task) if task is not None:
                state |= _invoke_fields(function_name(self._pipeline, task.name))
                state |= _retry_fields(retries)
            case steps.Parallel():
                state["Branches"] = [self.machine(branch, retries) for branch in step.branches]
            case steps.Map():
                state |= self._map_fields(step, retries)
            case steps.DistributedMap():
                state |= self._distributed_fields(step, retries)
            case steps.Choice():
                self._choice(step, state, states, following, retries)
            case steps.Wait():
                state |= _wait_fields(step)
            case steps.Pass(result=result):
                state |= {} if result is None else {"Result": result}
            case steps.Fail(error=error, cause=cause):
                state |= {"Error": error} | ({"Cause": cause} if cause else {})
        if step.catches:
            state["Catch"] = list(self._catchers(step, states))
        if not isinstance(step, steps.Choice | steps.Succeed | steps.Fail):
            state |= {"Next": following} if following else {"End": True}

    def _map_fields(self, step: steps.Map, retries: tuple[steps.Retry, ...]) -> dict[str, Any]:
        fields: dict[str, Any] = {} if step.items == "$" else {"ItemsPath": step.items}
        if step.at_once:
            fields["MaxConcurrency"] = step.at_once
        processor = {"ProcessorConfig": {"Mode": "INLINE"}, **self.machine(step.each, retries)}
        return {**fields, "ItemProcessor": processor}

    def _distributed_fields(self, step: steps.DistributedMap, retries: tuple[steps.Retry, ...]) -> dict[str, Any]:
        fields: dict[str, Any] = {"MaxConcurrency": step.at_once}
        if step.read:
            fields["ItemReader"] = {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": step.form} | (CSV_HEADER if step.form == "CSV" else {}),
                "Parameters": {"Bucket": LAKE_BUCKET, "Key.$": step.read},
            }
        elif step.items != "$":
            fields["ItemsPath"] = step.items
        if step.batch:
            fields["ItemBatcher"] = {"MaxItemsPerBatch": step.batch}
        if step.tolerate is not None:
            fields["ToleratedFailureCount"] = step.tolerate
        if step.tolerate_percent is not None:
            fields["ToleratedFailurePercentage"] = step.tolerate_percent
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        return {**fields, "ItemProcessor": {"ProcessorConfig": config, **self.machine(step.each, retries)}}

    def _choice(
        self,
        step: steps.Choice,
        state: dict[str, Any],
        states: States,
        following: str | None,
        retries: tuple[steps.Retry, ...],
    ) -> None:
        state["Choices"] = [
            {**condition.rule, "Next": self._chain(target, states, following, retries)}
            for condition, target in step.options
        ]
        if step.default is not None:
            state["Default"] = self._chain(step.default, states, following, retries)

    def _catchers(self, step: Step, states: States) -> Iterator[dict[str, Any]]:
        for catch in step.catches:
            failed = None
            if catch.then_fail:
                failed = self._unique(steps.Fail("Failed"))
                states[failed] = {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "$.Cause"}
            target = self._chain(catch.target, states, failed, ())
            if failed is not None:
                _keep_error(states, target, failed)
            yield {"ErrorEquals": list(catch.errors), "Next": target}

    def _unique(self, step: Step) -> str:
        wanted = step.name or _type_name(step)
        name, number = wanted, 2
        while name in self._names:
            name, number = f"{wanted} {number}", number + 1
        self._names.add(name)
        return name


def _keep_error(states: States, name: str, failed: str) -> None:
    """Lets the error flow past the handler's own results, so that the Fail state can repeat it."""
    while name != failed:
        state = states[name]
        if state["Type"] in {"Task", "Parallel", "Map", "Pass"}:
            state.pop("OutputPath", None)
            state["ResultPath"] = None
        if "Next" not in state:
            return
        name = state["Next"]


def _type_name(step: Step) -> str:
    if isinstance(step, steps.Invoke):
        return "Task"
    return "Map" if isinstance(step, steps.DistributedMap) else type(step).__name__


def _invoke_fields(function: str) -> dict[str, Any]:
    return {
        "Resource": INVOKE,
        "Parameters": {
            "FunctionName": function,
            "Payload": dict(FIELDS),
        },
        "OutputPath": "$.Payload",
    }


def _retry_fields(retries: tuple[steps.Retry, ...]) -> dict[str, Any]:
    if not retries:
        return {}
    return {"Retry": [_retrier(retry) for retry in retries]}


def _retrier(retry: steps.Retry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "ErrorEquals": list(retry.errors),
        "IntervalSeconds": _seconds(retry.every),
        "MaxAttempts": retry.times,
        "BackoffRate": retry.backoff,
    }
    if retry.max_delay is not None:
        fields["MaxDelaySeconds"] = _seconds(retry.max_delay)
    if retry.jitter:
        fields["JitterStrategy"] = "FULL"
    return fields


def _wait_fields(step: steps.Wait) -> dict[str, Any]:
    if step.until_path is not None:
        return {"TimestampPath": step.until_path}
    return {"Seconds": _seconds(step.span or timedelta())}


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())
