"""What a Map state may be, inline and distributed.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states import jsonata
from penstock.states.lint.numbers import check_number, check_whole
from penstock.states.lint.paths import check_either, check_path
from penstock.states.lint.words import shown, unknown_fields

DISTRIBUTED_ONLY = (
    "ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailureCount", "ToleratedFailureCountPath",
    "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
)  # fmt: skip
MODES = ("INLINE", "DISTRIBUTED")
EXECUTION_TYPES = ("STANDARD", "EXPRESS")
LABEL_LIMIT = 40
# White space, wildcards, brackets, special and control characters: state-map-distributed, "Label".
NOT_IN_LABELS = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")
# Express workflows: https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
NOT_IN_EXPRESS = re.compile(r"\.(sync(:2)?|waitForTaskToken)$|^arn:[^:]*:states:[^:]*:[^:]*:activity:")


class Mode(enum.Enum):
    """How a Map runs: within its execution, or in Standard or Express child executions."""

    INLINE = "INLINE"
    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


def mode_of(state: dict[str, Any]) -> Mode:
    """Returns how a Map runs, as far as its document says so soundly."""
    body = state.get("ItemProcessor")
    config = body.get("ProcessorConfig") if isinstance(body, dict) else None
    if not isinstance(config, dict) or config.get("Mode") != "DISTRIBUTED":
        return Mode.INLINE
    return Mode.EXPRESS if config.get("ExecutionType") == "EXPRESS" else Mode.STANDARD


def check_map(
    state: dict[str, Any], where: str, mode: Mode, labels: dict[str, str], *, is_jsonata: bool
) -> Iterator[Finding]:
    """Yields what is wrong with a Map's own fields."""
    yield from check_whole(state, "MaxConcurrency", where, low=0, is_jsonata=is_jsonata)
    yield from check_whole(state, "ToleratedFailureCount", where, low=0, is_jsonata=is_jsonata)
    yield from check_number(state, "ToleratedFailurePercentage", where, (0, 100), is_jsonata=is_jsonata)
    if is_jsonata:
        yield from _items(state.get("Items", []), f"{where}.Items")
    else:
        yield from check_either(state, ("ItemSelector", "Parameters"), where)
        yield from check_path(state, "ItemsPath", where, reference=True)
        for name in ("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"):
            yield from check_either(state, (name, f"{name}Path"), where)
            yield from check_path(state, f"{name}Path", where, reference=True, context=False)
    if mode is Mode.INLINE:
        for field in [name for name in DISTRIBUTED_ONLY if name in state]:
            hint = 'write "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": …} in the ItemProcessor'
            yield Finding(f"{where}.{field}", "distributed", f"only a distributed Map has {field}", hint)
    if "Label" in state:
        yield from _label(state["Label"], f"{where}.Label", labels)


def _items(items: Any, where: str) -> Iterator[Finding]:
    if not isinstance(items, list | dict) and not jsonata.is_expression(items):
        message = "Items is an array, an object or an expression"
        yield Finding(where, "type", message, "write [ … ] or {% … %}")


def _label(label: Any, where: str, labels: dict[str, str]) -> Iterator[Finding]:
    if not isinstance(label, str):
        yield Finding(where, "type", "Label is text", "put it into quotes")
        return
    if not 0 < len(label) <= LABEL_LIMIT:
        message = f"the label has {len(label)} characters, 1 to {LABEL_LIMIT} are possible"
        yield Finding(where, "label", message, "shorten it" if label else "leave it out")
    found = NOT_IN_LABELS.search(label)
    if found:
        message = f"a label cannot have the character {found[0]!r}"
        yield Finding(where, "label", message, "use letters, digits, - and _")
    if label in labels:
        message = f"{shown(label)} is a label already, at {labels[label]}"
        yield Finding(where, "duplicate-label", message, "rename one of them")
    labels.setdefault(label, where)


def check_config(body: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with the ProcessorConfig of an ItemProcessor."""
    if not isinstance(body, dict) or "ProcessorConfig" not in body:
        return
    config, where = body["ProcessorConfig"], f"{where}.ProcessorConfig"
    if not isinstance(config, dict):
        yield Finding(where, "type", "ProcessorConfig is a JSON object", 'write {"Mode": "INLINE"}')
        return
    yield from unknown_fields(config, {"Mode", "ExecutionType"}, where)
    mode = config.get("Mode", "INLINE")
    if mode not in MODES:
        yield Finding(f"{where}.Mode", "value", f"there is no mode {shown(mode)}", f"one of {', '.join(MODES)}")
    elif mode == "INLINE" and "ExecutionType" in config:
        message = "only a distributed Map has an ExecutionType"
        yield Finding(f"{where}.ExecutionType", "unknown-field", message, "remove it, or make the Mode DISTRIBUTED")
    elif mode == "DISTRIBUTED" and "ExecutionType" not in config:
        message = "a distributed Map needs an ExecutionType"
        yield Finding(where, "required", message, f"one of {', '.join(EXECUTION_TYPES)}")
    if config.get("ExecutionType", "STANDARD") not in EXECUTION_TYPES:
        message = f"there is no execution type {shown(config['ExecutionType'])}"
        yield Finding(f"{where}.ExecutionType", "value", message, f"one of {', '.join(EXECUTION_TYPES)}")


def check_express(kind: str, state: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields what a state within an Express child execution cannot do."""
    resource = state.get("Resource")
    if kind == "Task" and isinstance(resource, str) and NOT_IN_EXPRESS.search(resource):
        message = "an Express workflow waits for no job, token or activity"
        yield Finding(f"{where}.Resource", "express", message, 'make the ExecutionType "STANDARD"')
    if kind == "Map" and mode_of(state) is not Mode.INLINE:
        message = "an Express workflow has no distributed Map"
        yield Finding(where, "express", message, 'make the outer ExecutionType "STANDARD", or this Map inline')
