"""Composite alarms: CloudWatch's rule expressions over the states of other alarms, and the suppression of actions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import msgspec

from penstock.errors import UsageError
from penstock.model.alarms import AlarmState, CompositeAlarm
from penstock.watch.evaluate import AlarmRecord, Evaluation, first_record, topics_for

TOKEN = re.compile(
    r"\s*(?:(?P<function>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|'(?P<single>[^']*)'"
    r"|(?P<bare>[^\s()\"']+))\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)(?![A-Za-z0-9_])|(?P<mark>[()]))"
)
RULE_LIMIT = 10_240
ALARMS_LIMIT = 100
ELEMENTS_LIMIT = 500
NESTING_LIMIT = 50

States = Mapping[str, AlarmState]
Test = Callable[[States], bool]


class Rule:
    """A parsed rule."""

    def __init__(self, test: Test, alarms: frozenset[str]) -> None:
        self._test = test
        self._alarms = alarms

    def alarms(self) -> frozenset[str]:
        """Returns the names of the alarms that the rule speaks of."""
        return self._alarms

    def holds(self, states: States) -> bool:
        """Tells whether the rule holds; an alarm without a state has insufficient data."""
        return self._test(states)


def parse(rule: str) -> Rule:
    """Returns a rule such as ``ALARM("a") AND NOT (OK("b") OR TRUE)``.

    Raises:
        UsageError: it is no rule; the message says where.
    """
    if len(rule) > RULE_LIMIT:
        raise UsageError(f"the rule has {len(rule)} characters, {RULE_LIMIT} are possible", hint="split the alarm")
    parser = _Parser(rule)
    test = parser.either(0)
    parser.end()
    for count, limit, noun in ((len(parser.names), ALARMS_LIMIT, "alarms"), (parser.elements, ELEMENTS_LIMIT, "parts")):
        if count > limit:
            raise UsageError(f"the rule has {count} {noun}, {limit} are possible", hint="split the alarm")
    return Rule(test, frozenset(parser.names))


class _Parser:
    """NOT binds tighter than AND, AND tighter than OR."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._position = 0
        self.names: set[str] = set()
        # Alarms, TRUE or FALSE, and pairs of parentheses each count as one.
        self.elements = 0

    def either(self, depth: int) -> Test:
        tests = [self._both(depth)]
        while self._accept("OR"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else lambda states: any(test(states) for test in tests)

    def end(self) -> None:
        if self._rule[self._position :].strip():
            self._fail("AND, OR or the end")

    def _both(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._accept("AND"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda states: all(test(states) for test in tests)

    def _one(self, depth: int) -> Test:
        if depth > NESTING_LIMIT:
            self._fail("less nesting")
        if self._accept("NOT"):
            inner = self._one(depth + 1)
            return lambda states: not inner(states)
        if self._accept("("):
            self.elements += 1
            inner = self.either(depth + 1)
            if not self._accept(")"):
                self._fail("a closing parenthesis")
            return inner
        found = self._next()
        if found is not None and found["word"] in {"TRUE", "FALSE"}:
            self._position = found.end()
            self.elements += 1
            truth = found["word"] == "TRUE"
            return lambda states: truth
        if found is None or found["function"] is None:
            self._fail('ALARM("name"), OK("name") or INSUFFICIENT_DATA("name")')
        self._position = found.end()
        return self._state_test(found)

    def _state_test(self, found: re.Match[str]) -> Test:
        quoted = found["quoted"]
        name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found["single"] or found["bare"] or ""
        state = AlarmState(found["function"])
        self.names.add(name)
        self.elements += 1
        return lambda states: states.get(name, AlarmState.INSUFFICIENT_DATA) is state

    def _next(self) -> re.Match[str] | None:
        return TOKEN.match(self._rule, self._position)

    def _accept(self, text: str) -> bool:
        found = self._next()
        if found is None or text not in {found["word"], found["mark"]}:
            return False
        self._position = found.end()
        return True

    def _fail(self, wanted: str) -> NoReturn:
        near = self._rule[self._position : self._position + 30].strip() or "the end"
        raise UsageError(f"the rule is wrong at character {self._position}, near {near!r}", hint=f"expected {wanted}")


def in_order(composites: Mapping[str, CompositeAlarm]) -> Iterator[CompositeAlarm]:
    """Yields composite alarms so that each comes after those that its rule speaks of and after its suppressor."""
    needs = {alarm.name: parse(alarm.rule).alarms() | {alarm.suppressor} for alarm in composites.values()}
    waiting = dict(composites)
    while waiting:
        ready = [alarm for alarm in waiting.values() if not needs[alarm.name] & (waiting.keys() - {alarm.name})]
        for alarm in ready or list(waiting.values()):
            del waiting[alarm.name]
            yield alarm


def evaluate(composite: CompositeAlarm, states: States, known: AlarmRecord | None, now: float) -> Evaluation:
    """Returns a composite alarm's state after one evaluation.

    With a suppressor, the actions of a change wait: for the wait period, so that the suppressor may still come into
    ALARM; as long as it is in ALARM; and for the extension period after it has left ALARM. Then they are carried out,
    for the state of that moment. A further change begins a new wait period.

    Args:
        states: of the alarms that the rule speaks of, and of the suppressor.
        known: what the last evaluation left; None before the first.
    """
    before = known or first_record(now)
    rule = parse(composite.rule)
    state = AlarmState.ALARM if rule.holds(states) else AlarmState.OK
    changed = state is not before.state
    record = before
    if changed:
        why = _reason(composite, rule, states)
        record = msgspec.structs.replace(before, state=state, reason=why, since=now, held_from=before.state)
    until = _held_until(composite, states, record, changed, now)
    act = record.held_from is not None and until is not None and now >= until
    waits = record.held_from is not None and not act
    kept = msgspec.structs.replace(
        record,
        held_from=record.held_from if waits else None,
        held_until=until if waits else None,
        suppressed=_is_suppressing(composite, states),
    )
    return Evaluation(
        record=kept,
        changed=changed,
        state=state,
        previous=record.held_from or before.state,
        reason=record.reason,
        reason_data=_reason_data(rule, states) if changed or act else {},
        notify=topics_for(composite, state) if act else (),
    )


def _held_until(
    composite: CompositeAlarm, states: States, record: AlarmRecord, changed: bool, now: float
) -> float | None:
    """Returns from when on actions are carried out; None as long as the suppressor is in ALARM."""
    if _is_suppressing(composite, states):
        return None
    if changed:
        return now + (composite.suppressor_wait_seconds if composite.suppressor is not None else 0)
    if record.suppressed:
        return now + composite.suppressor_extension_seconds
    return record.held_until


def _is_suppressing(composite: CompositeAlarm, states: States) -> bool:
    return composite.suppressor is not None and states.get(composite.suppressor) is AlarmState.ALARM


def _reason(composite: CompositeAlarm, rule: Rule, states: States) -> str:
    truth = "true" if rule.holds(states) else "false"
    found = ", ".join(f"{name} is in {_state_of(states, name)}" for name in sorted(rule.alarms()))
    return f"{composite.rule} is {truth}{': ' if found else ''}{found}."


def _reason_data(rule: Rule, states: States) -> dict[str, Any]:
    alarms = [{"name": name, "state": {"value": _state_of(states, name).value}} for name in sorted(rule.alarms())]
    return {"triggeringAlarms": alarms}


def _state_of(states: States, name: str) -> AlarmState:
    return states.get(name, AlarmState.INSUFFICIENT_DATA)
