"""Wildcards and variables of IAM policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

ARN_SEGMENTS = 6
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,']+?)\s*(?:,\s*'([^']*)'\s*)?")
_ESCAPES = {"*", "?", "$"}

# A pattern is a sequence of texts, each with whether it is literal: what a variable stands for holds no wildcards.
Pattern = tuple[tuple[str, bool], ...]


def pattern(text: str, context: Mapping[str, str | list[str]] | None) -> Pattern | None:
    """Returns a value of a policy with its variables replaced.

    Args:
        context: keys in small letters; ``None`` where variables are plain text, as in policies of version 2008-10-17.

    Returns:
        ``None`` when a variable has no value and no default: then nothing matches.
    """
    if context is None or "${" not in text:
        return ((text, False),)
    made: list[tuple[str, bool]] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        made.append((text[end : found.start()], False))
        value = _value(found[1], context)
        if value is None:
            return None
        made.append((value, True))
        end = found.end()
    return (*made, (text[end:], False))


def literal(parts: Pattern) -> str:
    """Returns a pattern as plain text."""
    return "".join(text for text, _ in parts)


def like(parts: Pattern, value: str, *, ignore_case: bool = False) -> bool:
    """Returns whether a value matches, where ``*`` is any text and ``?`` any one character."""
    return _compiled(parts, ignore_case).fullmatch(value) is not None


def arn_like(parts: Pattern, value: str) -> bool:
    """Returns whether an ARN matches segment by segment: no wildcard reaches beyond a colon, but in the last.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
    """
    wanted, given = _segments(parts), value.split(":", ARN_SEGMENTS - 1)
    if len(wanted) != len(given) or len(given) != ARN_SEGMENTS:
        return False
    return all(like(one, segment) for one, segment in zip(wanted, given, strict=True))


def resource_like(parts: Pattern, value: str) -> bool:
    """Returns whether a resource matches.

    A ``*`` that ends a segment reaches beyond the colon, any other wildcard stays within its segment.
    """
    if parts == (("*", False),):
        return True
    return _resource(parts).fullmatch(value) is not None


def _value(variable: str, context: Mapping[str, str | list[str]]) -> str | None:
    if variable in _ESCAPES:
        return variable
    found = _DEFAULT.fullmatch(variable)
    if found is None:
        return None
    value = context.get(found[1].lower())
    return value if isinstance(value, str) else found[2]


@functools.lru_cache(maxsize=4096)
def _compiled(parts: Pattern, ignore_case: bool) -> re.Pattern[str]:
    made = "".join(re.escape(text) if plain else _translated(text, ".*", ".") for text, plain in parts)
    return re.compile(made, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@functools.lru_cache(maxsize=4096)
def _resource(parts: Pattern) -> re.Pattern[str]:
    segments = _segments(parts)
    made = []
    for number, segment in enumerate(segments, start=1):
        last = number == ARN_SEGMENTS
        any_text, any_one = (".*", ".") if last else ("[^:]*", "[^:]")
        made.append(
            "".join(re.escape(text) if plain else _translated(text, any_text, any_one) for text, plain in segment)
        )
        if not last and segment and segment[-1] == (segment[-1][0], False) and segment[-1][0].endswith("*"):
            made[-1] = made[-1].removesuffix(any_text) + ".*"
    return re.compile(":".join(made), re.DOTALL)


def _translated(text: str, any_text: str, any_one: str) -> str:
    return re.escape(text).replace(r"\*", any_text).replace(r"\?", any_one)


def _segments(parts: Pattern) -> list[Pattern]:
    """Returns the segments of an ARN, split at the colons of the policy and of what variables stand for."""
    made: list[list[tuple[str, bool]]] = [[]]
    for text, plain in parts:
        pieces = text.split(":", ARN_SEGMENTS - len(made)) if len(made) < ARN_SEGMENTS else [text]
        made[-1].append((pieces[0], plain))
        made += [[(piece, plain)] for piece in pieces[1:]]
    return [tuple(one for one in segment if one[0]) for segment in made]
