"""A server of a rehearsal ends with whoever asked for it, and finds nobody else's account."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.rehearsal.credentials import settings
from penstock.rehearsal.emulator import PORTS, free_port
from penstock.rehearsal.guard import guarded

# A server with a child of its own, both deaf to SIGTERM in the second case; each writes its process's id.
SERVER = """
import os, signal, subprocess, sys, time
deaf = sys.argv[1] == "deaf"
if deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600 if sys.argv[1] != "ends" else 0)
"""
# Whoever asks for it, in a process that can be killed.
ASKING = """
import subprocess, sys, time
from penstock.rehearsal.guard import guarded
command = guarded([sys.executable, "-c", sys.argv[2], sys.argv[3]], sys.argv[1])
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
print(server.stdout.readline().decode(), flush=True)
time.sleep(600)
"""


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_with_whoever_asked_for_it(tmp_path: Path, end: signal.Signals) -> None:
    folder = tmp_path / "its own"
    folder.mkdir()
    command = [sys.executable, "-c", ASKING, str(folder), SERVER, "hears"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as asking:
        assert asking.stdout is not None
        server, child = map(int, asking.stdout.readline().split())
        assert is_alive(server)
        assert is_alive(child)
        asking.send_signal(end)
    wait_until(lambda: not is_alive(server) and not is_alive(child) and not folder.exists())


@pytest.mark.parametrize("kind", ["hears", "deaf", "ends"])
def test_a_server_ends_with_its_input_and_takes_its_children_along(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "its own"
    folder.mkdir()
    command = guarded([sys.executable, "-c", SERVER, kind], str(folder))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True
    ) as guard:
        assert guard.stdin is not None
        assert guard.stdout is not None
        server, child = map(int, guard.stdout.readline().split())
        if kind != "ends":
            assert is_alive(server)
            guard.stdin.close()
        wait_until(lambda: not is_alive(server) and not is_alive(child) and not folder.exists())
    assert guard.returncode == -signal.SIGKILL


def test_a_port_is_free_and_not_one_that_connections_are_given() -> None:
    ports = {free_port() for _ in range(20)}
    assert len(ports) > 10
    assert all(port in PORTS for port in ports)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", min(ports)))
        taken.listen()
        assert min(ports) not in {free_port() for _ in range(200)}


def test_a_persons_account_endpoints_and_proxies_stay_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {
        "AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "mine", "AWS_ENDPOINT_URL_S3": "https://s3.example",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "TF_WORKSPACE": "production", "TF_CLI_ARGS_apply": "-target=x",
        "no_proxy": "example.com", "HTTP_PROXY": "http://proxy.example",
    }  # fmt: skip
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with settings({"AWS_ACCESS_KEY_ID": "test", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}):
        assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "TF_WORKSPACE"} & os.environ.keys()
        assert "TF_CLI_ARGS_apply" not in os.environ
        assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in os.environ
        assert os.environ["AWS_CONFIG_FILE"] == os.devnull
        assert "127.0.0.1" in os.environ["no_proxy"]
        with settings({"AWS_ACCESS_KEY_ID": "role", "AWS_SESSION_TOKEN": "of the role"}):
            assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
            with settings({"AWS_ENDPOINT_URL": "http://127.0.0.1:2"}):
                assert os.environ["AWS_SESSION_TOKEN"] == "of the role"
                assert os.environ["AWS_ACCESS_KEY_ID"] == "role"
        assert "AWS_SESSION_TOKEN" not in os.environ
    assert dict(os.environ) == before


def test_settings_are_put_back_after_an_error() -> None:
    before = dict(os.environ)
    with pytest.raises(RuntimeError), settings({"AWS_ACCESS_KEY_ID": "test"}):
        raise RuntimeError
    assert dict(os.environ) == before
