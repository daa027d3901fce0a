"""Past slots of a schedule: ``penstock backfill P --from … --to …``."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import typer

from penstock.cli.options import Options
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.ports.journal import Execution

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_slots(
    options: Options,
    pipeline: str,
    begin: str,
    until: str,
    *,
    schedule: str | None,
    parallel: int,
    failed: bool,
    dry_run: bool,
) -> None:
    """Runs the slots of a schedule that lie in the past, on this machine, each once.

    Args:
        begin, until: times in UTC, or spans back from now; now where ``until`` is empty.
        parallel: how many run at once.
        failed: puts slots through again that have failed.
    """
    from penstock.cli import output
    from penstock.cli.drill import moment
    from penstock.runtime.machine.app import Machine
    from penstock.runtime.machine.backfill import Backfill, schedule_of, slots_of

    definition = options.catalog().load(pipeline)
    chosen = schedule_of(definition, schedule)
    home = options.open_home(create=True)
    now = home.clock.now()
    start, end = moment(begin, now), moment(until, now) if until else now
    if end > now:
        raise UsageError("slots to come run by themselves", hint="`penstock up` follows the schedule; end at now")
    if start >= end:
        raise UsageError("there is no time between --from and --to", hint="such as --from 7d or --from 2026-02-01")
    slots = slots_of(chosen, start, end)
    if dry_run:
        output.emit([[output.moment(at)] for at in slots], ["slot"], as_json=options.as_json, empty="no slots")
        return

    def tell(execution: Execution) -> None:
        if not options.as_json:
            typer.echo(f"{execution.id}  {execution.status}")

    machine = Machine(home, {definition.name: definition})
    before = [(number, signal.signal(number, lambda *_: machine.request_stop())) for number in SIGNALS]
    try:
        found = Backfill(machine, definition, chosen, parallel=parallel, again=failed, changed=tell).run(slots)
        stopped = machine.stop.is_set()
    finally:
        machine.close()
        for number, handler in before:
            signal.signal(number, handler)
    if options.as_json:
        output.emit_json(found)
    else:
        typer.echo(
            f"{found.slots} slots: {found.started} run now, {found.again} again, {found.known} had run before, "
            f"{len(found.failed)} failed, {found.left} left"
        )
        if found.failed:
            typer.echo("`--failed` puts those through again that failed; `penstock executions ID` says why they did")
        if stopped:
            typer.echo("stopped; the same command goes on")
    if stopped:
        raise typer.Exit(130)
    if found.failed:
        raise typer.Exit(1)
