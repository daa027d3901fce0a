"""What is run on both sides, and what is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

ECHO = "arn:aws:lambda:eu-central-1:123456789012:function:echo"


class Fails(NamedTuple):
    """A scripted answer: the task ends with an error."""

    error: str
    cause: str = ""


class Silence(NamedTuple):
    """A scripted answer: none ever comes."""


@dataclass(frozen=True)
class Case:
    """One definition with an input.

    Attributes:
        page: the page of the developer guide, or the section of the specification, that it is of.
        answers: what the tasks of a state answer here, one after another; the last for good. moto's services answer
            by themselves. The function ``echo`` gives back what it is given, on both sides.
        is_concurrent: branches take turns as they like, so that histories are compared without their order.
        shown: how outputs are compared, if not as they are: ``length`` of random values.
    """

    name: str
    page: str
    definition: Any
    input: Any = field(default_factory=dict)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    is_concurrent: bool = False
    shown: str = ""


class Outcome(NamedTuple):
    """How an execution ended. A definition that was not taken has the status REFUSED and nothing else."""

    status: str
    output: Any = None
    error: str = ""
    events: tuple[str, ...] = ()


def event(kind: str, previous: int, case: Case) -> str:
    """Returns an event of the history as it is compared: its type, and the event that it follows from."""
    return kind if case.is_concurrent else f"{kind}<{previous}"


ASPECTS = ("status", "output", "error", "events")


def shown(case: Case, outcome: Outcome) -> Outcome:
    """Returns an outcome as it is compared."""
    output = len(outcome.output) if case.shown == "length" and isinstance(outcome.output, str) else outcome.output
    events = tuple(sorted(outcome.events)) if case.is_concurrent else outcome.events
    return outcome._replace(output=output, events=events)


def alone(**fields: Any) -> dict[str, Any]:
    """Returns a machine of one state, ``S``, which is its end."""
    ends = {} if fields["Type"] in {"Succeed", "Fail", "Choice"} or "Next" in fields else {"End": True}
    return {"StartAt": "S", "States": {"S": {**fields, **ends}}}


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    """Returns a machine of the states, each followed by the next unless it says where it goes."""
    names = list(states)
    linked = {}
    for name, following in zip(names, [*names[1:], None], strict=True):
        body = states[name]
        is_led = body["Type"] in {"Succeed", "Fail", "Choice"} or "Next" in body or "End" in body
        linked[name] = body if is_led else {**body, **({"Next": following} if following else {"End": True})}
    return {"StartAt": names[0], "States": linked}
