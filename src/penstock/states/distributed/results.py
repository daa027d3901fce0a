"""ResultWriter: what is left of the child executions.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html. ``Transformation`` NONE keeps what
is known of each execution, COMPACT only its output, FLATTEN the elements of outputs that are arrays; what failed is
always kept as by NONE. Without a writer the Map's output is the array of the outputs, as by COMPACT, in the items'
order; an item that failed and was tolerated leaves nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from penstock.states import failures
from penstock.states.failures import PAYLOAD_LIMIT_BYTES, StateFailedError
from penstock.states.missing import shown

PUT_OBJECT = "arn:aws:states:::s3:putObject"
Group = Literal["SUCCEEDED", "FAILED", "PENDING"]
GROUPS: tuple[Group, ...] = ("FAILED", "PENDING", "SUCCEEDED")


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A child execution. Times are in seconds since the epoch.

    Attributes:
        input, output: JSON documents; no output unless it succeeded.
        status: PENDING if it was never begun.
        machine: the state machine's id: the parent's, a slash, and the Map's label.
    """

    id: str
    name: str
    machine: str
    status: str
    input: bytes
    output: bytes | None = None
    error: str | None = None
    cause: str | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    redrives: int = 0


def group_of(child: Child) -> Group:
    """Returns which of the result files a child execution is in. Those timed out or aborted count as failed."""
    if child.status == "SUCCEEDED":
        return "SUCCEEDED"
    return "PENDING" if child.status in {"PENDING", "RUNNING"} else "FAILED"


def record(child: Child) -> dict[str, Any]:
    """Returns everything that is known of a child execution, by DescribeExecution's names."""
    text: dict[str, Any] = {"Input": child.input.decode(), "InputDetails": {"Included": True}}
    if group_of(child) == "PENDING":
        return {**text, "Status": "PENDING"}
    known: dict[str, Any] = {"ExecutionArn": child.id, **text, "Name": child.name}
    if child.output is not None:
        known |= {"Output": child.output.decode(), "OutputDetails": {"Included": True}}
    if child.error is not None:
        known["Error"] = child.error
    if child.cause is not None:
        known["Cause"] = child.cause
    known["RedriveCount"] = child.redrives
    if child.status == "SUCCEEDED":
        known["RedriveStatus"] = "NOT_REDRIVABLE"
        known["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
    else:
        known["RedriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
    known["StateMachineArn"] = child.machine
    known["Status"] = child.status
    for name, at in (("StartDate", child.started_at), ("StopDate", child.stopped_at)):
        if at is not None:
            known[name] = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return known


def transformation(writer: dict[str, Any] | None) -> str:
    """Returns how results are transformed.

    Raises:
        StateFailedError: ``States.ResultWriterFailed``: there is no such transformation.
    """
    config = _config(writer or {})
    default = "COMPACT" if writer is None else "NONE"
    found = config.get("Transformation", default)
    if found not in ("NONE", "COMPACT", "FLATTEN"):
        raise writer_failed(f"Transformation must be NONE, COMPACT or FLATTEN, not {shown(found):.100}")
    return str(found)


def _config(writer: dict[str, Any]) -> dict[str, Any]:
    config = writer.get("WriterConfig") or {}
    if not isinstance(config, dict):
        raise writer_failed(f"WriterConfig must be an object, not {shown(config):.100}")
    return config


def rendered(child: Child, how: str) -> list[Any]:
    """Returns what a child execution leaves: one thing, or each element of its output where it is flattened."""
    if child.status != "SUCCEEDED" or how == "NONE":
        return [record(child)]
    output = msgspec.json.decode(child.output or b"null")
    return output if how == "FLATTEN" and isinstance(output, list) else [output]


def outputs(children: Iterable[Child], how: str, state_name: str) -> list[Any]:
    """Returns the Map's output where nothing is written: what each child that succeeded leaves, in order.

    Raises:
        StateFailedError: ``States.DataLimitExceeded``: it is larger than an output may be.
    """
    kept: list[Any] = []
    size = 1
    for child in children:
        if child.status != "SUCCEEDED":
            continue
        for result in rendered(child, how):
            size += len(msgspec.json.encode(result)) + 1
            if size > PAYLOAD_LIMIT_BYTES:
                cause = (
                    f"The state/task '{state_name}' returned a result with a size exceeding the maximum number of"
                    " bytes service limit."
                )
                raise StateFailedError(failures.DATA_LIMIT_EXCEEDED, cause)
            kept.append(result)
    return kept


def writer_failed(cause: str) -> StateFailedError:
    """Returns the failure of a ResultWriter."""
    return StateFailedError(failures.RESULT_WRITER_FAILED, cause)


class ResultFiles:
    """Makes the files of results, one after another; holds no more than the one being filled of each group.

    Args:
        writer: the ResultWriter: ``Resource``, ``Parameters``, ``WriterConfig``.
        run: the map run's name; ``redrives`` how often it was redriven.
        limit_bytes: when a file is full and the next one begins.

    Raises:
        StateFailedError: ``States.ResultWriterFailed``: the writer makes no sense.
    """

    def __init__(self, writer: dict[str, Any], run: str, *, redrives: int = 0, limit_bytes: int = 4 << 20) -> None:
        if writer.get("Resource") != PUT_OBJECT:
            raise writer_failed(f"A ResultWriter writes with {PUT_OBJECT}, not {writer.get('Resource')!r:.200}")
        parameters = writer.get("Parameters")
        bucket = parameters.get("Bucket") if isinstance(parameters, dict) else None
        prefix = parameters.get("Prefix", "") if isinstance(parameters, dict) else None
        if not isinstance(bucket, str) or not bucket or not isinstance(prefix, str):
            raise writer_failed("Parameters of a ResultWriter must name a Bucket and a Prefix")
        output_type = _config(writer).get("OutputType", "JSON")
        if output_type not in ("JSON", "JSONL"):
            raise writer_failed(f"OutputType must be JSON or JSONL, not {shown(output_type):.100}")
        self.bucket = bucket
        self._how = transformation(writer)
        self._is_lines = output_type == "JSONL"
        folder = f"{run}/Redrive-{redrives}" if redrives else run
        self._folder = "/".join(part for part in (prefix.strip("/"), folder) if part)
        self._limit_bytes = limit_bytes
        self._open: dict[Group, list[bytes]] = {group: [] for group in GROUPS}
        self._sizes: dict[Group, int] = dict.fromkeys(GROUPS, 0)
        self._listed: dict[Group, list[dict[str, Any]]] = {group: [] for group in GROUPS}

    @property
    def key(self) -> str:
        """The manifest's key."""
        return f"{self._folder}/manifest.json"

    def add(self, child: Child) -> Iterator[tuple[str, bytes]]:
        """Yields the key and content of each file that is full with this child's results."""
        group = group_of(child)
        for result in rendered(child, self._how):
            encoded = msgspec.json.encode(result)
            if self._open[group] and self._sizes[group] + len(encoded) > self._limit_bytes:
                yield self._close(group)
            self._open[group].append(encoded)
            self._sizes[group] += len(encoded) + 1

    def finish(self, arn: str) -> Iterator[tuple[str, bytes]]:
        """Yields the files that are left, the manifest last."""
        for group in GROUPS:
            if self._open[group]:
                yield self._close(group)
        manifest = {"DestinationBucket": self.bucket, "MapRunArn": arn, "ResultFiles": self._listed}
        yield self.key, msgspec.json.encode(manifest)

    def output(self, arn: str) -> dict[str, Any]:
        """Returns the Map's output."""
        return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": self.bucket, "Key": self.key}}

    def _close(self, group: Group) -> tuple[str, bytes]:
        results, self._open[group], self._sizes[group] = self._open[group], [], 0
        content = b"\n".join(results) + b"\n" if self._is_lines else b"[" + b",".join(results) + b"]"
        key = f"{self._folder}/{group}_{len(self._listed[group])}.json"
        self._listed[group].append({"Key": key, "Size": len(content)})
        return key, content
