"""Follows a log until it is killed: ``follow_crash.py HOME LOG``; with ``all`` it stores what is left, and leaves."""

import sys
import threading
from pathlib import Path

from penstock import LogEntry, Pipeline
from penstock.runtime.machine.collecting import Collecting
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.settings import Follow


def main(path: str, log: str, how: str = "on") -> None:
    """Follows the log."""
    home = Home(Path(path))
    pipeline = Pipeline("logs")
    pipeline.lake("logs", LogEntry)
    collecting = Collecting(home, {"logs": pipeline.build()}, follows=[Follow(paths=[log])], flush_seconds=0.0)
    if how == "all":
        collecting.collect_all()
    else:
        collecting.tick()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        stop = threading.Event()
        while not stop.wait(0.01):
            collecting.tick()
    collecting.close()
    home.close()


main(*sys.argv[1:])
