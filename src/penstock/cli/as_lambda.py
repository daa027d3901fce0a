"""``penstock run --as-lambda``: the zips as they would be deployed, under Lambda's limits, on this machine."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from penstock.cli import output
from penstock.cli.live import run_and_show
from penstock.cli.options import Options
from penstock.cli.ship import Progress


def run_as_lambda(options: Options, pipeline: str, workflow: str | None, value: Any) -> int:
    """Runs a workflow in a home of its own, shows what came of it and what the functions needed; returns the exit code.

    Data are in an emulated account, which is gone afterwards.
    """
    from penstock.ports.journal import Filter
    from penstock.rehearsal.figures import figures, reports_of
    from penstock.rehearsal.lambda_home import LambdaHome
    from penstock.runtime.machine.home import Home

    catalog = options.catalog()
    definition = catalog.load(pipeline)
    progress = Progress(silent=options.as_json)
    with tempfile.TemporaryDirectory(prefix="penstock-lambda-") as scratch:
        lambda_home = LambdaHome(definition, catalog.reference(pipeline), Path(scratch), progress.say)
        own = replace(options, home=Path(scratch) / "home")
        with lambda_home.open():
            ended = run_and_show(own, pipeline, workflow, value, make_invoker=lambda_home.make_invoker)
        home = Home(own.home, create=False)
        needed = figures(definition, reports_of(home, home.journal.find(Filter(limit=1000))))
        home.close()
    if not options.as_json:
        rows: list[list[Any]] = [
            [one.name, one.calls, f"{one.longest_seconds:.2f} s of {one.timeout_seconds:g} s",
             f"{one.peak_memory_mb:.0f} MB of {one.memory_mb} MB"]
            for one in needed
        ]  # fmt: skip
        output.table(["function", "calls", "longest", "peak memory"], rows)
        typer.echo("ran as Lambda functions, with moto in the place of AWS; its data are gone")
    return ended.exit_code
