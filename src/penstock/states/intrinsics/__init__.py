"""Intrinsic functions: parsed once, evaluated as often as values come.

SPEC: https://states-language.net/spec.html#intrinsic-functions,
GUIDE: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from penstock.states.intrinsics.arguments import INTRINSIC_FAILURE
from penstock.states.intrinsics.functions import Entropy, call
from penstock.states.intrinsics.grammar import Intrinsic, IntrinsicSyntaxError, Literal, Parser, Path

__all__ = ["INTRINSIC_FAILURE", "Entropy", "Intrinsic", "IntrinsicSyntaxError", "check", "evaluate", "parse"]


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Intrinsic:
    """Returns the call that a text makes.

    A string of the call has the escapes ``\\'``, ``\\{``, ``\\}`` and ``\\\\``. Another one is a mistake, as it is when
    AWS creates a state machine (aws-cdk issue 27304), although SPEC lets it fail at run time.

    Raises:
        IntrinsicSyntaxError: it is none, or AWS would refuse it when the state machine is created.
    """
    return Parser(text).whole()


def check(text: Any) -> str | None:
    """Returns what is wrong with a text as an intrinsic function, with its place and its mend; or None."""
    if not isinstance(text, str):
        return "an intrinsic function is text; write \"States.Format('…', $.name)\""
    try:
        parse(text)
    except IntrinsicSyntaxError as mistake:
        return f"{mistake.message} (character {mistake.position + 1}); {mistake.hint}"
    return None


def evaluate(intrinsic: Intrinsic, resolve: Callable[[str], Any], entropy: Entropy) -> Any:
    """Returns the value of a call. Arguments are evaluated from left to right and never changed.

    Args:
        resolve: gives the value of a path's text, as ``Intrinsic.paths`` lists them; what it raises passes through.
        entropy: what States.MathRandom and States.UUID draw from.

    Raises:
        StateFailedError: States.IntrinsicFailure for what a function does not take, States.DataLimitExceeded for a text
            beyond the payload limit.
    """
    values: list[Any] = []
    for argument in intrinsic.arguments:
        match argument:
            case Literal(value):
                values.append(value)
            case Path(text):
                values.append(resolve(text))
            case Intrinsic():
                values.append(evaluate(argument, resolve, entropy))
    return call(intrinsic.name, values, entropy)
