"""A drill: a pipeline is deployed to an emulator and runs there; then things are lost, and come back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from penstock.adapters.local.clock import SystemClock
from penstock.errors import UsageError
from penstock.model.pipeline import Definition
from penstock.rehearsal import here
from penstock.rehearsal.credentials import settings
from penstock.rehearsal.drill_report import DrillReport
from penstock.rehearsal.emulator import Emulator
from penstock.rehearsal.losses import LOSSES
from penstock.rehearsal.scene import Scene, plan_scene
from penstock.rehearsal.site import Site
from penstock.rehearsal.stage import prepare, set_up
from penstock.rehearsal.steps import Say, Steps
from penstock.rehearsal.there import Deployed


def drill(definition: Definition, reference: str, folder: Path, *, say: Say = lambda text: None) -> DrillReport:
    """Deploys a pipeline, plays its scene, loses one thing after the other, and gets each back as an operator would.

    Args:
        reference: where the pipeline is, as the bundler takes it.
        folder: for the release and the home; kept for whoever wants to look.
        say: told what is being done.

    Raises:
        PenstockError: a step could not be done at all.
    """
    if definition.warehouses:
        raise UsageError(
            f"pipeline {definition.name!r} has a warehouse, and an emulator has no backups to restore a database from",
            hint="`penstock rehearse` has one; docs/how-to/recover-from-disaster.md says how RDS restores it",
        )
    step = Steps(say)
    scene = plan_scene(definition, SystemClock().now())
    with step("run the same here"):
        arrivals = here.play(scene, folder / "home").arrivals
    with step("package and synthesize"):
        prepare(definition, reference, folder / "release")
    report = DrillReport(pipeline=definition.name, steps=step.done)
    with _emulator(definition, step, say):
        site = _site(scene, folder, step, say)
        with step("run it there") as done:
            observed = site.deployed.play(scene, arrivals)
            done(f"{len(observed.executions)} executions, {len(observed.objects)} objects")
        for lose in LOSSES:
            report.recoveries += lose(site)
    return report


@contextlib.contextmanager
def _emulator(definition: Definition, step: Steps, say: Say) -> Iterator[None]:
    """An empty account, which is gone afterwards with all that is in it."""
    with contextlib.closing(Emulator(region=definition.region, say=say)) as emulator:
        with step("start the emulator"):
            emulator.start()
        with settings(emulator.environment()):
            yield


def _site(scene: Scene, folder: Path, step: Steps, say: Say) -> Site:
    clock = SystemClock()
    terraform = set_up(folder / "release", step, say)
    outputs = terraform.outputs()
    deployed = Deployed(scene.definition, outputs, clock, say)
    deployed.listen()
    return Site(
        scene=scene, terraform=terraform, outputs=outputs, deployed=deployed, clock=clock, say=say,
        began_at=clock.now(),
    )  # fmt: skip
