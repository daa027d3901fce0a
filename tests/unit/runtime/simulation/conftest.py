"""Simulations of the metrics pipeline, and what they left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from penstock.model.faults import Fault
from penstock.model.pipeline import Definition
from penstock.pipelines.metrics import pipeline
from penstock.runtime.simulation.app import simulate
from penstock.runtime.simulation.faults import parse_fault
from penstock.runtime.simulation.home import SimulatedHome, reopened
from penstock.runtime.simulation.plan import DAY_SECONDS, Plan

START = 1_769_904_000.0  # 2026-02-01T00:00:00Z
Play = Callable[..., SimulatedHome]


@pytest.fixture(scope="session")
def metrics() -> Definition:
    return pipeline.build()


@pytest.fixture
def play(tmp_path: Path, metrics: Definition) -> Iterator[Play]:
    """Plays a day of the metrics pipeline; returns the home that it left, at its end."""
    with contextlib.ExitStack() as opened:

        def run(
            *faults: str | Fault, days: float = 1.0, seed: int = 7, folder: str = "home", **plan: int
        ) -> SimulatedHome:
            read = tuple(parse_fault(one, START) if isinstance(one, str) else one for one in faults)
            chosen = Plan(
                start=START, seconds=days * DAY_SECONDS, seed=seed, faults=read, **{"is_metered": False, **plan}
            )
            simulate(metrics, tmp_path / folder, chosen)
            home = reopened(tmp_path / folder, chosen)
            opened.callback(home.close)
            return home

        yield run
