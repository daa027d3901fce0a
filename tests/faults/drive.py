"""Drives the crash pipeline: ``drive.py HOME start`` runs one execution, ``recover`` what is left, ``up`` goes on."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from crash_pipeline import pipeline

from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home


def main(home: str, action: str) -> None:
    """Does one thing, and leaves in order."""
    machine = Machine(Home(Path(home)), {"crash": pipeline.build()}, scheduled=action == "up")
    try:
        if action == "up":
            machine.up()
        else:
            if action == "start":
                machine.run(machine.start("crash", {}).id)
            machine.unfinished()
            # One that waits for its next attempt is parked: nobody drives it, and still it is not over.
            while machine.home.journal.unfinished(pipeline="crash") or not machine.is_idle():
                machine.step("")
            machine.run("")
    finally:
        machine.close()


main(*sys.argv[1:])
