"""The order of the tests; and an AWS for those that ask: moto's server, one for the session, empty for each test."""

from __future__ import annotations

import os
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.database_servers import MariadbServer, PostgresqlServer

REGION = "eu-central-1"
# What takes seconds to start, and is started by each worker that has a test with it.
SERVERS = ("spark", "postgresql_server", "mariadb_server")


def pytest_configure() -> None:
    """Has all processes of the tests hear interruptions, also in a shell's background, and Terraform start quickly."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Terraform's provider is started a hundred times, and spends half of each start looking for garbage.
    os.environ.setdefault("GOGC", "800")
    os.environ.setdefault("GOMEMLIMIT", "1GiB")


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Gives the tests of Spark to one worker, and those of database servers to another."""
    asked = [*getattr(item, "fixturenames", ()), *getattr(getattr(item, "callspec", None), "params", {}).values()]
    wanted = [name for name in SERVERS if name in asked]
    if wanted:
        item.add_marker(pytest.mark.xdist_group("spark" if "spark" in wanted else "databases"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts those first that wait for minutes, each with a short one: workers take two at a time.

    The others run beside them, in whatever order they were shuffled into.
    """
    long = [one for one in items if "acceptance" in one.path.parts and one.get_closest_marker("slow") is not None]
    long.sort(key=lambda item: item.nodeid)
    waiting = set(long)
    others = [item for item in items if item not in waiting]
    pairs = [one for pair in zip(long, others, strict=False) for one in pair]
    items[:] = [*pairs, *long[len(others) :], *others[len(long) :]]


class OneWriteAtATime:
    """Takes the writes of objects one by one: S3 judges a condition and writes in one step, moto in two."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._writing = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return self._application(environ, start_response)
        with self._writing:
            return list(self._application(environ, start_response))


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    server._server.app = OneWriteAtATime(server._server.app)
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def aws(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The endpoint of an empty AWS; the environment points to it."""
    with urllib.request.urlopen(f"{moto_endpoint}/moto-api/reset", data=b"", timeout=10):  # noqa: S310
        pass
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": moto_endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return moto_endpoint


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL of this session's own."""
    from tests.database_servers import PostgresqlServer, running

    with running(PostgresqlServer, "postgres") as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """A MariaDB of this session's own."""
    from tests.database_servers import MariadbServer, running

    with running(MariadbServer, "mariadbd") as server:
        yield server
