"""What IAM would say of a call, worked out from the policies alone.

It follows https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html for one account:
an explicit deny wins; else a statement that allows; else it is denied. Who derived the policies is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.conditions import Context, holds, operator
from penstock.rehearsal.wildcards import like, pattern, resource_like

# Variables are plain text in policies of the older version, which is also the default.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
VERSIONS = {"2012-10-17": True, "2008-10-17": False}
ALLOW, DENY = "Allow", "Deny"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement of a policy. Of ``actions`` and ``not_actions`` one is empty; so of the resources.

    Attributes:
        name: its Sid, or ``#1`` for the first that has none.
        principals: whom a resource's policy is about; empty in the policy of a role.
        variables: whether ``${…}`` stands for a value.
    """

    name: str
    effect: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: dict[str, dict[str, tuple[str, ...]]] = {}
    principals: tuple[str, ...] = ()
    variables: bool = True


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy.

    Attributes:
        boundary: it allows nothing, but what it does not allow is denied.
            https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """

    name: str
    statements: tuple[Statement, ...]
    boundary: bool = False


class Decision(msgspec.Struct, frozen=True):
    """What IAM says, and why.

    Attributes:
        statement: ``policy/statement`` that decided; ``""`` when none did.
    """

    allowed: bool
    reason: str
    statement: str = ""


def parse(document: str | Mapping[str, Any], name: str, *, boundary: bool = False) -> Policy:
    """Returns a policy from its document.

    Raises:
        ValidationError: the document is not one by
            https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    try:
        value = json.loads(document) if isinstance(document, str) else document
    except ValueError as error:
        raise _wrong(name, f"is no JSON: {error}") from error
    version = value.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise _wrong(name, f"has version {version!r}")
    found = value.get("Statement")
    statements = [found] if isinstance(found, Mapping) else found
    if not statements:
        raise _wrong(name, "has no statement")
    made = (_statement(one, number, name, VERSIONS[version]) for number, one in enumerate(statements, start=1))
    return Policy(name=name, statements=tuple(made), boundary=boundary)


def evaluate(policies: Iterable[Policy], call: RecordedCall, *, of_resources: Sequence[Policy] = ()) -> Decision:
    """Returns whether IAM allows a call.

    Args:
        policies: those of the role.
        of_resources: policies of buckets, queues, topics and functions in the same account: what either they or the
            role's allow is allowed, and what either denies is denied.
    """
    context = _context(call)
    own = list(policies)
    matching = [(one, each) for one in own for each in one.statements if applies(each, call, context)]
    matching += [
        (one, each) for one in of_resources for each in one.statements
        if _concerns(each, call.role) and applies(each, call, context)
    ]  # fmt: skip
    denying = next((found for found in matching if found[1].effect == DENY), None)
    if denying is not None:
        return _decision(*denying, allowed=False)
    for limit in own:
        if limit.boundary and not any(one is limit for one, _ in matching):
            reason = f"the boundary {limit.name} does not allow {call.action} on {call.resource}"
            return Decision(allowed=False, reason=reason)
    allowing = next((found for found in matching if not found[0].boundary), None)
    if allowing is not None:
        return _decision(*allowing, allowed=True)
    return Decision(allowed=False, reason=f"no statement allows {call.action} on {call.resource}")


def applies(statement: Statement, call: RecordedCall, context: Context | None = None) -> bool:
    """Returns whether a statement is about a call: its action, its resource and all its conditions."""
    known = _context(call) if context is None else context
    variables = known if statement.variables else None
    return (
        _action(statement, call.action)
        and _resource(statement, call.resource, variables)
        and all(
            _condition(name, keys, known, variables) for name, keys in statement.conditions.items()
        )
    )  # fmt: skip


def _decision(policy: Policy, statement: Statement, *, allowed: bool) -> Decision:
    name = f"{policy.name}/{statement.name}"
    return Decision(allowed=allowed, reason=f"{name} {'allows' if allowed else 'denies'} it", statement=name)


def _action(statement: Statement, action: str) -> bool:
    chosen = statement.actions or statement.not_actions
    found = any(like(((one, False),), action, ignore_case=True) for one in chosen)
    return found is bool(statement.actions)


def _resource(statement: Statement, resource: str, variables: Context | None) -> bool:
    if not statement.resources and not statement.not_resources:
        return True
    chosen = [pattern(one, variables) for one in statement.resources or statement.not_resources]
    found = any(one is not None and resource_like(one, resource) for one in chosen)
    return found is bool(statement.resources)


def _condition(name: str, keys: Mapping[str, tuple[str, ...]], context: Context, variables: Context | None) -> bool:
    chosen = operator(name)
    for key, values in keys.items():
        wanted = [made for value in values if (made := pattern(value, variables)) is not None]
        if not holds(chosen, wanted, context.get(key.lower())):
            return False
    return True


def _context(call: RecordedCall) -> dict[str, str | list[str]]:
    """Names of keys are the same in capitals and small letters.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    time = {
        "aws:epochtime": f"{call.at:.0f}",
        "aws:currenttime": datetime.fromtimestamp(call.at, UTC).isoformat(),
        "aws:principaltype": "AssumedRole",
    }
    return time | {key.lower(): value for key, value in call.context.items()}


def _concerns(statement: Statement, role: str) -> bool:
    """Returns whether a resource's policy is about a role.

    An account as the principal of an allowance leaves it to the policies of its roles, so it allows nothing by itself.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
    """
    whole = any(one.isdigit() or one.endswith(":root") for one in statement.principals)
    if whole and statement.effect == DENY:
        return True
    return any(one == "*" or (":role/" in one and one.rpartition("/")[2] == role) for one in statement.principals)


def _statement(body: Mapping[str, Any], number: int, policy: str, variables: bool) -> Statement:
    name = str(body.get("Sid") or f"#{number}")
    where = f"{policy}/{name}"
    if body.get("Effect") not in {ALLOW, DENY}:
        raise _wrong(where, f"has the effect {body.get('Effect')!r}")
    if ("Action" in body) == ("NotAction" in body):
        raise _wrong(where, "needs either Action or NotAction")
    if "Resource" in body and "NotResource" in body:
        raise _wrong(where, "has both Resource and NotResource")
    if "NotPrincipal" in body:
        raise _wrong(where, "has NotPrincipal, which this evaluation does not know")
    conditions = {
        name: {key: _texts(values) for key, values in keys.items()} for name, keys in body.get("Condition", {}).items()
    }
    for name_ in conditions:
        operator(name_)
    return Statement(
        name=name,
        effect=str(body["Effect"]),
        actions=_texts(body.get("Action", ())),
        not_actions=_texts(body.get("NotAction", ())),
        resources=_texts(body.get("Resource", ())),
        not_resources=_texts(body.get("NotResource", ())),
        conditions=conditions,
        principals=_principals(body.get("Principal", ())),
        variables=variables,
    )


def _principals(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        return tuple(one for of_kind in value.values() for one in _texts(of_kind))
    return _texts(value)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, str | int | float):
        return (str(value),)
    return tuple(text for one in value for text in _texts(one))


def _wrong(where: str, what: str) -> ValidationError:
    return ValidationError(f"policy {where} {what}", hint="see the grammar of IAM policies")
