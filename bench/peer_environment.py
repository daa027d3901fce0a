"""The environments that peers run in, apart from ours: their pinned packages are not ours."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class PeerEnvironment(NamedTuple):
    """An environment for peers.

    Attributes:
        variable: the environment variable that names another interpreter.
        folder: where it is made when it is absent, in the checkout.
        requirements: the file of its packages, in ``bench/``.
    """

    variable: str
    folder: str
    requirements: str

    def python(self) -> str:
        """Returns the interpreter that has the peers."""
        if chosen := os.environ.get(self.variable):
            return chosen
        folder = FOLDER.parent / self.folder
        python = folder / "bin" / "python"
        if not python.exists():
            venv.create(folder, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "-r", FOLDER / self.requirements], check=True)
        return str(python)


PEERS = PeerEnvironment("PENSTOCK_BENCH_PYTHON", ".venv-bench", "peers.txt")
LAKE_PEERS = PeerEnvironment("PENSTOCK_BENCH_LAKE_PYTHON", ".venv-bench-lake", "peers_lake.txt")
READERS = PeerEnvironment("PENSTOCK_BENCH_READERS_PYTHON", ".venv-bench-readers", "peers_readers.txt")
