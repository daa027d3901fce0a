"""What the commands print: tables and sentences for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer

CELL_CHARACTERS = 70


def say(context: typer.Context, text: str, data: Any, rows: Sequence[dict[str, Any]] = ()) -> None:
    """Prints a table and a text; the data instead where ``--json`` was given."""
    if context.obj.as_json:
        typer.echo(json.dumps(data, indent=2, default=str, ensure_ascii=False))
        return
    if rows:
        typer.echo(_table(rows))
    if text:
        typer.echo(_clean(text))


def _table(rows: Sequence[dict[str, Any]]) -> str:
    shown = [[*rows[0]], *([_cell(one) for one in row.values()] for row in rows)]
    widths = [max(len(row[number]) for row in shown) for number in range(len(shown[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = _clean("" if value is None else f"{value:,}" if isinstance(value, int) else str(value)).replace("\n", " ")
    return text if len(text) <= CELL_CHARACTERS else f"{text[: CELL_CHARACTERS - 1]}…"


def _clean(text: str) -> str:
    """Returns text without what a terminal would take for a command, or could not print."""
    plain = "".join(one for one in text if one in "\n\t" or one.isprintable())
    encoding = sys.stdout.encoding or "utf-8"
    return plain.encode(encoding, "replace").decode(encoding)


def judged(model: Any, *, in_use: bool) -> list[str]:
    """Returns how good a model is, in lines."""
    found = model.evaluation
    lines = [
        f"model {model.version}: trained on {model.leads:,} leads, {model.bought:,} of which bought",
        f"on {found.leads:,} leads that it has not seen, {found.bought:,} of which bought:",
        f"  AUC {found.auc:.3f} (0.5 is chance, 1 is perfect)"
        + (f"; the rules {found.rules_auc:.3f}" if found.rules_auc is not None else ""),
        f"  calibration error {found.calibration_error:.1%}, Brier score {found.brier:.3f}",
        *(f"  the best {share} buy {lift:.2f} times as often as all" for share, lift in found.lift.items()),
        "  expected  observed  leads",
        *(f"  {one.expected:>8.1%}  {one.observed:>8.1%}  {one.leads:>5,}" for one in found.calibration),
    ]
    if in_use:
        return [*lines, "in use from now on, beside the rules"]
    return [*lines, f"not in use: `penstock leads models --use {model.version}` lets it score beside the rules"]


def explained(lead: dict[str, Any], scores: Sequence[dict[str, Any]]) -> list[str]:
    """Returns why a lead has its scores, in lines."""
    who = ", ".join(str(lead[name]) for name in ("full_name", "company", "email") if lead[name])
    lines = [f"{who or 'a lead'} ({lead['lead_id']})"]
    for one in scores:
        chance = "" if one["probability"] is None else f", {one['probability']:.1%} likely to buy"
        parts = ", ".join(f"{part} {one[part]:g}" for part in ("fit", "intent", "recency", "engagement"))
        lines.append(f"{one['score']} points, grade {one['grade']}, by {one['scorer']} as of {one['as_of']}{chance}")
        lines.append(f"  {parts}")
        lines += [f"  {reason['points']:+7.2f}  {reason['because']}" for reason in one["reasons"]]
    return lines
