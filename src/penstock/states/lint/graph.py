"""Where states lead: targets, states that nothing leads to, machines without an end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states.lint.words import NAME_LIMIT, near_name, shown

TERMINAL_TYPES = frozenset({"Succeed", "Fail"})


def check_transitions(kind: str, state: dict[str, Any], where: str, states: dict[str, Any]) -> Iterator[Finding]:
    """Yields what is wrong with the ways out of a state. They lead to states of the same machine only."""
    if kind not in TERMINAL_TYPES | {"Choice"}:
        if ("Next" in state) == ("End" in state):
            problem = "both Next and End" if "Next" in state else "neither Next nor End"
            yield Finding(where, "transition", f"the state has {problem}", 'write "Next": "…" or "End": true')
        elif "End" in state and state["End"] is not True:
            yield Finding(f"{where}.End", "transition", "End can only be true", 'write "End": true')
    for place, target in targets(state):
        if not isinstance(target, str) or target not in states:
            message = f"{shown(target)} is no state of this machine"
            yield Finding(f"{where}.{place}", "dangling", message, near_name(target, states))


def targets(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields (place, name) of every transition out of a state."""
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Choices", "Catch"):
        entries = state.get(field)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict) and "Next" in entry:
                yield f"{field}[{number}].Next", entry["Next"]


def check_reachable(start_at: str, states: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields a finding for each state that no way leads to. AWS: ``State "…" is not reachable.``"""
    reached, waiting = {start_at}, [start_at]
    while waiting:
        state = states[waiting.pop()]
        for _, target in targets(state) if isinstance(state, dict) else ():
            if isinstance(target, str) and target in states and target not in reached:
                reached.add(target)
                waiting.append(target)
    for name in states:
        if name not in reached:
            place = f"{where}.States.{name[:NAME_LIMIT]}"
            yield Finding(place, "unreachable", f"nothing leads to {shown(name)}", "lead to it, or remove it")


def check_end(states: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields a finding if a machine has no terminal state: a Succeed, a Fail, or one with ``"End": true``."""
    for state in states.values():
        if isinstance(state, dict) and (state.get("End") is True or _is_terminal(state)):
            return
    yield Finding(where, "no-end", "no state ends the machine", 'give one "End": true, or add a Succeed state')


def _is_terminal(state: dict[str, Any]) -> bool:
    kind = state.get("Type")
    return isinstance(kind, str) and kind in TERMINAL_TYPES
