"""JSONata in Amazon States Language.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html and https://states-language.net/spec.html,
"Using JSONata". A string of a JSON value that begins with ``{%`` and ends with ``%}`` is an expression; it sees
``$states`` and the variables, and has no context: ``$``, ``$$`` and bare names mean nothing outside of a path.

Evaluation is a pure function: time and randomness are handed in, and bounds count work instead of time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.states.failures import StateFailedError
from penstock.states.jsonata.limits import DEPTH_CAUSE, NESTING_LIMIT, ExpressionFailedError, Run, deep_stack
from penstock.states.jsonata.regex import RegexError

QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
OPENING, CLOSING = "{%", "%}"
STATES_FIELDS = frozenset({"input", "result", "errorOutput", "context"})
CAUSE_LIMIT_CHARACTERS = 32_768


@dataclass(frozen=True, slots=True)
class Bindings:
    """What an expression sees. Values that were handed in are never changed, neither here nor by the caller.

    Attributes:
        states: the fields of ``$states`` that there are: ``input`` and ``context`` always, ``result`` after a task,
            ``errorOutput`` in a Catch. A value may be a function of no arguments that makes it.
        variables: the values of variables by name, without ``$``.
        at: the moment of ``$now`` and ``$millis``, in seconds since the epoch.
        entropy: names this evaluation among all of an execution: ``$random``, ``$uuid`` and ``$shuffle`` follow from
            it, the field and their order, and so come out the same in a replay.
    """

    states: Mapping[str, Any]
    variables: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0
    entropy: str = ""


def is_expression(value: Any) -> bool:
    """Tells whether a value is a JSONata expression: a string in ``{% %}`` without spaces around."""
    return isinstance(value, str) and len(value) >= 4 and value.startswith(OPENING) and value.endswith(CLOSING)


def contains_expression(template: Any) -> bool:
    """Tells whether there is an expression anywhere in a JSON value."""
    pending = [template]
    while pending:
        value = pending.pop()
        if is_expression(value):
            return True
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return False


def evaluate(
    template: Any, bindings: Bindings, *, place: str = "", accepts: Callable[[Any], bool] | None = None, kind: str = ""
) -> Any:
    """Returns a JSON value with every expression in it evaluated. Object keys are never expressions.

    A value without expressions is returned as it is. What expressions give is the caller's own.

    Args:
        place: the field that the value is in, for the cause of a failure, such as ``Output`` or
            ``Choices[0]/Condition``.
        accepts: tells whether the field takes the value; ``kind`` names what it takes.

    Raises:
        StateFailedError: ``States.QueryEvaluationError``. AWS's events add ``An error occurred while executing the
            state …`` in front of the cause.
    """
    if not contains_expression(template):
        return template
    walk = _Walk(bindings, place)
    with deep_stack:
        value = walk.fill(template, place, 0)
        if accepts is not None and is_expression(template) and not accepts(value):
            cause = f"returned an unexpected result type. Expected '{kind}', but was '{_kind(value)}'"
            raise walk.failure(template[2:-2].strip(), place, f"{cause} for value: {walk.shown(value)}")
    return value


def check(text: Any, *, offered: Collection[str] = STATES_FIELDS) -> str | None:
    """Returns what AWS would refuse in a string when a state machine is made, or None.

    Args:
        offered: the fields that ``$states`` has in the string's place.
    """
    if not isinstance(text, str):
        return None
    if not is_expression(text):
        stripped = text.strip()
        if stripped.startswith(OPENING) and stripped.endswith(CLOSING) and stripped != text:
            return "a JSONata expression begins with `{%` and ends with `%}`, without spaces before or after"
        if text.startswith(OPENING) or text.endswith(CLOSING):
            return "a JSONata expression begins with `{%` and ends with `%}`"
        return None
    from penstock.states.jsonata.checks import syntax_mistake, usage_mistake

    expression = text[2:-2].strip()
    if not expression:
        return "the JSONata expression is empty"
    with deep_stack:
        return syntax_mistake(expression) or usage_mistake(expression, offered)


class _Walk:
    """Evaluates the expressions of one template, with the values that they see made once."""

    def __init__(self, bindings: Bindings, place: str) -> None:
        self._bindings = bindings
        self._variables: dict[str, Any] | None = None
        self._run = Run(bindings.at, f"{bindings.entropy}/{place}")

    def fill(self, template: Any, place: str, depth: int) -> Any:
        if is_expression(template):
            return self._evaluate(template[2:-2].strip(), place)
        if depth > NESTING_LIMIT:
            raise self.failure("", place, f"threw an error during evaluation: {DEPTH_CAUSE}")
        if isinstance(template, dict):
            return {
                name: self.fill(inner, f"{place}/{name}" if place else name, depth + 1)
                for name, inner in template.items()
            }
        if isinstance(template, list):
            return [self.fill(inner, f"{place}[{number}]", depth + 1) for number, inner in enumerate(template)]
        return template

    def _evaluate(self, expression: str, place: str) -> Any:
        from penstock.states.jsonata.checks import described
        from penstock.states.jsonata.engine import evaluated
        from penstock.states.jsonata.values import UnsupportedValueError, outward

        try:
            self._run.begin()
            value = evaluated(expression, self._seen(), self._run)
            if value is not None:
                return outward(value, self._run)
        except UnsupportedValueError:
            raise self.failure(expression, place, "returned an unsupported result type.") from None
        except Exception as error:  # whatever the library makes of an expression from outside
            code, message = described(error)
            if not code and not isinstance(error, ExpressionFailedError | RegexError):
                raise self.failure(expression, place, "threw an internal error during evaluation.") from error
            cause = f". {code}: {message}" if code else f": {message}"
            raise self.failure(expression, place, f"threw an error during evaluation{cause}") from None
        raise self.failure(expression, place, "returned nothing (undefined).")

    def _seen(self) -> dict[str, Any]:
        if self._variables is None:
            from penstock.states.jsonata.values import inward

            made = {name: value() if callable(value) else value for name, value in self._bindings.states.items()}
            seen = {name: inward(value) for name, value in self._bindings.variables.items()}
            self._variables = {**seen, "states": {name: inward(value) for name, value in made.items()}}
        return self._variables

    def shown(self, value: Any) -> str:
        from penstock.states.jsonata.values import inward, text_of

        return text_of(inward(value), self._run)[:1000]

    @staticmethod
    def failure(expression: str, place: str, what: str) -> StateFailedError:
        """Returns the error of an expression, in AWS's words."""
        where = f" specified for the field '{place}'" if place else ""
        cause = f"The JSONata expression '{expression}'{where} {what}"[:CAUSE_LIMIT_CHARACTERS]
        return StateFailedError(QUERY_EVALUATION_ERROR, cause, location=place)


def _kind(value: Any) -> str:
    """Returns the name of a JSON value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names: dict[type, str] = {int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]
