"""Every mistake of an Amazon States Language document at once, each with its place."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from penstock.model.findings import Finding
from penstock.states import lint_fields
from penstock.states.lint_fields import COMMON, FIELDS, REQUIRED, check_catch, check_retry, check_values
from penstock.states.lint_rules import check_rules

SIZE_LIMIT_BYTES = 1024 * 1024
DEPTH_LIMIT = 60
NAME_LIMIT = 80
MACHINE_FIELDS = frozenset({"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"})
BRANCH_FIELDS = frozenset({"Comment", "StartAt", "States"})
TERMINAL_TYPES = frozenset({"Succeed", "Fail"})


class DuplicateKeyError(ValueError):
    """A JSON object has a key twice."""


def lint(document: bytes | str) -> list[Finding]:
    """Returns every mistake; nothing at all of a document that can be run.

    Places are JSON paths, such as ``$.States.Collect.Retry[0]``.
    """
    if len(document) > SIZE_LIMIT_BYTES:
        return [Finding("$", "size", f"the document has {len(document)} bytes, 1 MB is possible", "split the workflow")]
    try:
        decoded = json.loads(document, object_pairs_hook=_unique, parse_constant=_no_constant)
    except DuplicateKeyError as error:
        return [Finding("$", "duplicate-key", str(error), "give each its own name")]
    except (ValueError, RecursionError) as error:
        return [Finding("$", "json", f"no JSON: {error}", "mend the document")]
    if _depth(decoded) > DEPTH_LIMIT:
        return [Finding("$", "depth", f"the document is nested more than {DEPTH_LIMIT} deep", "flatten it")]
    seen: dict[str, str] = {}
    return sorted(set(_machine(decoded, "$", seen, is_root=True)))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DuplicateKeyError(f"the key {key[:100]!r} is there twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH_LIMIT:
            return depth
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _machine(body: Any, where: str, seen: dict[str, str], *, is_root: bool) -> Iterator[Finding]:
    if not isinstance(body, dict):
        yield Finding(where, "type", "a state machine is a JSON object", 'write {"StartAt": …, "States": {…}}')
        return
    yield from unknown_fields(body, MACHINE_FIELDS if is_root else BRANCH_FIELDS, where)
    language = body.get("QueryLanguage", "JSONPath")
    if language != "JSONPath":
        yield Finding(where, "not-yet", f"QueryLanguage {language!r} cannot be run yet", "write it in JSONPath")
    if "TimeoutSeconds" in body:
        yield from lint_fields.positive_integer(body, "TimeoutSeconds", where)
    states = body.get("States")
    if not isinstance(states, dict) or not states:
        yield Finding(where, "required", "there are no States", 'write "States": {"Name": {"Type": …}}')
        return
    start_at = body.get("StartAt")
    if start_at not in states:
        yield Finding(
            f"{where}.StartAt", "dangling", f"StartAt names {start_at!r}, which is no state", _near(start_at, states)
        )
    for name, state in states.items():
        yield from _named_state(name, state, f"{where}.States.{name}", states, seen)
    yield from _unreachable(start_at, states, where)


def _named_state(name: str, state: Any, where: str, states: dict[str, Any], seen: dict[str, str]) -> Iterator[Finding]:
    if not 0 < len(name) <= NAME_LIMIT:
        yield Finding(
            where, "name", f"the name has {len(name)} characters, 1 to {NAME_LIMIT} are possible", "shorten it"
        )
    if name in seen:
        yield Finding(where, "duplicate-name", f"{name!r} is a state already, at {seen[name]}", "rename one of them")
    seen.setdefault(name, where)
    if not isinstance(state, dict):
        yield Finding(where, "type", "a state is a JSON object", 'write {"Type": …}')
        return
    kind = state.get("Type")
    if kind == "Map":
        yield Finding(f"{where}.Type", "not-yet", "Map states cannot be run yet", "use Parallel, or start executions")
        return
    if not isinstance(kind, str) or kind not in FIELDS:
        yield Finding(f"{where}.Type", "type", f"{kind!r} is no type of state", f"one of {', '.join(FIELDS)}")
        return
    yield from unknown_fields(state, FIELDS[kind] | COMMON, where)
    for required in REQUIRED.get(kind, ()):
        if required not in state:
            yield Finding(where, "required", f"a {kind} state needs {required}", f'add "{required}"')
    yield from _transitions(kind, state, where, states)
    yield from check_values(kind, state, where)
    yield from check_retry(state.get("Retry", []), f"{where}.Retry")
    yield from check_catch(state.get("Catch", []), f"{where}.Catch")
    if kind == "Choice":
        yield from check_rules(state.get("Choices"), f"{where}.Choices")
    if kind == "Parallel":
        yield from _branches(state.get("Branches"), f"{where}.Branches", seen)


def _branches(branches: Any, where: str, seen: dict[str, str]) -> Iterator[Finding]:
    if not isinstance(branches, list) or not branches:
        yield Finding(where, "type", "Branches is a list of state machines", 'write [{"StartAt": …, "States": {…}}]')
        return
    for number, branch in enumerate(branches):
        yield from _machine(branch, f"{where}[{number}]", seen, is_root=False)


def _transitions(kind: str, state: dict[str, Any], where: str, states: dict[str, Any]) -> Iterator[Finding]:
    if kind not in TERMINAL_TYPES | {"Choice"}:
        if ("Next" in state) == ("End" in state):
            problem = "both Next and End" if "Next" in state else "neither Next nor End"
            yield Finding(where, "transition", f"the state has {problem}", 'write "Next": "…" or "End": true')
        elif "End" in state and state["End"] is not True:
            yield Finding(f"{where}.End", "transition", "End can only be true", 'write "End": true')
    for place, target in targets(state):
        if not isinstance(target, str) or target not in states:
            yield Finding(
                f"{where}.{place}", "dangling", f"{target!r} is no state of this machine", _near(target, states)
            )


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


def _unreachable(start_at: Any, states: dict[str, Any], where: str) -> Iterator[Finding]:
    if start_at not in states:
        return
    reached, waiting = {start_at}, [start_at]
    while waiting:
        state = states[waiting.pop()]
        for _, target in targets(state) if isinstance(state, dict) else ():
            if isinstance(target, str) and target in states and target not in reached:
                reached.add(target)
                waiting.append(target)
    for name in states:
        if name not in reached:
            yield Finding(
                f"{where}.States.{name}", "unreachable", f"nothing leads to {name!r}", "lead to it, or remove it"
            )


def unknown_fields(body: dict[str, Any], known: frozenset[str], where: str) -> Iterator[Finding]:
    """Yields a finding for each field that does not belong here."""
    for field in body:
        if field in known:
            continue
        if field in lint_fields.LATER:
            yield Finding(
                f"{where}.{field}", "not-yet", f"{field} belongs to what cannot be run yet", "use JSONPath fields"
            )
        else:
            near = difflib.get_close_matches(field, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"possible here: {', '.join(sorted(known))}"
            yield Finding(f"{where}.{field}", "unknown-field", f"{field[:100]!r} does not belong here", hint)


def _near(name: Any, states: dict[str, Any]) -> str:
    near = difflib.get_close_matches(str(name)[:NAME_LIMIT], states, 1)
    return f"did you mean {near[0]!r}?" if near else f"the states are: {', '.join(list(states)[:10])}"
