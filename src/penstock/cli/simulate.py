"""A pipeline's month in seconds: ``simulate``."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.observe import span_seconds
from penstock.cli.options import Options
from penstock.errors import UsageError
from penstock.model.simulation import SIMULATION_FILE

if TYPE_CHECKING:
    from penstock.model.faults import Fault
    from penstock.model.pipeline import Definition
    from penstock.runtime.simulation.plan import Plan

# More help large fleets only: then --workers says how many.
MOST_WORKERS = 2


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("simulate")(simulate)


def simulate(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(help="The pipeline's name.")],
    span: Annotated[str, typer.Option("--for", help="How long, such as 12h, 30d or 4w.")] = "30d",
    seed: Annotated[int, typer.Option("--seed", help="What all chance is drawn from.")] = 0,
    instances: Annotated[
        int | None, typer.Option("--instances", min=1, help="How many the pipeline's world has: hosts, orders a batch.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            help="KIND[:TARGET][,from=3d][,for=6h][,rate=0.1]; may be repeated. `list` names them, "
            "`random` draws some.",
        ),
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="The first day, in UTC; so that it ends last midnight when absent.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="The home that is made; the home's name and -simulated when absent.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes that call the tasks; the result is the same.")
    ] = None,
    fingerprint: Annotated[
        bool, typer.Option("--fingerprint", help="Print a digest of all that the home holds.")
    ] = False,
) -> None:
    """Play a pipeline for a month under a virtual clock: what is stored, which alarms fire, what AWS would charge."""
    from penstock.cli import output, simulated
    from penstock.runtime.simulation.app import simulate as play
    from penstock.runtime.simulation.home import reopened
    from penstock.runtime.simulation.report import report

    options: Options = context.obj
    if fault == ["list"]:
        simulated.print_faults(as_json=options.as_json)
        return
    definition = options.catalog().load(pipeline)
    plan = _plan(definition, span, seed, instances, fault or [], begin, workers)
    folder = into or options.home.with_name(f"{options.home.name}-simulated")
    began = time.monotonic()
    _make_room(folder)
    _mark(folder, plan, pipeline)
    with simulated.Progress(shown=not options.as_json and sys.stderr.isatty()) as progress:
        ended = play(definition, folder, plan, progress=progress)
    home = reopened(folder, plan)
    try:
        found = report(home, definition, plan, kills=ended.kills, warnings=ended.warnings)
    finally:
        home.close()
    took = time.monotonic() - began
    digest = _fingerprint(folder) if fingerprint else None
    if options.as_json:
        document: dict[str, Any] = {**output.plain(found), "seconds": round(took, 3), "fingerprint": digest}
        output.emit_json(document)
    else:
        simulated.print_report(found, took, digest)
    if found.problems:
        raise typer.Exit(1)


def _plan(
    definition: Definition,
    span: str,
    seed: int,
    instances: int | None,
    written: list[str],
    begin: str | None,
    workers: int | None,
) -> Plan:
    from penstock.runtime.simulation.faults import check_targets
    from penstock.runtime.simulation.plan import Plan, last_days

    seconds = span_seconds(span)
    if seconds <= 0:
        raise UsageError(f"nothing happens in {span}", hint="such as --for 30d")
    if instances is not None and definition.simulation.input is None:
        raise UsageError(
            f"pipeline {definition.name!r} does not say what an instance is",
            hint="pipeline.simulate(lambda instances, seed: {…}) adds them to the inputs of its schedules",
        )
    start = last_days(time.time(), seconds) if begin is None else _day(begin)
    faults = _faults(definition, written, seed, start, seconds)
    check_targets(faults, definition)
    return Plan(start=start, seconds=seconds, seed=seed, instances=instances, faults=faults,
                workers=workers or min(MOST_WORKERS, os.cpu_count() or 1))  # fmt: skip


def _faults(definition: Definition, written: list[str], seed: int, start: float, seconds: float) -> tuple[Fault, ...]:
    from penstock.runtime.simulation.faults import RANDOM, parse_fault, random_faults

    faults: list[Fault] = []
    for text in written:
        if text == RANDOM:
            faults += random_faults(definition, seed, start, seconds)
        else:
            faults.append(parse_fault(text, start))
    return tuple(faults)


def _day(text: str) -> float:
    from penstock.runtime.names import read_time

    found = read_time(text)
    if found is None:
        raise UsageError(f"{text!r} is no day", hint="such as --from 2026-02-01")
    return found


def _make_room(folder: Path) -> None:
    """Empties a folder that a simulation made; refuses any other."""
    if not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / SIMULATION_FILE).is_file()):
        raise UsageError(f"{folder} is there, and no simulation made it", hint="choose another folder with --into")
    shutil.rmtree(folder)


def _mark(folder: Path, plan: Plan, pipeline: str) -> None:
    """Makes the folder, and says in it what it is: one that was interrupted too can be made anew."""
    import msgspec

    folder.mkdir(mode=0o700, parents=True)
    document = {
        "command": plan.command(pipeline), "start": plan.start, "seconds": plan.seconds, "seed": plan.seed,
        "instances": plan.instances,
    }  # fmt: skip
    (folder / SIMULATION_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


def _fingerprint(folder: Path) -> str:
    from penstock.adapters.local.fingerprint import fingerprint

    return fingerprint(folder)
