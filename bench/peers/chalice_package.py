"""Seven functions with our libraries, packaged as Terraform by Chalice; prints seconds and sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

APP = """\
from chalice import Chalice

app = Chalice(app_name="metrics")
"""
FUNCTION = """

@app.lambda_function(name="task{number}")
def task{number}(event, context):
    import msgspec, obstore, psutil
    return {{"cpu": psutil.cpu_percent()}}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "app"
        (folder / ".chalice").mkdir(parents=True)
        (folder / "app.py").write_text(APP + "".join(FUNCTION.format(number=number) for number in range(7)))
        (folder / "requirements.txt").write_text("msgspec\nobstore\npsutil\n")
        settings = {"version": "2.0", "app_name": "metrics", "stages": {"dev": {}}}
        (folder / ".chalice" / "config.json").write_text(json.dumps(settings))
        began = time.perf_counter()
        subprocess.run(
            [Path(sys.executable).with_name("chalice"), "package", "--pkg-format", "terraform", Path(scratch) / "out"],
            cwd=folder, check=True, stdout=sys.stderr, env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        )  # fmt: skip
        seconds = time.perf_counter() - began
        zipped = (Path(scratch) / "out" / "deployment.zip").stat().st_size
    print(json.dumps({"seconds": seconds, "function_bytes": zipped}))


if __name__ == "__main__":
    main()
