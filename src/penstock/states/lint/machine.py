"""The walk over a machine, its states, and the machines in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from penstock.errors import Finding
from penstock.states.lint.comments import check_comment
from penstock.states.lint.distributed import check_batcher, check_reader, check_writer
from penstock.states.lint.fields import FIELDS, JSONATA_ONLY, REQUIRED, check_values
from penstock.states.lint.graph import check_end, check_reachable, check_transitions
from penstock.states.lint.handlers import check_catch, check_retry
from penstock.states.lint.language import FIELDS as JSONATA_FIELDS
from penstock.states.lint.language import (
    JSONATA,
    JSONPATH,
    JSONPATH_ONLY,
    LANGUAGES,
    check_assigns,
    check_conditions,
    check_jsonata,
    language_of,
    scope_of,
)
from penstock.states.lint.map import Mode, check_config, check_express, check_map, mode_of
from penstock.states.lint.numbers import check_seconds
from penstock.states.lint.rules import check_rules
from penstock.states.lint.task import check_task
from penstock.states.lint.words import NAME_LIMIT, near_name, shown, unknown_fields

MACHINE_FIELDS = frozenset({"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"})
# AWS refuses a QueryLanguage here, although the machines of a document could differ in it.
BRANCH_FIELDS = frozenset({"Comment", "StartAt", "States"})


class Around(NamedTuple):
    """What a machine stands in.

    Attributes:
        seen: where each state's name was given, over the whole document.
        labels: where each Map's label was given, over the whole document.
        language: the query language of what names none.
        variables: the names that the scopes around assign.
        is_express: the machine runs in an Express workflow.
    """

    seen: dict[str, str]
    labels: dict[str, str]
    language: str = JSONPATH
    variables: frozenset[str] = frozenset()
    is_express: bool = False


def check_machine(body: Any) -> Iterator[Finding]:
    """Yields what is wrong with a whole document."""
    yield from _machine(body, "$", Around({}, {}), MACHINE_FIELDS)


def _machine(body: Any, where: str, around: Around, known: frozenset[str]) -> Iterator[Finding]:
    if not isinstance(body, dict):
        yield Finding(where, "type", "a state machine is a JSON object", 'write {"StartAt": …, "States": {…}}')
        return
    yield from unknown_fields(body, known, where)
    yield from check_comment(body, where)
    if known is MACHINE_FIELDS:
        yield from _top(body, where)
        language = body.get("QueryLanguage", around.language)
        around = around._replace(language=language if language in LANGUAGES else JSONPATH)
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
    inner = around._replace(variables=scope_of(states, around.variables, around.language))
    for name, state in states.items():
        place = f"{where}.States.{name[:NAME_LIMIT]}"
        yield from _name(name, place, around.seen)
        yield from _state(state, place, states, around, inner)
    yield from check_end(states, where)
    if isinstance(start_at, str) and start_at in states:
        yield from check_reachable(start_at, states, where)


def _top(body: dict[str, Any], where: str) -> Iterator[Finding]:
    yield from language_of(body, JSONPATH, where)
    if body.get("Version", "1.0") != "1.0":
        yield Finding(f"{where}.Version", "value", f"there is no version {shown(body['Version'])}", 'write "1.0"')
    if "TimeoutSeconds" in body:
        yield from check_seconds(body, "TimeoutSeconds", where)


def _name(name: str, where: str, seen: dict[str, str]) -> Iterator[Finding]:
    if not 0 < len(name) <= NAME_LIMIT:
        message = f"the name has {len(name)} characters, 1 to {NAME_LIMIT} are possible"
        yield Finding(where, "name", message, "shorten it" if name else "name the state")
    if name in seen:
        message = f"{shown(name)} is a state already, at {seen[name]}"
        yield Finding(where, "duplicate-name", message, "rename one of them: nested machines share their names")
    seen.setdefault(name, where)


def _state(state: Any, where: str, states: dict[str, Any], around: Around, inner: Around) -> Iterator[Finding]:
    if not isinstance(state, dict):
        yield Finding(where, "type", "a state is a JSON object", 'write {"Type": …}')
        return
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in FIELDS:
        yield Finding(f"{where}.Type", "type", f"{shown(kind)} is no type of state", f"one of {', '.join(FIELDS)}")
        return
    yield from language_of(state, around.language, where)
    is_jsonata = state.get("QueryLanguage", around.language) == JSONATA
    known = (JSONATA_FIELDS if is_jsonata else FIELDS)[kind]
    other = ("JSONPath", JSONPATH_ONLY[kind]) if is_jsonata else ("JSONata", JSONATA_ONLY[kind])
    yield from unknown_fields(state, known, where, other)
    yield from check_comment(state, where)
    for required in REQUIRED.get(kind, ()):
        if required not in state:
            yield Finding(where, "required", f"a {kind} state needs {required}", f'add "{required}"')
    yield from check_transitions(kind, state, where, states)
    yield from check_jsonata(kind, state, where) if is_jsonata else check_values(kind, state, where)
    yield from check_assigns(state, where, around.variables, JSONATA if is_jsonata else JSONPATH)
    yield from check_retry(state.get("Retry", []), f"{where}.Retry")
    yield from check_catch(state.get("Catch", []), f"{where}.Catch", is_jsonata=is_jsonata)
    if kind == "Choice":
        yield from (check_conditions if is_jsonata else check_rules)(state.get("Choices"), f"{where}.Choices")
    elif kind == "Task":
        yield from check_task(state, where, is_jsonata=is_jsonata)
    elif kind == "Parallel":
        yield from _branches(state.get("Branches"), f"{where}.Branches", inner)
    elif kind == "Map":
        yield from _map(state, where, inner, is_jsonata=is_jsonata)
    if around.is_express:
        yield from check_express(kind, state, where)


def _branches(branches: Any, where: str, around: Around) -> Iterator[Finding]:
    if not isinstance(branches, list) or not branches:
        yield Finding(where, "type", "Branches is a list of state machines", 'write [{"StartAt": …, "States": {…}}]')
        return
    for number, branch in enumerate(branches):
        yield from _machine(branch, f"{where}[{number}]", around, BRANCH_FIELDS)


def _map(state: dict[str, Any], where: str, around: Around, *, is_jsonata: bool) -> Iterator[Finding]:
    mode = mode_of(state)
    yield from check_map(state, where, mode, around.labels, is_jsonata=is_jsonata)
    for field, check in (("ItemReader", check_reader), ("ItemBatcher", check_batcher), ("ResultWriter", check_writer)):
        if field in state:
            yield from check(state[field], f"{where}.{field}", is_jsonata=is_jsonata)
    given = [name for name in ("ItemProcessor", "Iterator") if name in state]
    if len(given) != 1:
        yield Finding(where, "required", "a Map state needs one ItemProcessor", 'add "ItemProcessor"')
    if mode is not Mode.INLINE:
        # Child executions see none of the variables around, and may be Express where the parent is Standard.
        around = around._replace(variables=frozenset(), is_express=around.is_express or mode is Mode.EXPRESS)
    for name in given:
        known = BRANCH_FIELDS | {"ProcessorConfig"} if name == "ItemProcessor" else BRANCH_FIELDS
        yield from check_config(state[name], f"{where}.{name}") if name == "ItemProcessor" else ()
        yield from _machine(state[name], f"{where}.{name}", around, known)
