"""A PostgreSQL of a rehearsal's own, in the place of an instance of RDS.

What RDS does and this does too: it speaks TLS alone, on its own address and the usual port; the owner of the database
may make roles, and is no superuser; who is in the role ``rds_iam`` logs in by a token that somebody else judges.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from penstock.deploy.resources.warehouse import OWNER
from penstock.errors import UnavailableError
from penstock.rehearsal.guard import end, guarded

PORT = 5432
START_SECONDS = 60
# Debian keeps the programs of each version apart.
DEBIANS = Path("/usr/lib/postgresql")
INSTALL = "apt-get install --no-install-recommends postgresql"
# It refuses to run as root.
USERS = ("postgres", "nobody")
TOLD_BYTES = 500


class DatabaseServer:
    """A server with one empty database, until it is closed, or this process ends.

    Args:
        database: its name.
        logins: the port on which users of IAM are judged, by simple bind as ``database:user``.

    Attributes:
        address: of loopback, where nobody else is, on port 5432: a connection tells no port that is not RDS's.
        password: the owner's.

    Raises:
        UnavailableError: PostgreSQL is not installed, or does not start.
    """

    def __init__(self, database: str, logins: int) -> None:
        self.database = database
        self.address = f"127.{100 + secrets.randbelow(100)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        self.password = secrets.token_urlsafe(24)
        self._programs = programs()
        self._owner = _unprivileged() if os.geteuid() == 0 else ""
        # Short, for the path of a socket, and where the server's user can enter.
        self._folder = Path(tempfile.mkdtemp(prefix="penstock-db-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._install(logins)
            self._start()
            self._furnish()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends it, and removes what it kept."""
        process, self._process = self._process, None
        if process is not None:
            end(process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def empty(self, tables: Sequence[str]) -> None:
        """Removes all rows of tables."""
        self._execute(self.database, f"TRUNCATE {', '.join(tables)};")

    def _install(self, logins: int) -> None:
        data = self._folder / "data"
        self._give(self._folder)
        self._run("initdb", "-D", str(data), "-U", "rdsadmin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                  "--no-sync")  # fmt: skip
        self._certify()
        rules = (
            "local all rdsadmin trust",
            f"hostssl all {OWNER} all scram-sha-256",
            f'hostssl all +rds_iam all ldap ldapserver=127.0.0.1 ldapport={logins} ldapprefix="{self.database}:"',
        )
        (data / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def _certify(self) -> None:
        """RDS has certificates of its own authority, which nobody has to know: ``sslmode`` is ``require``."""
        key, certificate = self._folder / "server.key", self._folder / "server.crt"
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", f"/CN={self.address}", "-keyout", str(key), "-out", str(certificate)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise UnavailableError(f"openssl makes no certificate: {done.stderr[-TOLD_BYTES:]}", hint="see its output")
        self._give(key)
        self._give(certificate)

    def _start(self) -> None:
        settings = {
            "listen_addresses": self.address, "port": PORT, "unix_socket_directories": self._folder, "ssl": "on",
            "ssl_cert_file": self._folder / "server.crt", "ssl_key_file": self._folder / "server.key", "fsync": "off",
            "shared_buffers": "32MB", "lc_messages": "C",
        }  # fmt: skip
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data")]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                guarded([*self._as_owner(), *command], str(self._folder)),
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        ready = [str(self._programs / "pg_isready"), "--quiet", "-h", str(self._folder), "-p", str(PORT)]
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                last = (self._folder / "log").read_text("utf-8", errors="replace")[-TOLD_BYTES:].strip()
                raise UnavailableError(
                    f"PostgreSQL does not start: {last or 'it says nothing'}",
                    hint=f"see whether another server has port {PORT} on every address; then do the same again",
                )
            time.sleep(0.05)

    def _furnish(self) -> None:
        self._execute(
            "postgres",
            "CREATE ROLE rds_iam;",
            f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '{self.password}';",
            # By CREATEROLE alone in PostgreSQL 15, by this from 16 on.
            f"GRANT rds_iam TO {OWNER} WITH ADMIN OPTION;",
            f'CREATE DATABASE "{self.database}" OWNER {OWNER};',
        )

    def _execute(self, database: str, *statements: str) -> None:
        self._run(
            "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "-h", str(self._folder), "-p", str(PORT),
            "-U", "rdsadmin", "-d", database, given="\n".join(statements),
        )  # fmt: skip

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        done = subprocess.run(
            [*self._as_owner(), str(self._programs / program), *arguments],
            input=given, capture_output=True, text=True, check=False, cwd=self._folder,
        )  # fmt: skip
        if done.returncode:
            raise UnavailableError(f"{program} fails: {done.stderr[-TOLD_BYTES:].strip()}", hint=f"or: {INSTALL}")

    def _as_owner(self) -> list[str]:
        if not self._owner:
            return []
        return ["setpriv", f"--reuid={self._owner}", f"--regid={_group(self._owner)}", "--clear-groups"]

    def _give(self, path: Path) -> None:
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self._owner:
            shutil.chown(path, self._owner, _group(self._owner))


def programs() -> Path:
    """Returns the folder with the newest PostgreSQL's programs.

    Raises:
        UnavailableError: there is none.
    """
    found: list[Path] = sorted(
        DEBIANS.glob("*/bin"), key=lambda path: int(path.parent.name.partition(".")[0]), reverse=True
    )
    named = shutil.which("postgres")
    if named:
        found.append(Path(named).resolve().parent)
    for place in found:
        if all((place / program).exists() for program in ("postgres", "initdb", "psql", "pg_isready")):
            return place
    raise UnavailableError(
        "a rehearsal of a warehouse needs PostgreSQL's programs, and there are none here", hint=INSTALL
    )


def _unprivileged() -> str:
    known = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in USERS if name in known)


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
