"""Charts as SVG, in the page itself: nothing is loaded from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, BAR_HEIGHT, GAP = 640, 22, 8
LABEL_WIDTH, VALUE_WIDTH = 210, 90


def bars(values: Mapping[str, float], *, title: str, unit: str = "", colours: Mapping[str, str] | None = None) -> str:
    """Returns a chart of one bar for each value, from top to bottom."""
    if not values:
        return f'<p class="none">{escape(title)}: nothing to show</p>'
    highest = max(values.values()) or 1
    height = len(values) * (BAR_HEIGHT + GAP)
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    rows = []
    for number, (name, value) in enumerate(values.items()):
        y = number * (BAR_HEIGHT + GAP)
        colour = (colours or {}).get(name, "#3b6ea5")
        width = max(1.0, room * max(0.0, value) / highest)
        middle = y + BAR_HEIGHT / 2
        rows.append(
            f'<text x="{LABEL_WIDTH - 10}" y="{middle}" class="label">{escape(_short(name))}</text>'
            f'<rect x="{LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" fill="{colour}"/>'
            f'<text x="{LABEL_WIDTH + width + 8:.1f}" y="{middle}" class="value">{value:,g}{escape(unit)}</text>'
        )
    return _figure(title, height, "".join(rows))


def columns(values: Sequence[float], labels: Sequence[str], *, title: str) -> str:
    """Returns a chart of one column for each value, from left to right."""
    if not any(values):
        return f'<p class="none">{escape(title)}: nothing to show</p>'
    height, base = 220, 180
    highest, step = max(values), WIDTH / len(values)
    parts = []
    for number, (value, label) in enumerate(zip(values, labels, strict=True)):
        x, tall = number * step + 6, (base - 24) * value / highest
        middle = x + (step - 12) / 2
        parts.append(
            f'<rect x="{x:.1f}" y="{base - tall:.1f}" width="{step - 12:.1f}" height="{tall:.1f}" fill="#3b6ea5"/>'
            f'<text x="{middle:.1f}" y="{base - tall - 10:.1f}" class="count">{value:,g}</text>'
            f'<text x="{middle:.1f}" y="{base + 18}" class="count">{escape(label)}</text>'
        )
    return _figure(title, height, "".join(parts))


def line(values: Sequence[float], labels: Sequence[str], *, title: str, unit: str = "") -> str:
    """Returns a chart of values over time, the oldest at the left."""
    if len(values) < 2:
        return f'<p class="none">{escape(title)}: there is one run so far</p>'
    height, base = 200, 160
    highest = max(values) or 1
    step = (WIDTH - 80) / (len(values) - 1)
    points = [(40 + number * step, base - (base - 30) * value / highest) for number, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#3b6ea5"><title>{escape(label)}: {value:,g}{escape(unit)}'
        "</title></circle>"
        for (x, y), value, label in zip(points, values, labels, strict=True)
    )
    ends = (
        f'<text x="40" y="{base + 24}" class="count">{escape(labels[0])}</text>'
        f'<text x="{WIDTH - 40}" y="{base + 24}" class="count">{escape(labels[-1])}</text>'
        f'<text x="{WIDTH - 40}" y="20" class="count">{values[-1]:,g}{escape(unit)}</text>'
    )
    drawn = f'<polyline points="{path}" fill="none" stroke="#3b6ea5" stroke-width="2"/>{dots}{ends}'
    return _figure(title, height, drawn)


def _figure(title: str, height: float, inside: str) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title)}">{inside}</svg></figure>'
    )


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:29]}…"
