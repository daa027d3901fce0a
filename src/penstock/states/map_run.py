"""Distributed Map: what a Map state asks for, whose items go through workflow executions of their own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock.errors import NotFoundError
from penstock.states import failures
from penstock.states.choice import is_number
from penstock.states.commands import StartMapRun
from penstock.states.execution import ExecutionState, Frame, Item
from penstock.states.failures import StateFailedError
from penstock.states.machine import Distribution, Machine, State
from penstock.states.map_run_names import map_run_arn
from penstock.states.missing import shown
from penstock.states.paths import Resolve
from penstock.states.turn import Surroundings, Turn, state_of, whole_cause

if TYPE_CHECKING:
    from penstock.states.flow import Flow

# What holds templates in an ItemReader, ItemBatcher or ResultWriter; both languages' words mean the same.
TEMPLATES = {"Parameters": "Parameters", "Arguments": "Parameters", "BatchInput": "BatchInput"}


def distribution(body: Mapping[str, Any], flow: Flow) -> Distribution | None:
    """Returns how a Map state spreads its items; None for an inline one."""
    config = body.get("ItemProcessor", {}).get("ProcessorConfig", {}) if body["Type"] == "Map" else {}
    if config.get("Mode") != "DISTRIBUTED":
        return None
    reader, batcher, writer = (
        _block(body[name], flow, name) if name in body else None
        for name in ("ItemReader", "ItemBatcher", "ResultWriter")
    )
    return Distribution(
        reader=reader,
        batcher=batcher,
        writer=writer,
        tolerated_count=flow.field("ToleratedFailureCount"),
        tolerated_percentage=flow.field("ToleratedFailurePercentage"),
        label=body.get("Label", ""),
        execution_type=config.get("ExecutionType", "STANDARD"),
    )


def _block(body: Mapping[str, Any], flow: Flow, place: str) -> Resolve:
    """Returns what fills an object of fields: templates, constants, and paths to what has the name without Path."""
    fields: list[tuple[str, Resolve]] = []
    for name, inner in body.items():
        if name in TEMPLATES:
            fields.append((TEMPLATES[name], flow.filled(inner, f"{place}/{name}")))
        elif isinstance(inner, dict):
            fields.append((name, _block(inner, flow, f"{place}/{name}")))
        else:
            fields.append((name.removesuffix("Path"), flow.setting(name, inner, f"{place}/{name}")))
    return lambda value, around: {name: resolve(value, around) for name, resolve in fields}


def start_map_run(run: Turn, frame: Frame, state: State, spread: Distribution, items: Any, limit: int) -> None:
    """Asks for the executions of a Map's items.

    Raises:
        StateFailedError: a field that is a path or an expression gives what it cannot take.
    """
    around = run.context(frame, "items")
    value = frame.value if state.is_jsonata else frame.effective
    key = run.key(frame)
    token = f"{key}#{frame.attempt}"
    command = StartMapRun(
        token=token,
        key=key,
        state_name=state.name,
        attempt=frame.attempt,
        items=items,
        reader=_filled(spread.reader, value, around),
        batcher=_filled(spread.batcher, value, around),
        writer=_filled(spread.writer, value, around),
        max_concurrency=limit,
        tolerated_failure_count=_count(spread.tolerated_count, frame.value, around),
        tolerated_failure_percentage=_percentage(spread.tolerated_percentage, frame.value, around),
        label=spread.label,
        execution_type=spread.execution_type,
        redriven="" if frame.map_run is None else frame.map_run[0],
    )
    run.tell("MapStateStarted", frame, length=0 if items is None else len(items))
    if frame.map_run is None:
        arn = map_run_arn(run.state.context.machine_id, spread.label or state.name, token)
        run.tell("MapRunStarted", frame, mapRunArn=arn)
    else:
        arn = frame.map_run[1]
        run.tell("MapRunRedriven", frame, mapRunArn=arn, redriveCount=run.state.redrives)
    frame.map_run = token, arn
    run.wait_for(frame, "map", token, command)


def item_input(
    state: ExecutionState,
    token: str,
    index: int,
    item: Any,
    at: float,
    *,
    key: str | None = None,
    source: str = "STATE_DATA",
) -> Any:
    """Returns what an item of a running distributed Map is for its execution: the item, or what ItemSelector makes.

    Args:
        token: the command's.
        at: seconds since the epoch.
        key: of an object's item, its name.
        source: where the item was read.

    Raises:
        StateFailedError: ItemSelector names what is not there.
        NotFoundError: no Map Run of this token is running.
    """
    entry = state.outstanding.get(token)
    if entry is None or not isinstance(entry.command, StartMapRun):
        raise NotFoundError(f"no Map Run {token!r} is running")
    frame, around = entry.frame, state_of(entry.frame)
    # It stands in for the item, so that what the item draws at random is its own.
    child = Frame(
        f"{frame.path}{frame.number}.{frame.attempt}.{index}/", frame.machine, frame, index, scope=frame.scope
    )
    child.item = Item(index, item, key, source)
    if around.selector is None:
        return child.item.given
    value = frame.value if around.is_jsonata else frame.effective
    try:
        return around.selector(value, Surroundings(state, child, "item", at))
    except StateFailedError as failure:
        raise StateFailedError(failure.error, whole_cause(frame, failure), is_whole=True) from None


def _filled(resolve: Resolve | None, value: Any, around: Surroundings) -> dict[str, Any] | None:
    return None if resolve is None else resolve(value, around)


def _count(resolve: Resolve | None, value: Any, around: Surroundings) -> int | None:
    count = None if resolve is None else resolve(value, around)
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        raise StateFailedError(
            failures.RUNTIME, f"ToleratedFailureCount must be a whole number from 0, not {shown(count):.100}"
        )
    return count


def _percentage(resolve: Resolve | None, value: Any, around: Surroundings) -> float | None:
    percentage = None if resolve is None else resolve(value, around)
    if percentage is not None and not (is_number(percentage) and 0 <= percentage <= 100):
        raise StateFailedError(
            failures.RUNTIME, f"ToleratedFailurePercentage must be a number from 0 to 100, not {shown(percentage):.100}"
        )
    return percentage


def processor(machine: Machine, state_name: str) -> Machine:
    """Returns the machine that each item of a Map goes through, wherever in a document the Map is.

    Raises:
        NotFoundError: there is no Map of that name.
    """
    pending = [machine]
    while pending:
        inside = pending.pop()
        for state in inside.states.values():
            if state.name == state_name and state.processor is not None:
                return state.processor
            pending += [*state.branches, *([] if state.processor is None else [state.processor])]
    raise NotFoundError(f"there is no Map state {state_name!r}")
