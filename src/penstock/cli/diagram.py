"""Workflows as pictures: boxes for a terminal, Mermaid for pages. Pure functions of the ASL document."""

from __future__ import annotations

import json
import re
from typing import Any

Box = list[str]
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def text(definition: bytes, width: int = 100) -> str:
    """Returns a workflow as boxes joined by lines; branches stand side by side where the width allows."""
    machine = json.loads(definition)
    return "\n".join(line.rstrip() for line in _machine(machine, width)) + "\n"


def _machine(machine: dict[str, Any], width: int) -> Box:
    states = machine["States"]
    drawn: set[str] = set()
    blocks = [_path(machine["StartAt"], states, drawn, width)]
    # What only a Catch or a further rule leads to follows below.
    while len(drawn) < len(states):
        led_to = [target for name in states if name in drawn for target, _ in _transitions(states[name])]
        waiting = [name for name in [*led_to, *states] if name is not None and name not in drawn]
        blocks.append(_path(waiting[0], states, drawn, width))
    joined: Box = []
    for block in blocks:
        joined += [*([""] if joined else []), *block]
    return joined


def _path(name: str, states: dict[str, Any], drawn: set[str], width: int) -> Box:
    parts: list[Box] = []
    following: str | None = name
    while following is not None:
        if following in drawn:
            parts.append([f"↩ {_clean(following)}"])
            break
        drawn.add(following)
        state = states[following]
        parts.append(_state(following, state, width))
        following = state.get("Next") or state.get("Default")
    return _stack(parts)


def _state(name: str, state: dict[str, Any], width: int) -> Box:
    if state["Type"] == "Parallel":
        return _parallel(name, state, width)
    return _frame([_clean(name), *_notes(state)])


def _notes(state: dict[str, Any]) -> list[str]:
    notes = []
    if state["Type"] != "Task":
        notes.append(_summary(state))
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
    for word, joint in (("And", " and "), ("Or", " or ")):
        if word in rule:
            return "(" + joint.join(condition(inner) for inner in rule[word]) + ")"
    if "Not" in rule:
        return f"not {condition(rule['Not'])}"
    operator = next(name for name in rule if name not in {"Variable", "Next", "Comment"})
    plain = re.sub(r"^(String|Numeric|Boolean|Timestamp)", "", operator).removesuffix("Path")
    signs = {"Equals": "=", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "≤", "GreaterThanEquals": "≥"}
    return _clean(f"{rule['Variable']} {signs.get(plain, plain)} {json.dumps(rule[operator])}")


def _parallel(name: str, state: dict[str, Any], width: int) -> Box:
    branches = [_machine(branch, width - 4) for branch in state["Branches"]]
    inner = _beside(branches)
    if inner and len(inner[0]) > width - 4:
        inner = [line for branch in branches for line in branch]
    notes = [note for note in _notes(state) if note != "parallel"]
    return _frame([f"{_clean(name)}: {len(branches)} at once", *notes, "", *inner])


def _frame(lines: Box) -> Box:
    width = max(len(line) for line in lines)
    return ["┌─" + "─" * width + "─┐", *(f"│ {line.ljust(width)} │" for line in lines), "└─" + "─" * width + "─┘"]


def _stack(parts: list[Box]) -> Box:
    joined: Box = []
    for part in parts:
        joined += [*(["   ↓"] if joined else []), *part]
    return joined


def _beside(boxes: list[Box]) -> Box:
    height = max(len(box) for box in boxes)
    widths = [max(len(line) for line in box) for box in boxes]
    rows = []
    for number in range(height):
        cells = [
            (box[number] if number < len(box) else "").ljust(width) for box, width in zip(boxes, widths, strict=True)
        ]
        rows.append(" ".join(cells))
    return rows


def _clean(value: Any) -> str:
    return CONTROLS.sub("?", str(value))


def mermaid(definition: bytes) -> str:
    """Returns a workflow as a Mermaid state diagram. https://mermaid.js.org/syntax/stateDiagram.html"""
    lines = ["stateDiagram-v2"]
    _mermaid_machine(json.loads(definition), lines, "  ", _Names())
    return "\n".join(lines) + "\n"


class _Names:
    """State names as identifiers that Mermaid takes, whatever the names are."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        return self._known.setdefault(name, f"s{len(self._known) + 1}")


def _mermaid_machine(machine: dict[str, Any], lines: list[str], indent: str, names: _Names) -> None:
    lines.append(f"{indent}[*] --> {names(machine['StartAt'])}")
    for name, state in machine["States"].items():
        own = names(name)
        lines.append(f'{indent}state "{_escape(name)}" as {own}')
        if state["Type"] == "Parallel":
            lines.append(f"{indent}state {own} {{")
            for number, branch in enumerate(state["Branches"]):
                if number:
                    lines.append(f"{indent}  --")
                _mermaid_machine(branch, lines, f"{indent}  ", names)
            lines.append(f"{indent}}}")
        for target, label in _transitions(state):
            arrow = f"{indent}{own} --> {'[*]' if target is None else names(target)}"
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
    return re.sub(r"[^\w .,=≤≥$()-]", lambda found: f"#{ord(found.group())};", _clean(label))
