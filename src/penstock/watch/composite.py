"""Composite alarms: CloudWatch's rule expressions over the states of other alarms, and the suppression of actions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

import msgspec

from penstock.errors import UsageError
from penstock.model.alarms import AlarmState, CompositeAlarm
from penstock.watch.evaluate import AlarmRecord, Evaluation, topics_for

TOKEN = re.compile(
    r"\s*(?:(?P<function>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|'(?P<single>[^']*)'"
    r"|(?P<bare>[^\s()\"']+))\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)(?![A-Za-z0-9_])|(?P<mark>[()]))"
)
RULE_LIMIT = 10_240
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
    return Rule(test, frozenset(parser.names))


class _Parser:
    """NOT binds tighter than AND, AND tighter than OR."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._position = 0
        self.names: set[str] = set()

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
            inner = self.either(depth + 1)
            if not self._accept(")"):
                self._fail("a closing parenthesis")
            return inner
        found = self._next()
        if found is not None and found["word"] in {"TRUE", "FALSE"}:
            self._position = found.end()
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
    """Yields composite alarms so that each comes after those that its rule speaks of."""
    waiting = dict(composites)
    while waiting:
        ready = [a for a in waiting.values() if not parse(a.rule).alarms() & (waiting.keys() - {a.name})]
        for alarm in ready or list(waiting.values()):
            del waiting[alarm.name]
            yield alarm


def evaluate(composite: CompositeAlarm, states: States, known: AlarmRecord | None, now: float) -> Evaluation:
    """Returns a composite alarm's state after one evaluation.

    While its suppressor is in ALARM, actions of a change are held back; if the suppressor does not come into ALARM
    within the wait period they are carried out late, and the extension period holds them back after it has left ALARM.
    """
    before = known or AlarmRecord(AlarmState.INSUFFICIENT_DATA, "Unchecked: Initial alarm creation", now, now)
    state = AlarmState.ALARM if parse(composite.rule).holds(states) else AlarmState.OK
    changed = state is not before.state
    record = before
    if changed:
        reason = f"{composite.rule} is {'true' if state is AlarmState.ALARM else 'false'}"
        record = msgspec.structs.replace(before, state=state, reason=reason, since=now, held_until=None)
    if composite.suppressor is None:
        notify = topics_for(composite, state) if changed else ()
        return Evaluation(record, changed, state, before.state, record.reason, {}, notify)
    record, act = _suppress(composite, states, record, changed, now)
    notify = topics_for(composite, state) if act else ()
    return Evaluation(record, changed, state, before.state, record.reason, {}, notify)


def _suppress(
    composite: CompositeAlarm, states: States, record: AlarmRecord, changed: bool, now: float
) -> tuple[AlarmRecord, bool]:
    """Returns the record and whether the actions of the present state are carried out now."""
    is_suppressing = states.get(composite.suppressor or "") is AlarmState.ALARM
    if is_suppressing:
        extended = now + composite.suppressor_extension_seconds
        held = record.held_until is not None or changed
        return msgspec.structs.replace(record, released_until=extended, held_until=extended if held else None), False
    if changed:
        still = max(record.released_until or 0.0, now + composite.suppressor_wait_seconds)
        if still > now:
            return msgspec.structs.replace(record, held_until=still), False
        return record, True
    if record.held_until is not None and now >= record.held_until:
        return msgspec.structs.replace(record, held_until=None), True
    return record, False
