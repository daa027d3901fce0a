"""Runs the leads pipeline for a file that is there: ``leads_crash.py HOME KEY``. Killed, and started again, goes on."""

import sys
from pathlib import Path

from penstock.pipelines.leads import pipeline
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home


def main(home: str, key: str) -> None:
    """Continues what is left; starts the workflow where it was never started."""
    machine = Machine(Home(Path(home)), {"leads": pipeline.build()})
    try:
        journal = machine.home.journal
        if not machine.unfinished() and not journal.unfinished(pipeline="leads"):
            machine.start("leads", {"inbox": "leads", "key": key, "size": machine.home.objects.head(key).size})
        while journal.unfinished(pipeline="leads") or not machine.is_idle():
            machine.step("")
    finally:
        machine.close()


main(*sys.argv[1:])
