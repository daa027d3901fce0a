"""Workflows as pictures: boxes for a terminal, Mermaid for pages. Pure functions of the ASL document.

The document is one that ``penstock.states.parse`` accepts.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from penstock.cli.values import clean
from penstock.model.workflow import INVOKE, machines_in

Box = list[str]
ARROW = "   ↓"
SERVICE = "arn:aws:states:::"
WAITED = {".sync": ", until it is done", ".sync:2": ", until it is done", ".waitForTaskToken": ", waits for an answer"}
NARROWEST = 12


def text(definition: bytes, width: int = 100) -> str:
    """Returns a workflow as boxes joined by lines, no wider than ``width`` cells.

    Branches stand side by side where the width allows, else below each other. What leads to the next box is an arrow;
    every other transition names its target: ``→`` by a rule, ``↷`` after an error, ``↩`` back to a box drawn before.
    """
    return "\n".join(line.rstrip() for line in _machine(json.loads(definition), width)) + "\n"


def _machine(machine: dict[str, Any], width: int) -> Box:
    states = machine["States"]
    drawn: set[str] = set()
    blocks = [_path(machine["StartAt"], states, drawn, width)]
    # What only a Catch or a further rule leads to follows below.
    while len(drawn) < len(states):
        led_to = [target for name in states if name in drawn for target, _ in _transitions(states[name])]
        waiting = [name for name in [*led_to, *states] if name is not None and name not in drawn]
        blocks.append(_path(waiting[0], states, drawn, width))
    return [line for number, block in enumerate(blocks) for line in ([""] if number else []) + block]


def _path(name: str, states: dict[str, Any], drawn: set[str], width: int) -> Box:
    lines: Box = []
    following: str | None = name
    while following is not None:
        lines += [ARROW] if lines else []
        if following in drawn:
            return lines + _wrapped(f"↩ {_clean(following)}", width)
        drawn.add(following)
        state = states[following]
        lines += _state(following, state, width)
        following = state.get("Next") or state.get("Default")
    return lines


def _state(name: str, state: dict[str, Any], width: int) -> Box:
    inner = machines_in(state)
    if not inner:
        return _frame([_clean(name), *_notes(state)], width)
    notes = [note for note in _notes(state) if note != str(state["Type"]).lower()]
    count = f"{len(inner)} at once" if state["Type"] == "Parallel" else "for each item"
    if inner[0].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        count += ", in an execution of its own"
    return _frame([f"{_clean(name)}: {count}", *notes, "", *_arranged(inner, _room(width))], width)


def _arranged(machines: list[dict[str, Any]], width: int) -> Box:
    boxes = [_machine(machine, width) for machine in machines]
    widths = [max(map(cells, box)) for box in boxes]
    if sum(widths) + len(boxes) - 1 > width:
        return [line for box in boxes for line in box]
    rows = itertools.zip_longest(*boxes, fillvalue="")
    return [" ".join(_padded(cell, wide) for cell, wide in zip(row, widths, strict=True)) for row in rows]


def _notes(state: dict[str, Any]) -> list[str]:
    notes = []
    if state["Type"] != "Task":
        notes.append(_summary(state))
    elif state["Resource"].startswith(SERVICE) and not state["Resource"].startswith(INVOKE):
        notes.append(_called(state["Resource"]))
    for retrier in state.get("Retry", ()):
        times = f"↻ {retrier.get('MaxAttempts', 3)} times"
        notes.append(times if retrier["ErrorEquals"] == ["States.ALL"] else f"{times} on {_errors(retrier)}")
    for catcher in state.get("Catch", ()):
        notes.append(f"on {_errors(catcher)} ↷ {_clean(catcher['Next'])}")
    for rule in state.get("Choices", ()):
        notes.append(f"if {condition(rule)} → {_clean(rule['Next'])}")
    if state["Type"] == "Choice" and "Default" in state:
        notes.append("otherwise ↓")
    return notes


def _called(resource: str) -> str:
    """Returns what a service is asked for, and what then is waited for."""
    called = resource.removeprefix(SERVICE)
    for suffix, waited in WAITED.items():
        called = called.removesuffix(suffix) + waited if called.endswith(suffix) else called
    return _clean(f"calls {called}")


def _errors(entry: dict[str, Any]) -> str:
    errors = entry["ErrorEquals"]
    return "any error" if errors == ["States.ALL"] else _clean(", ".join(errors))


def _summary(state: dict[str, Any]) -> str:
    kind = str(state["Type"])
    for field in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath", "Error", "ErrorPath"):
        if field in state:
            unit = " s" if field == "Seconds" else ""
            return _clean(f"{kind.lower()} {state[field]}{unit}")
    return kind.lower()


def condition(rule: dict[str, Any]) -> str:
    """Returns a choice rule as people say it."""
    if "Condition" in rule:
        return _clean(rule["Condition"])
    for word, joint in (("And", " and "), ("Or", " or ")):
        if word in rule:
            return "(" + joint.join(condition(inner) for inner in rule[word]) + ")"
    if "Not" in rule:
        return f"not {condition(rule['Not'])}"
    operator = next(name for name in rule if name not in {"Variable", "Next", "Comment", "Assign", "Output"})
    plain = re.sub(r"^(String|Numeric|Boolean|Timestamp)", "", operator).removesuffix("Path")
    signs = {"Equals": "=", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "≤", "GreaterThanEquals": "≥"}
    value = rule[operator] if operator.endswith("Path") else json.dumps(rule[operator], ensure_ascii=False)
    return _clean(f"{rule['Variable']} {signs.get(plain, plain)} {value}")


def _room(width: int) -> int:
    """Returns the cells within a frame; boxes deep within boxes take what they need at least."""
    return max(width - 4, NARROWEST)


def _frame(lines: Box, width: int) -> Box:
    fitting = [part for line in lines for part in _wrapped(line, _room(width))]
    widest = max(map(cells, fitting))
    bar = "─" * (widest + 2)
    return [f"┌{bar}┐", *(f"│ {_padded(line, widest)} │" for line in fitting), f"└{bar}┘"]


def _wrapped(line: str, width: int) -> Box:
    """Returns a line as lines that fit; what goes on in a further one begins with two spaces."""
    if cells(line) <= width:
        return [line]
    parts: Box = []
    current = ""
    for word in re.findall(r"\S+\s*|\s+", line):
        for piece in _pieces(word, width - 2):
            if current.strip() and cells(current + piece.rstrip()) > width:
                parts.append(current.rstrip())
                current = "  "
            current += piece
    return [*parts, current.rstrip()]


def _pieces(word: str, width: int) -> Iterator[str]:
    piece = ""
    for character in word:
        if piece and cells(piece + character.rstrip()) > width:
            yield piece
            piece = ""
        piece += character
    yield piece


def cells(line: str) -> int:
    """Returns how many cells of a terminal a text takes."""
    if line.isascii():
        return len(line)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in line
    )


def _padded(line: str, width: int) -> str:
    return line + " " * (width - cells(line))


def _clean(value: Any) -> str:
    return re.sub(r"\s", " ", clean(value))


def mermaid(definition: bytes) -> str:
    """Returns a workflow as a Mermaid state diagram. https://mermaid.js.org/syntax/stateDiagram.html"""
    lines = ["stateDiagram-v2"]
    numbers = itertools.count(1)
    _mermaid_machine(json.loads(definition), lines, "  ", numbers)
    return "\n".join(lines) + "\n"


def _mermaid_machine(machine: dict[str, Any], lines: list[str], indent: str, numbers: Iterator[int]) -> None:
    # Names may hold anything; identifiers are ours.
    own = {name: f"s{next(numbers)}" for name in machine["States"]}
    lines.append(f"{indent}[*] --> {own[machine['StartAt']]}")
    for name, state in machine["States"].items():
        lines.append(f'{indent}state "{_escape(name)}" as {own[name]}')
        inner = machines_in(state)
        if inner:
            lines.append(f"{indent}state {own[name]} {{")
            for number, branch in enumerate(inner):
                lines += [f"{indent}  --"] if number else []
                _mermaid_machine(branch, lines, f"{indent}  ", numbers)
            lines.append(f"{indent}}}")
        for target, label in _transitions(state):
            arrow = f"{indent}{own[name]} --> {'[*]' if target is None else own[target]}"
            lines.append(f"{arrow}: {_escape(label)}" if label else arrow)


def _transitions(state: dict[str, Any]) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    if state.get("End") or state["Type"] in {"Succeed", "Fail"}:
        found.append((None, ""))
    if "Next" in state:
        found.append((state["Next"], ""))
    found += [(rule["Next"], condition(rule)) for rule in state.get("Choices", ())]
    if "Default" in state:
        found.append((state["Default"], "otherwise"))
    found += [(catcher["Next"], f"on {_errors(catcher)}") for catcher in state.get("Catch", ())]
    return found


def _escape(label: str) -> str:
    """Returns text that Mermaid takes as text: what could end or begin something becomes an entity."""
    return re.sub(r"[^\w .,=≤≥$()]", lambda found: f"#{ord(found.group())};", _clean(label))
