"""Diagrams, by what they must show; no picture is compared with another."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import states
from penstock.cli import diagram

HOSTILE = [
    'a"b\n<c> --> [*]; %%{init}%%', "end", "state x {", "}", "--", "[bold]x[/]", "\x1b[31mred", "日本語の状態",
    "a:b;c#d", "```", "\u202eright to left", "*", "é" * 60, "x" * 80, "<script>alert(1)</script>", "  ",
    "note right of s1",
]  # fmt: skip


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "r", **fields}


def document(start: str, /, **machine: Any) -> bytes:
    return json.dumps({"StartAt": start, "States": machine}).encode()


def branch(name: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: task(End=True, **fields)}}


LOOP = document(
    "Try",
    Try=task(Next="Good?", Retry=[{"ErrorEquals": ["E1", "E2"], "MaxAttempts": 5}, {"ErrorEquals": ["States.ALL"]}]),
    **{
        "Good?": {
            "Type": "Choice",
            "Default": "Rest",
            "Choices": [
                {"Variable": "$.n", "NumericGreaterThan": 3, "Next": "Done"},
                {"And": [{"Variable": "$.a", "StringEqualsPath": "$.b"},
                         {"Not": {"Variable": "$.c", "IsPresent": True}}], "Next": "Failed"},
            ],
        }
    },
    Rest={"Type": "Wait", "Seconds": 30, "Next": "Try"},
    Done={"Type": "Succeed"},
    Failed={"Type": "Fail", "Error": "Broken"},
)  # fmt: skip
NESTED = document(
    "All",
    All={
        "Type": "Parallel",
        "Branches": [
            branch("Left"),
            {"StartAt": "Deep", "States": {"Deep": {"Type": "Parallel", "End": True,
                                                    "Branches": [branch("One"), branch("Two")]}}},
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Tell"}],
        "Next": "Last",
    },
    Last=task(End=True),
    Tell=task(End=True),
)  # fmt: skip


def boxes(drawn: str) -> list[str]:
    """Returns what the boxes are called: the first line below each upper edge, whatever stands beside it."""
    lines = drawn.splitlines()
    found = []
    for number, line in enumerate(lines):
        for edge in re.finditer("┌─+┐", line):
            inside = lines[number + 1][edge.start() + 1 : edge.end() - 1]
            found.append(inside.strip().partition(": ")[0])
    return found


def test_the_documents_are_workflows() -> None:
    for one in (LOOP, NESTED):
        states.parse(one)


@pytest.mark.parametrize("width", [30, 50, 100, 200])
def test_each_state_is_a_box_once(width: int) -> None:
    assert sorted(boxes(diagram.text(LOOP, width))) == sorted(["Try", "Good?", "Rest", "Done", "Failed"])
    assert sorted(boxes(diagram.text(NESTED, width))) == sorted(["All", "Left", "Deep", "One", "Two", "Last", "Tell"])


def test_what_happens_is_told() -> None:
    drawn = diagram.text(LOOP, 100)
    for told in (
        "↻ 5 times on E1, E2", "↻ 3 times", "if $.n > 3 → Done", "if ($.a = $.b and not $.c IsPresent true) → Failed",
        "otherwise ↓", "wait 30 s", "↩ Try", "fail Broken", "succeed",
    ):  # fmt: skip
        assert drawn.count(told) >= 1, told
    assert "on any error ↷ Tell" in diagram.text(NESTED)
    assert "All: 2 at once" in diagram.text(NESTED)


def test_an_arrow_leads_to_what_comes_next() -> None:
    lines = diagram.text(document("A", A=task(Next="B"), B=task(End=True))).splitlines()
    arrow = lines.index("   ↓")
    assert [line.strip("│ ") for line in (lines[arrow - 2], lines[arrow + 2])] == ["A", "B"]


def test_branches_stand_side_by_side_where_there_is_room() -> None:
    wide, narrow = diagram.text(NESTED, 100).splitlines(), diagram.text(NESTED, 22).splitlines()
    assert any("One" in line and "Two" in line and "Left" not in line for line in wide)
    assert any("Left" in line and "Deep" in line for line in wide)
    assert not any("One" in line and "Two" in line for line in narrow)


def test_each_item_of_a_map_has_a_machine() -> None:
    body = {"Type": "Map", "ItemProcessor": branch("Item"), "End": True}
    assert boxes(diagram.text(document("Every", Every=body))) == ["Every", "Item"]
    assert 'state "Item" as s2' in diagram.mermaid(document("Every", Every=body))


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("arn:aws:states:::dynamodb:putItem", "calls dynamodb:putItem"),
        ("arn:aws:states:::states:startExecution.sync:2", "calls states:startExecution, until it is done"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "calls sqs:sendMessage, waits for an answer"),
    ],
)
def test_a_call_of_a_service_is_told(resource: str, told: str) -> None:
    state = {"Type": "Task", "Resource": resource, "End": True}
    assert told in diagram.text(json.dumps({"StartAt": "S", "States": {"S": state}}).encode())


def test_a_rule_in_jsonata_is_told() -> None:
    rule = {"Condition": "{% $n > 3 %}", "Next": "A"}
    body = {"Type": "Choice", "Choices": [rule], "Default": "A"}
    assert "if {% $n > 3 %} → A" in diagram.text(document("C", C=body, A=task(End=True)))


CHARACTERS = st.characters(exclude_characters="┌└")
names = st.one_of(st.sampled_from(HOSTILE), st.text(CHARACTERS, min_size=1, max_size=30))


@st.composite
def workflows(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """Returns a machine whose states lead anywhere, with any names."""
    chosen = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    made: dict[str, Any] = {}
    for name in chosen:
        target = draw(st.sampled_from(chosen))
        catch = [{"ErrorEquals": [draw(names)], "Next": draw(st.sampled_from(chosen))}]
        rule = {"Variable": "$.x", "StringEquals": draw(names), "Next": draw(st.sampled_from(chosen))}
        kinds: list[dict[str, Any]] = [
            task(Next=target, Catch=catch), task(End=True), {"Type": "Succeed"},
            {"Type": "Wait", "Seconds": 1, "Next": target},
            {"Type": "Choice", "Choices": [rule], "Default": target}, {"Type": "Choice", "Choices": [rule]},
        ]  # fmt: skip
        if depth:
            inner = draw(st.lists(workflows(depth=depth - 1), min_size=1, max_size=3))
            kinds.append({"Type": "Parallel", "Branches": inner, "Next": target, "Catch": catch})
        made[name] = draw(st.sampled_from(kinds))
    return {"StartAt": chosen[0], "States": made}


def machines(machine: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns a machine and all within it."""
    inner = [m for state in machine["States"].values() for b in state.get("Branches", ()) for m in machines(b)]
    return [machine, *inner]


def edges(machine: dict[str, Any]) -> int:
    """Returns how many arrows a machine has, by hand: one to its start, one from each state for each way on."""
    return 1 + sum(
        ("Next" in state) + ("Default" in state) + len(state.get("Choices", ())) + len(state.get("Catch", ()))
        + bool(state.get("End") or state["Type"] == "Succeed")
        for state in machine["States"].values()
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(workflows(), st.integers(40, 160))
def test_any_workflow_fits_and_steers_no_terminal(machine: dict[str, Any], width: int) -> None:
    drawn = diagram.text(json.dumps(machine).encode(), width)
    assert max(map(diagram.cells, drawn.splitlines())) <= width
    assert drawn.count("┌") == drawn.count("└") >= sum(len(one["States"]) for one in machines(machine))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", drawn)


@settings(max_examples=60, deadline=None)
@given(workflows())
def test_any_workflow_is_good_mermaid(machine: dict[str, Any]) -> None:
    first, *lines = diagram.mermaid(json.dumps(machine).encode()).splitlines()
    assert first == "stateDiagram-v2"
    text = r"(?:[\w .,=≤≥$()]|#\d+;)*"
    forms = [
        rf'state "{text}" as (s\d+)',
        r"state s\d+ \{",
        r"\}",
        "--",
        rf"(\[\*\]|s\d+) --> (\[\*\]|s\d+)(: {text})?",
    ]
    counts = [sum(bool(re.fullmatch(form, line.strip(" "))) for line in lines) for form in forms]
    assert sum(counts) == len(lines)
    everything = machines(machine)
    assert counts[0] == sum(len(one["States"]) for one in everything)
    assert counts[1] == counts[2]
    assert counts[4] == sum(map(edges, everything))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_only_a_name(name: str) -> None:
    drawn = diagram.mermaid(document(name, **{name: task(Next="Other"), "Other": task(End=True)}))
    declared = [line for line in drawn.splitlines() if line.strip().startswith("state ")]
    assert len(declared) == 2
    shown = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), declared[0].split('"')[1])
    assert shown == diagram._clean(name)


def test_states_of_one_name_in_two_branches_are_two() -> None:
    body = {"Type": "Parallel", "Branches": [branch("Same"), branch("Same")], "End": True}
    drawn = diagram.mermaid(document("P", P=body))
    assert 'state "Same" as s2' in drawn
    assert 'state "Same" as s3' in drawn


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("", 0)])
def test_cells(text: str, width: int) -> None:
    assert diagram.cells(text) == width
