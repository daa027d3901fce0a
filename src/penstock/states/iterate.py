"""Map states: each item goes through a machine of its own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.states import failures
from penstock.states.execution import Frame
from penstock.states.failures import StateFailedError
from penstock.states.machine import Machine, State

if TYPE_CHECKING:
    from penstock.states.enter import Runner

# How many iterations AWS has at once where MaxConcurrency names no limit.
INLINE_CONCURRENCY = 40


def begin_map(run: Runner, frame: Frame, state: State) -> None:
    """Begins a Map's first iterations. One without items has to be left at once: nothing will come of it.

    Raises:
        StateFailedError: there is no list of items, or no possible number of iterations at once.
    """
    context = run.context(frame, "items")
    items = frame.effective if state.items is None else state.items(frame.effective, context)
    if not isinstance(items, list):
        cause = f"The items of Map state {state.name!r} must be an array, not {items!r:.100}"
        raise StateFailedError(failures.RUNTIME, cause)
    frame.items, frame.begun = items, 0
    frame.children, frame.results, frame.waiting = [], [None] * len(items), len(items)
    run.tell("MapStateStarted", frame, length=len(items))
    if items:
        begin_iterations(run, frame, state)
    else:
        end_map(run, frame)


def begin_iterations(run: Runner, frame: Frame, state: State) -> None:
    """Begins as many iterations as there may be at once."""
    limit = _concurrency(run, frame, state)
    begun = []
    while frame.begun < len(frame.items) and len(frame.children) < limit:
        child = _iteration(frame, state, frame.begun)
        frame.begun += 1
        frame.children.append(child)
        begun.append(child)
    for child in reversed(begun):
        run.begin_iteration(child)


def iteration_input(run: Runner, frame: Frame, child: Frame, state: State) -> Any:
    """Returns what an iteration begins with: its item, or what ItemSelector makes of it."""
    _, value = child.item or (0, None)
    if state.selector is None:
        return value
    return state.selector(frame.value if state.is_jsonata else frame.effective, run.context(child, "item"))


def end_iteration(run: Runner, frame: Frame, child: Frame, output: Any, state: State) -> None:
    """Keeps an iteration's output, and begins the next one or ends the Map."""
    run.tell("MapIterationSucceeded", frame, index=child.index)
    frame.results[child.index] = output
    frame.waiting -= 1
    frame.children.remove(child)
    if frame.waiting == 0:
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
    item = (index, frame.items[index])
    return Frame(path, processor(state), frame, index, item=item, scope=frame.scope.inner())


def processor(state: State) -> Machine:
    """Returns the machine of a Map."""
    if state.processor is None:
        raise ValueError(f"state {state.name!r} is no Map")
    return state.processor


def _concurrency(run: Runner, frame: Frame, state: State) -> int:
    if state.concurrency is None:
        return INLINE_CONCURRENCY
    value = state.concurrency(frame.effective, run.context(frame, "items"))
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        cause = f"MaxConcurrency must be a whole number from 0, not {value!r:.100}"
        raise StateFailedError(failures.RUNTIME, cause)
    return value or INLINE_CONCURRENCY
