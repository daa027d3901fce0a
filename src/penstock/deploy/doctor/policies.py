"""Policy documents in one shape, whether they are JSON or Terraform's data source.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.deploy.doctor.resource import Resource

# With Not or IfExists in its name, an operator also lets pass what has no such key.
_BINDING = re.compile(
    r"(?:ForAnyValue:)?(?:StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|IpAddress)"
)
_ANYTHING = {"*", "0.0.0.0/0", "::/0", "arn:*", "arn:aws:*"}


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a policy.

    Attributes:
        principals: (kind, identifier); kind is ``*`` for anybody.
        conditions: (operator, key in small letters, value).
        resources: what is known of them; the rest is named by the configuration and therefore no ``*``.
    """

    sid: str = ""
    is_allow: bool = True
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    has_not_principals: bool = False
    conditions: tuple[tuple[str, str, str], ...] = ()

    @property
    def is_for_anyone(self) -> bool:
        """Tells whether everybody in the world is allowed."""
        return self.is_allow and (self.has_not_principals or any(name == "*" for _, name in self.principals))

    def services(self) -> list[str]:
        """Returns the AWS services among the principals."""
        return [name for kind, name in self.principals if kind == "Service"]

    def is_bound_to(self, keys: frozenset[str]) -> bool:
        """Tells whether a condition holds one of some keys to fixed values."""
        found: dict[tuple[str, str], list[str]] = {}
        for operator, key, value in self.conditions:
            if key in keys and _BINDING.fullmatch(operator):
                found.setdefault((operator, key), []).append(value)
        return any(not any(value in _ANYTHING for value in values) for values in found.values())


def from_text(text: str) -> list[Statement] | None:
    """Returns the statements of a JSON policy; None when it cannot be read."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, Mapping):
        return None
    return [_from_json(one) for one in _items(document.get("Statement")) if isinstance(one, Mapping)]


def from_document(source: Resource) -> list[Statement]:
    """Returns the statements of an ``aws_iam_policy_document``, which may be known in part."""
    return [_from_block(one) for one in source.blocks("statement")]


def _from_json(one: Mapping[str, Any]) -> Statement:
    conditions = one.get("Condition")
    return Statement(
        sid=str(one.get("Sid", "")),
        is_allow=one.get("Effect") == "Allow",
        actions=_texts(one.get("Action")),
        not_actions=_texts(one.get("NotAction")),
        resources=_texts(one.get("Resource")),
        not_resources=_texts(one.get("NotResource")),
        principals=_principals(one.get("Principal")),
        has_not_principals="NotPrincipal" in one,
        conditions=tuple(
            (str(operator), str(key).lower(), value)
            for operator, keys in (conditions.items() if isinstance(conditions, Mapping) else ())
            for key, values in (keys.items() if isinstance(keys, Mapping) else ())
            for value in _texts(values) or ("",)
        ),
    )


def _principals(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        return tuple((str(kind), name) for kind, names in value.items() for name in _texts(names))
    return tuple(("*", name) for name in _texts(value))


def _from_block(one: Resource) -> Statement:
    return Statement(
        sid=one.text("sid") or "",
        is_allow=one.text("effect") in (None, "Allow"),
        actions=tuple(one.texts("actions")),
        not_actions=tuple(one.texts("not_actions")),
        resources=tuple(one.texts("resources")),
        not_resources=tuple(one.texts("not_resources")),
        principals=tuple(
            (principal.text("type") or "", name)
            for principal in one.blocks("principals")
            for name in principal.texts("identifiers")
        ),
        has_not_principals=bool(one.blocks("not_principals")),
        conditions=tuple(
            (condition.text("test") or "", (condition.text("variable") or "").lower(), value)
            for condition in one.blocks("condition")
            for value in condition.texts("values") or [""]
        ),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in _items(value) if one is not None)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
