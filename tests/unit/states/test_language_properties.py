"""Any order of answers gives the same output; any moment is a good one to begin again; no value is ever changed."""

import copy
import itertools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.states import (
    Event,
    ExecutionContext,
    HistoryEntry,
    InvokeTask,
    Machine,
    StartMapRun,
    StartTimer,
    Step,
    TaskSucceeded,
    TimerFired,
    parse,
    start,
    step,
)

CONTEXT = ExecutionContext("e", "e", 1_000_000.0, "m", "m")
RESOURCE = "arn:aws:states:::lambda:invoke"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab é", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
JSONPATH = st.sampled_from([
    {"Type": "Task", "Resource": RESOURCE},
    {"Type": "Task", "Resource": RESOURCE, "ResultPath": "$.made"},
    {"Type": "Task", "Resource": RESOURCE, "Parameters": {"whole.$": "$", "id.$": "States.UUID()"},
     "ResultSelector": {"kept.$": "$", "who.$": "$$.State.Name"}},
    {"Type": "Task", "Resource": RESOURCE, "Assign": {"seen.$": "$"}, "ResultPath": None},
    {"Type": "Pass", "Parameters": {"in.$": "$", "of.$": "$$.Execution.Input"}},
    {"Type": "Pass", "Result": {"x": [1, {"y": 2}]}, "ResultPath": "$.a.b"},
    {"Type": "Pass", "Parameters": {"n.$": "States.Array($, 1, $$.Execution.Id)"}},
    {"Type": "Wait", "Seconds": 3},
])  # fmt: skip
JSONATA = st.sampled_from([
    {"Type": "Task", "Resource": RESOURCE, "Arguments": {"a": "{% $states.input %}"},
     "Output": {"r": "{% $states.result %}", "i": "{% $states.input %}"}},
    {"Type": "Pass", "Output": {"merged": "{% $merge([{'k': 1}, {'v': $states.input}]) %}"}},
    {"Type": "Pass", "Output": "{% [$states.input, $random() < 2] %}"},
    {"Type": "Pass", "Assign": {"total": "{% $sum([1, 2, 3]) %}"}},
    {"Type": "Wait", "Seconds": "{% 1 + 1 %}"},
])  # fmt: skip


@st.composite
def machines(draw: st.DrawFn, depth: int = 2) -> list[Any]:
    """Chains of states; a nested one is (kind, machines)."""
    simple = st.one_of(JSONPATH, JSONATA.map(lambda state: {**state, "QueryLanguage": "JSONata"}))
    nested = st.tuples(st.sampled_from(["Parallel", "Map"]), st.lists(machines(depth - 1), min_size=1, max_size=3))
    return draw(st.lists(st.one_of(simple, nested) if depth else simple, min_size=1, max_size=3))


def document(chain: list[Any], names: Any) -> dict[str, Any]:
    labels = [f"S{next(names)}" for _ in chain]
    states: dict[str, Any] = {}
    for number, body in enumerate(chain):
        place = labels[number]
        onward = {"Next": labels[number + 1]} if number + 1 < len(labels) else {"End": True}
        if isinstance(body, tuple):
            kind, inner = body
            if kind == "Parallel":
                state = {"Type": "Parallel", "Branches": [document(one, names) for one in inner]}
            else:
                # Whatever comes in, there are items: what came in, twice.
                items = {"twice.$": "States.Array($, $)"}
                before = f"S{next(names)}"
                states[place] = {"Type": "Pass", "Parameters": items, "Next": before}
                state = {
                    "Type": "Map", "ItemsPath": "$.twice", "MaxConcurrency": len(inner),
                    "ItemSelector": {"item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"},
                    "ItemProcessor": document(inner[0], names),
                }  # fmt: skip
                place = before
            states[place] = {**state, **onward}
            continue
        if "Assign" in body:
            # A name belongs to one scope.
            named = {f"{place}_{name}": value for name, value in body["Assign"].items()}
            states[place] = {**body, "Assign": named, **onward}
        else:
            states[place] = {**body, **onward}
    return {"StartAt": labels[0], "States": states}


class Journey:
    """One execution with the answers in some order: its events, and every value that went in beside a copy of it."""

    def __init__(self, machine: Machine, value: Any) -> None:
        self.machine = machine
        self.kept: list[tuple[Any, Any]] = []
        self.events: list[Event] = []
        self.now: Step = start(machine, self.keep(value), CONTEXT, at=0.0, seed="e", history=True)
        self.history: list[HistoryEntry] = list(self.now.history)
        self.open: dict[str, Any] = {}
        self.obey()

    def keep(self, value: Any) -> Any:
        self.kept.append((value, copy.deepcopy(value)))
        return value

    def obey(self) -> None:
        for command in self.now.commands:
            if isinstance(command, InvokeTask | StartTimer | StartMapRun):
                self.open[command.token] = command

    def answer(self, token: str, at: float) -> None:
        command = self.open.pop(token)
        if isinstance(command, StartTimer):
            event: Event = TimerFired(token=token, at=at)
        else:
            self.keep(command.input)
            # What a task answers follows from what it was asked.
            event = TaskSucceeded(token=token, output=self.keep({"of": copy.deepcopy(command.input)}), at=at)
        self.events.append(event)
        self.now = step(self.machine, self.now.state, event, history=True)
        self.history += self.now.history
        self.obey()

    @property
    def end(self) -> tuple[str, Any, str, str]:
        state = self.now.state
        # A failure names the event at which its state was entered, which the order decides.
        return state.status, state.output, state.error, ""


def travelled(machine: Machine, value: Any, data: st.DataObject) -> Journey:
    journey = Journey(machine, value)
    while journey.now.state.status == "RUNNING":
        token = data.draw(st.sampled_from(sorted(journey.open)))
        # One moment for all: what a state draws or reads of the time must not tell of the order.
        journey.answer(token, 0.0)
    return journey


@settings(max_examples=60, deadline=None)
@given(chain=machines(), value=VALUES, data=st.data())
def test_the_order_of_answers_decides_nothing(chain: list[Any], value: Any, data: st.DataObject) -> None:
    machine = parse(json.dumps(document(chain, itertools.count())))
    first = travelled(machine, value, data)
    second = travelled(machine, value, data)
    if first.now.state.status == "SUCCEEDED":
        assert second.end == first.end
    else:
        assert second.now.state.status == "FAILED", "what one order fails of, every order meets"
    for journey in (first, second):
        assert all(given_value == kept for given_value, kept in journey.kept), "a value was changed"


@settings(max_examples=40, deadline=None)
@given(chain=machines(), value=VALUES, data=st.data())
def test_a_replay_from_any_event_on_ends_the_same(chain: list[Any], value: Any, data: st.DataObject) -> None:
    machine = parse(json.dumps(document(chain, itertools.count())))
    journey = travelled(machine, value, data)
    cut = data.draw(st.integers(0, len(journey.events)))
    again = start(machine, value, CONTEXT, at=0.0, seed="e", history=True)
    history: list[HistoryEntry] = []
    for number, event in enumerate(journey.events):
        # Up to the cut nobody looks at the history, as in a process that starts again.
        again = step(machine, again.state, event, history=number >= cut)
        history += again.history
    found = again.state
    assert (found.status, found.output, found.error, found.cause) == (
        journey.now.state.status, journey.now.state.output, journey.now.state.error, journey.now.state.cause
    )  # fmt: skip
    assert history == journey.history[len(journey.history) - len(history) :]
    assert found.told == journey.now.state.told == len(journey.history)


def test_the_generator_makes_machines_that_succeed() -> None:
    chain = [
        {"Type": "Task", "Resource": RESOURCE, "ResultPath": "$.made"},
        ("Map", [[{"Type": "Wait", "Seconds": 3}]]),
    ]
    machine = parse(json.dumps(document(chain, itertools.count())))
    journey = Journey(machine, {"a": 1})
    while journey.now.state.status == "RUNNING":
        journey.answer(sorted(journey.open)[-1], 0.0)
    made = {"a": 1, "made": {"of": {"a": 1}}}
    assert journey.now.state.output == [{"item": made, "index": 0}, {"item": made, "index": 1}]
