"""Runs a task of a pipeline as a Glue job, with its transformations on Spark.

The task's code comes as a zip beside this script (``--extra-files``); it is unpacked, since packages may hold data.
"""

import os
import sys
import tempfile
import zipfile
from pathlib import Path

ARCHIVE = "--penstock-archive"


def main(arguments: list[str]) -> None:
    """Unpacks the code, and runs the task that the other arguments name."""
    archive = Path(arguments[arguments.index(ARCHIVE) + 1]).absolute()
    folder = tempfile.mkdtemp(prefix="penstock-")
    with zipfile.ZipFile(archive) as code:
        code.extractall(folder)
    sys.path.insert(0, folder)
    os.environ["PENSTOCK_ARCHIVE"] = str(archive)

    from penstock.runtime.aws.glue_entry import main as run

    run(arguments, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
