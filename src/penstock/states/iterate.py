"""Map states: each item goes through a machine of its own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.states import failures
from penstock.states.execution import Frame, Item
from penstock.states.failures import StateFailedError
from penstock.states.machine import State
from penstock.states.map_run import start_map_run
from penstock.states.missing import shown

if TYPE_CHECKING:
    from penstock.states.enter import Runner

# How many iterations AWS has at once where MaxConcurrency names no limit.
INLINE_CONCURRENCY = 40


def begin_map(run: Runner, frame: Frame, state: State) -> None:
    """Begins a Map's first iterations, or asks for its Map Run. A Map without items has to be left at once.

    Raises:
        StateFailedError: there are no items to take, or no possible number of iterations at once.
    """
    spread = state.distribution
    if spread is not None:
        items = None if spread.reader is not None else _items(run, frame, state)
        start_map_run(run, frame, state, spread, items, _concurrency(run, frame, state))
        return
    items = _items(run, frame, state)
    frame.limit = _concurrency(run, frame, state) or INLINE_CONCURRENCY
    if isinstance(items, dict):
        frame.items = [Item(index, value, key) for index, (key, value) in enumerate(items.items())]
    else:
        frame.items = [Item(index, value) for index, value in enumerate(items)]
    frame.begun = 0
    frame.children, frame.results, frame.waiting = [], [None] * len(items), len(items)
    run.tell("MapStateStarted", frame, length=len(items))
    if items:
        begin_iterations(run, frame, state)
    else:
        end_map(run, frame)


def _items(run: Runner, frame: Frame, state: State) -> list[Any] | dict[str, Any]:
    """Returns the array whose items, or the object whose pairs, a Map goes through."""
    context = run.context(frame, "items")
    value = frame.value if state.is_jsonata else frame.effective
    items = value if state.items is None else state.items(value, context)
    if not isinstance(items, list | dict):
        cause = f"The items of Map state {state.name!r} must be an array or an object, not {shown(items):.100}"
        raise StateFailedError(failures.RUNTIME, cause)
    return items


def begin_iterations(run: Runner, frame: Frame, state: State) -> None:
    """Begins as many iterations as there may be at once."""
    begun = []
    while frame.begun < len(frame.items) and len(frame.children) < frame.limit:
        child = _iteration(frame, state, frame.begun)
        frame.begun += 1
        frame.children.append(child)
        begun.append(child)
    for child in reversed(begun):
        run.begin_iteration(child)


def iteration_input(run: Runner, frame: Frame, child: Frame, state: State) -> Any:
    """Returns what an iteration begins with: its item, or what ItemSelector makes of it."""
    if state.selector is None:
        return None if child.item is None else child.item.given
    return state.selector(frame.value if state.is_jsonata else frame.effective, run.context(child, "item"))


def end_iteration(run: Runner, frame: Frame, child: Frame, output: Any, state: State) -> None:
    """Keeps an iteration's output, and begins the next one or ends the Map."""
    run.tell("MapIterationSucceeded", child, name=state.name, index=child.index)
    frame.results[child.index] = output
    frame.waiting -= 1
    frame.children.remove(child)
    if frame.waiting == 0:
        frame.last = child.last
        end_map(run, frame)
    else:
        begin_iterations(run, frame, state)


def end_map(run: Runner, frame: Frame) -> None:
    """Leaves a Map with its iterations' outputs, in the order of the items."""
    results = frame.results
    frame.children, frame.results, frame.items = [], [], []
    run.tell("MapStateSucceeded", frame)
    run.leave(frame, results)


def _iteration(frame: Frame, state: State, index: int) -> Frame:
    path = f"{frame.path}{frame.number}.{frame.attempt}.{index}/"
    machine = state.processor
    if machine is None:
        raise ValueError(f"state {state.name!r} is no Map")
    return Frame(path, machine, frame, index, item=frame.items[index], scope=frame.scope.inner(), last=frame.last)


def _concurrency(run: Runner, frame: Frame, state: State) -> int:
    """Returns how many iterations there may be at once; 0 where nothing limits them."""
    if state.concurrency is None:
        return 0
    value = state.concurrency(frame.value, run.context(frame, "items"))
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        cause = f"MaxConcurrency must be a whole number from 0, not {shown(value):.100}"
        raise StateFailedError(failures.RUNTIME, cause)
    return value
