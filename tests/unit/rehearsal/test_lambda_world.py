"""What a function finds around it: files, variables, packages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.rehearsal.lambda_runtime import LambdaSandbox

Start = Callable[..., LambdaSandbox]


@pytest.mark.usefixtures("jail")
def test_only_the_folder_for_temporary_files_can_be_written(start: Start, tmp_path: Path) -> None:
    code = """
        import os
        def attempt(path):
            try:
                with open(path, "w") as file: file.write("x")
            except OSError as error: return type(error).__name__, error.strerror
            return "written"
        def handler(event, context): return [attempt(path) for path in event]
    """
    sandbox = start(code)
    outside = tmp_path / "outside"
    paths = ["/tmp/x", "/var/task/x", "/x", "/etc/x", "/usr/x", str(outside)]
    refused = ["OSError", "Read-only file system"]
    done = sandbox.invoke(json.dumps(paths).encode())
    assert json.loads(done.payload) == ["written", *[refused] * 4, ["FileNotFoundError", "No such file or directory"]]
    assert not outside.exists()


@pytest.mark.usefixtures("jail")
def test_temporary_files_have_a_size(start: Start) -> None:
    code = """
        def handler(event, context):
            with open("/tmp/x", "wb") as file:
                for _ in range(event): file.write(bytes(1 << 20))
    """
    sandbox = start(code)
    assert sandbox.invoke(b"500").error is None
    done = sandbox.invoke(b"520")
    assert json.loads(done.payload)["errorMessage"] == "[Errno 28] No space left on device"


@pytest.mark.usefixtures("jail")
def test_files_of_the_machine_are_not_there(start: Start, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    code = "import os\ndef handler(event, context): return [os.path.exists(path) for path in event]"
    sandbox = start(code)
    paths = [str(tmp_path / "secret"), "/dev/shm", "/var/task/app.py", "/var/runtime/awslambdaric"]
    assert json.loads(sandbox.invoke(json.dumps(paths).encode()).payload) == [False, False, True, True]


def test_only_the_variables_of_a_function(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
    monkeypatch.setenv("PENSTOCK_OF_THE_MACHINE", "x")
    code = "import os\ndef handler(event, context): return dict(os.environ)"
    given = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    sandbox = start(code, environment={"OWN": "1"}, given=given, name="noted", region="eu-west-1", memory_mb=256)
    found = json.loads(sandbox.invoke(b"{}").payload)
    assert "PENSTOCK_OF_THE_MACHINE" not in found
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", found["_X_AMZN_TRACE_ID"])
    expected = {
        "OWN": "1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME": "noted",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "_HANDLER": "app.handler",
        "TZ": ":UTC",
    }
    assert {name: found.get(name) for name in expected} == expected


def test_layers_are_on_the_path(start: Start, tmp_path: Path) -> None:
    packages = tmp_path / "layers" / "python"
    packages.mkdir(parents=True)
    (packages / "shared.py").write_text("word = 'from a layer'")
    done = start("import shared\ndef handler(event, context): return shared.word", layers=tmp_path / "layers").invoke(
        b"{}"
    )
    assert done.payload == b'"from a layer"'


def test_a_function_has_no_files_open_but_its_output(start: Start) -> None:
    code = """
        import os
        def handler(event, context):
            found = []
            for number in range(3, 64):
                try: found.append(os.readlink(f"/proc/self/fd/{number}"))
                except FileNotFoundError: pass
            return [target for target in found if target.startswith("pipe:")]
    """
    assert json.loads(start(code).invoke(b"{}").payload) == []
