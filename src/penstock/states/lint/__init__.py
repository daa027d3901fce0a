"""Every mistake of an Amazon States Language document at once, each with its place."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from penstock.errors import Finding
from penstock.states.lint.fields import FIELDS, REQUIRED, check_values, positive_integer
from penstock.states.lint.handlers import check_catch, check_retry
from penstock.states.lint.language import FIELDS as JSONATA_FIELDS
from penstock.states.lint.language import (
    JSONATA,
    JSONPATH,
    LANGUAGES,
    assigned_in,
    check_assigns,
    check_conditions,
    check_jsonata,
    language_of,
)
from penstock.states.lint.rules import check_rules
from penstock.states.lint.words import near_name, shown, unknown_fields

SIZE_LIMIT_BYTES = 1024 * 1024
DEPTH_LIMIT = 60
NAME_LIMIT = 80
FINDINGS_LIMIT = 1000
MACHINE_FIELDS = frozenset({"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"})
BRANCH_FIELDS = frozenset({"Comment", "StartAt", "States", "QueryLanguage"})
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
        msgspec.json.decode(document)
        decoded = json.loads(document, object_pairs_hook=_unique)
    except DuplicateKeyError as error:
        return [Finding("$", "duplicate-key", str(error), "give each its own name")]
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        return [Finding("$", "json", f"no JSON: {error!s:.200}", "mend the document")]
    if _depth(decoded) > DEPTH_LIMIT:
        return [Finding("$", "depth", f"the document is nested more than {DEPTH_LIMIT} deep", "flatten it")]
    root = Around({}, JSONPATH, frozenset())
    found = list(itertools.islice(_machine(decoded, "$", root, is_root=True), FINDINGS_LIMIT + 1))
    findings = sorted(set(found[:FINDINGS_LIMIT]))
    if len(found) > FINDINGS_LIMIT:
        findings.append(Finding("$", "too-many", f"there are more than {FINDINGS_LIMIT} mistakes", "mend these first"))
    return findings


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DuplicateKeyError(f"the key {key[:100]!r} is there twice")
        found[key] = value
    return found


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


class Around(NamedTuple):
    """What a machine stands in.

    Attributes:
        seen: where each name was given, over the whole document.
        language: the query language of what names none.
        variables: the names that the scopes around assign.
    """

    seen: dict[str, str]
    language: str
    variables: frozenset[str]


def _machine(body: Any, where: str, around: Around, *, is_root: bool) -> Iterator[Finding]:
    if not isinstance(body, dict):
        yield Finding(where, "type", "a state machine is a JSON object", 'write {"StartAt": …, "States": {…}}')
        return
    yield from unknown_fields(body, MACHINE_FIELDS if is_root else BRANCH_FIELDS, where)
    yield from language_of(body, around.language, where)
    language = body.get("QueryLanguage", around.language)
    if body.get("Version", "1.0") != "1.0":
        yield Finding(f"{where}.Version", "value", f"there is no version {shown(body['Version'])}", 'write "1.0"')
    if not isinstance(body.get("Comment", ""), str):
        yield Finding(f"{where}.Comment", "type", "Comment is text", "put it into quotes")
    if "TimeoutSeconds" in body:
        yield from positive_integer(body, "TimeoutSeconds", where)
    states = body.get("States")
    if not isinstance(states, dict) or not states:
        yield Finding(where, "required", "there are no States", 'write "States": {"Name": {"Type": …}}')
        return
    start_at = body.get("StartAt")
    if "StartAt" not in body:
        yield Finding(where, "required", "there is no StartAt", "name the state to begin with")
    elif not isinstance(start_at, str) or start_at not in states:
        message = f"StartAt names {shown(start_at)}, which is no state"
        yield Finding(f"{where}.StartAt", "dangling", message, near_name(start_at, states))
    inside = around._replace(language=language if language in LANGUAGES else JSONPATH)
    for name, state in states.items():
        yield from _named_state(name, state, f"{where}.States.{name[:NAME_LIMIT]}", states, inside)
    if isinstance(start_at, str) and start_at in states:
        yield from _unreachable(start_at, states, where)


def _named_state(name: str, state: Any, where: str, states: dict[str, Any], around: Around) -> Iterator[Finding]:
    seen = around.seen
    if not 0 < len(name) <= NAME_LIMIT:
        yield Finding(
            where, "name", f"the name has {len(name)} characters, 1 to {NAME_LIMIT} are possible", "shorten it"
        )
    if name in seen:
        message = f"{shown(name)} is a state already, at {seen[name]}"
        yield Finding(where, "duplicate-name", message, "rename one of them")
    seen.setdefault(name, where)
    if not isinstance(state, dict):
        yield Finding(where, "type", "a state is a JSON object", 'write {"Type": …}')
        return
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in FIELDS:
        yield Finding(f"{where}.Type", "type", f"{shown(kind)} is no type of state", f"one of {', '.join(FIELDS)}")
        return
    yield from language_of(state, around.language, where)
    language = state.get("QueryLanguage", around.language)
    is_jsonata = language == JSONATA
    yield from unknown_fields(state, (JSONATA_FIELDS if is_jsonata else FIELDS)[kind], where)
    for required in REQUIRED.get(kind, ()):
        if required not in state:
            yield Finding(where, "required", f"a {kind} state needs {required}", f'add "{required}"')
    yield from _transitions(kind, state, where, states)
    yield from check_jsonata(kind, state, where) if is_jsonata else check_values(kind, state, where)
    yield from check_assigns(state, where, around.variables, JSONATA if is_jsonata else JSONPATH)
    yield from check_retry(state.get("Retry", []), f"{where}.Retry")
    yield from check_catch(state.get("Catch", []), f"{where}.Catch", is_jsonata=is_jsonata)
    if kind == "Choice":
        yield from (check_conditions if is_jsonata else check_rules)(state.get("Choices"), f"{where}.Choices")
    inner = around._replace(variables=assigned_in(states, around.variables, around.language))
    if kind == "Parallel":
        yield from _branches(state.get("Branches"), f"{where}.Branches", inner)
    if kind == "Map":
        yield from _processor(state, where, inner)


def _branches(branches: Any, where: str, around: Around) -> Iterator[Finding]:
    if not isinstance(branches, list) or not branches:
        yield Finding(where, "type", "Branches is a list of state machines", 'write [{"StartAt": …, "States": {…}}]')
        return
    for number, branch in enumerate(branches):
        yield from _machine(branch, f"{where}[{number}]", around, is_root=False)


def _processor(state: dict[str, Any], where: str, around: Around) -> Iterator[Finding]:
    given = [name for name in ("ItemProcessor", "Iterator") if name in state]
    if len(given) != 1:
        yield Finding(where, "required", "a Map state needs one ItemProcessor", 'add "ItemProcessor"')
    for name in given:
        body, place = state[name], f"{where}.{name}"
        if isinstance(body, dict) and "ProcessorConfig" in body:
            yield from _processor_config(body["ProcessorConfig"], f"{place}.ProcessorConfig")
            body = {field: value for field, value in body.items() if field != "ProcessorConfig"}
        yield from _machine(body, place, around, is_root=False)


def _processor_config(config: Any, where: str) -> Iterator[Finding]:
    if not isinstance(config, dict):
        yield Finding(where, "type", "ProcessorConfig is a JSON object", 'write {"Mode": "INLINE"}')
        return
    yield from unknown_fields(config, {"Mode", "ExecutionType"}, where)
    mode = config.get("Mode", "INLINE")
    if mode == "DISTRIBUTED":
        yield Finding(f"{where}.Mode", "not-yet", "distributed Maps cannot be run yet", 'write "INLINE"')
    elif mode != "INLINE":
        yield Finding(f"{where}.Mode", "value", f"there is no mode {shown(mode)}", 'write "INLINE"')
    elif "ExecutionType" in config:
        yield Finding(f"{where}.ExecutionType", "unknown-field", "only a distributed Map has it", "remove it")


def _transitions(kind: str, state: dict[str, Any], where: str, states: dict[str, Any]) -> Iterator[Finding]:
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


def _unreachable(start_at: str, states: dict[str, Any], where: str) -> Iterator[Finding]:
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
