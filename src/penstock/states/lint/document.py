"""From a text to its findings: reading, limits, order."""

from __future__ import annotations

import itertools
import json
from typing import Any

import msgspec

from penstock.errors import Finding
from penstock.states.lint.machine import check_machine
from penstock.states.lint.warnings import check_warnings

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html, "definition"
SIZE_LIMIT = 1024 * 1024
# AWS names no figure for TOO_DEEPLY_NESTED; a document this deep can still be walked and written.
DEPTH_LIMIT = 100
FINDINGS_LIMIT = 1000


class DuplicateKeyError(ValueError):
    """A JSON object has a key twice."""


def lint(document: bytes | str, *, warnings: bool = False) -> list[Finding]:
    """Returns every mistake; nothing at all of a document that AWS makes a state machine of.

    Places are JSON paths, such as ``$.States.Collect.Retry[0]``. The rules are those of
    https://states-language.net/spec.html and of the AWS Step Functions developer guide; where AWS is known to be
    stricter or more lenient than its pages, it is AWS that is followed.

    Args:
        warnings: tell also what is allowed and probably not meant. As in AWS's ValidateStateMachineDefinition, errors
            alone are told by default.
    """
    decoded, finding = _decoded(document)
    if finding is not None:
        return [finding]
    found = list(itertools.islice(check_machine(decoded), FINDINGS_LIMIT + 1))
    if warnings and len(found) <= FINDINGS_LIMIT:
        found += itertools.islice(check_warnings(decoded), FINDINGS_LIMIT + 1 - len(found))
    findings = sorted(set(found[:FINDINGS_LIMIT]))
    if len(found) > FINDINGS_LIMIT:
        findings.append(Finding("$", "too-many", f"there are more than {FINDINGS_LIMIT} mistakes", "mend these first"))
    return findings


def _decoded(document: bytes | str) -> tuple[Any, Finding | None]:
    if len(document) > SIZE_LIMIT:
        message = f"the document has {len(document)} characters, {SIZE_LIMIT} are possible"
        return None, Finding("$", "size", message, "split the workflow")
    try:
        msgspec.json.decode(document)
        decoded = json.loads(document, object_pairs_hook=_unique)
    except DuplicateKeyError as error:
        return None, Finding("$", "duplicate-key", str(error), "give each its own name")
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        return None, Finding("$", "json", f"no JSON: {error!s:.200}", "mend the document")
    if _depth(decoded) > DEPTH_LIMIT:
        message = f"the document is nested more than {DEPTH_LIMIT} deep"
        return None, Finding("$", "depth", message, "flatten it, or start another workflow")
    return decoded, None


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
