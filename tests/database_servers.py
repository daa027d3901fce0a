"""Private database servers for a session of tests: each in a folder of its own, on a socket and a loopback port."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "p@ss:w/rd%"
QUOTED_PASSWORD = "p%40ss%3Aw%2Frd%25"
START_SECONDS = 60


class DatabaseServer:
    """A server that runs; subclasses know how it is started."""

    scheme = ""
    root = ""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self.programs, self.folder, self.user = programs, folder, user
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    def url(self, database: str, user: str | None = None, password: str = QUOTED_PASSWORD) -> str:
        """The URL of a database, as a user writes it."""
        return f"{self.scheme}://{user or self.root}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts the server, and waits until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, **self.owner()
            )
        until = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"no server: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the server; at once by ``SIGKILL`` or ``SIGQUIT``."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def new_database(self) -> str:
        """Makes an empty database; returns its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute("", f"CREATE DATABASE {name}")
        return name

    def owner(self) -> dict[str, object]:
        return {} if self.user is None else {"user": self.user, "group": _group(self.user), "extra_groups": []}

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def execute(self, database: str, *statements: str) -> None:
        """Runs statements as the administrator."""
        raise NotImplementedError


class PostgresqlServer(DatabaseServer):
    """PostgreSQL, without waiting for the disk."""

    scheme, root = "postgresql", "admin"

    def install(self) -> None:
        """Makes the server's files."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        _give(secret, self.user)
        subprocess.run(
            [self.programs / "initdb", "-D", self.folder / "data", "-U", self.root, "--pwfile", secret, "-A",
             "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True, capture_output=True, cwd=self.folder, **self.owner(),
        )  # fmt: skip

    def command(self) -> list[str]:
        settings = {
            "port": self.port, "unix_socket_directories": self.folder, "listen_addresses": "127.0.0.1", "fsync": "off",
            "full_page_writes": "off", "max_wal_size": "2GB", "shared_buffers": "64MB",
            "lc_messages": "C",
        }  # fmt: skip
        made = [str(self.programs / "postgres"), "-D", str(self.folder / "data")]
        return made + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def answers(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            self.execute("", "SELECT 1")
            return True
        return False

    def execute(self, database: str, *statements: str) -> None:
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=self.root, password=PASSWORD, dbname=database or "postgres",
            autocommit=True, connect_timeout=10,
        ) as connection:  # fmt: skip
            for statement in statements:
                connection.execute(statement.encode())


class MariadbServer(DatabaseServer):
    """MariaDB, without waiting for the disk."""

    scheme, root = "mysql", "root"

    def install(self) -> None:
        """Makes the server's files."""
        subprocess.run(
            # Two that are installed at once would take each other's temporary tables in the same folder for their own.
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder}",
             "--skip-test-db", "--auth-root-authentication-method=normal", *self._user()],
            check=True, capture_output=True, cwd=self.folder, **self.owner(),
        )  # fmt: skip

    def command(self) -> list[str]:
        return [
            str(self.programs / "mariadbd"), "--no-defaults", f"--datadir={self.folder / 'data'}",
            f"--socket={self.folder / 'socket'}", f"--port={self.port}", "--bind-address=127.0.0.1",
            f"--pid-file={self.folder / 'pid'}", f"--tmpdir={self.folder}",
            "--innodb-flush-log-at-trx-commit=2", "--skip-log-bin",
            "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=64M", "--character-set-server=latin1",
            *self._user(),
        ]  # fmt: skip

    def answers(self) -> bool:
        import pymysql

        # The driver leaves a socket open that finds nobody.
        with socket.socket(socket.AF_UNIX) as listening:
            try:
                listening.connect(str(self.folder / "socket"))
            except OSError:
                return False
        with (
            contextlib.suppress(pymysql.err.OperationalError),
            contextlib.closing(self._connect("", socket_password="")) as connection,
        ):
            connection.cursor().execute(f"ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}'")
        with contextlib.suppress(pymysql.err.OperationalError):
            self.execute("", "SELECT 1")
            return True
        return False

    def execute(self, database: str, *statements: str) -> None:
        with contextlib.closing(self._connect(database, socket_password=PASSWORD)) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def _connect(self, database: str, *, socket_password: str):  # type: ignore[no-untyped-def]
        import pymysql

        return pymysql.connect(
            unix_socket=str(self.folder / "socket"), user="root", password=socket_password,
            database=database or None, autocommit=True, connect_timeout=10,
        )  # fmt: skip

    def _user(self) -> list[str]:
        return [f"--user={self.user}"] if self.user else []


@contextlib.contextmanager
def running(kind: type[DatabaseServer], program: str) -> Iterator[DatabaseServer]:
    """Runs a server of a kind. Without its programs a test is left out here, and fails where everything has to run."""
    programs = _programs(program)
    if programs is None:
        message = f"{program} is not installed: apt-get install --no-install-recommends postgresql mariadb-server"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    user = _user(("postgres", "mysql", "nobody")) if os.geteuid() == 0 else None
    # Not in pytest's own folder, which another user cannot enter; and short, for the socket's path.
    folder = Path(tempfile.mkdtemp(prefix="penstock-db-", dir="/tmp"))
    _give(folder, user)
    server = kind(programs, folder, user)
    try:
        server.install()  # type: ignore[attr-defined]
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL if program == "mariadbd" else signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


def _programs(program: str) -> Path | None:
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/sbin"), Path("/usr/bin")]
    found = [place for place in places if (place / program).exists()]
    named = shutil.which(program)
    return found[0] if found else Path(named).resolve().parent if named else None


def _user(names: tuple[str, ...]) -> str:
    known = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in names if name in known)


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _give(path: Path, user: str | None) -> None:
    path.chmod(0o700 if path.is_dir() else 0o600)
    if user is not None:
        shutil.chown(path, user)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
