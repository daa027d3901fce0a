"""Notifications by mail, through a real SMTP server with STARTTLS and a login."""

from __future__ import annotations

import email
import email.policy
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from penstock.adapters.local.channels import SmtpChannel, SmtpSettings, smtp_settings
from penstock.adapters.local.database import Database
from penstock.adapters.local.outbox import MIGRATION, Outbox
from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.runtime.machine.notifier import Notifier
from penstock.testing.contracts.notify import a_message

PASSWORD = "correct horse"
OPS = "mailto:ops@example.com"


class Mailbox:
    """What the server was given, and how it answers a recipient."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[str, str, bool]] = []
        self.recipient_reply = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.recipient_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((mechanism, data.login.decode(), session.ssl is not None))
        if (data.login, data.password) == (b"penstock", PASSWORD.encode()):
            return AuthResult(success=True, auth_data=data)
        reply = f"535 5.7.8 bad credentials {data.password.decode()}"
        return AuthResult(success=False, handled=False, message=reply)


class MailServer(Controller):
    """An SMTP server on a given socket, which demands STARTTLS and a LOGIN before it takes mail."""

    def __init__(self, mailbox: Mailbox, listener: socket.socket, context: ssl.SSLContext) -> None:
        self._listener = listener
        super().__init__(
            mailbox,
            hostname="127.0.0.1",
            port=listener.getsockname()[1],
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            auth_require_tls=True,
            auth_exclude_mechanism=["PLAIN"],
            authenticator=mailbox.authenticate,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    path = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", path, "-out", "c.pem",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + (folder / "c.pem").read_text())
    return path


StartServer = Callable[..., int]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def start(mailbox: Mailbox, certificate: Path) -> Iterator[StartServer]:
    """Starts the server, at a given port if need be; returns the port."""
    running: list[MailServer] = []

    def start_server(port: int = 0) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = MailServer(mailbox, socket.create_server(("127.0.0.1", port)), context)
        server.start()
        running.append(server)
        return int(server.port)

    yield start_server
    for server in running:
        server.stop()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    database = Database(tmp_path / "journal.db", [MIGRATION])
    yield Outbox(database)
    database.close()


class ManualClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def settings(port: int, certificate: Path, **changes: Any) -> SmtpSettings:
    return smtp_settings(
        {
            "host": "127.0.0.1",
            "port": port,
            "username": "penstock",
            "password_secret": "SMTP_PASSWORD",
            "from_address": "Penstock <penstock@example.com>",
            "ca_file": str(certificate),
            "timeout_seconds": 10,
        }
        | changes
    )


def notifier(outbox: Outbox, clock: ManualClock, smtp: SmtpSettings, password: str = PASSWORD) -> Notifier:
    secrets = EnvironmentAndFileSecrets(Path("/nonexistent"), {"SMTP_PASSWORD": password})
    return Notifier(outbox, {"mailto": SmtpChannel(smtp, secrets)}, clock, chance=random.Random(7))


def enqueue(outbox: Outbox) -> None:
    outbox.enqueue(a_message(created_at=1000.0), [OPS])


def test_a_message_is_delivered_once_after_starttls_and_login(
    outbox: Outbox, clock: ManualClock, start: StartServer, mailbox: Mailbox, certificate: Path
) -> None:
    enqueue(outbox)
    sender = notifier(outbox, clock, settings(start(), certificate))
    assert sender.deliver_due() == 1
    enqueue(outbox)
    clock.time += 1e6
    assert sender.deliver_due() == 0
    assert mailbox.logins == [("LOGIN", "penstock", True)]
    assert mailbox.recipients == [["ops@example.com"]]
    (mail,) = mailbox.mails
    assert mail["Subject"] == "ALARM 1: HighCPUUtilization"
    assert mail["From"] == "Penstock <penstock@example.com>"
    assert mail["Message-ID"] == "<alarm-1@penstock>"
    text, attachment = mail.iter_parts()
    assert "Look at web-1." in text.get_content()  # type: ignore[attr-defined]
    assert attachment.get_content_type() == "application/json"


def test_a_wrong_password_is_retried_then_a_dead_letter_and_never_told(
    outbox: Outbox, clock: ManualClock, start: StartServer, mailbox: Mailbox, certificate: Path
) -> None:
    enqueue(outbox)
    sender = notifier(outbox, clock, settings(start(), certificate), password="hunter2")
    sender.deliver_due()
    assert outbox.rows()[0].status == "pending"
    while (due_at := outbox.next_due_at()) is not None:
        clock.time = due_at
        sender.deliver_due()
    (dead,) = outbox.rows("dead")
    assert dead.attempts == 8
    assert len(mailbox.logins) == 8
    assert "refused the login (535)" in (dead.error or "")
    assert "SMTP_PASSWORD" in (dead.error or "")
    assert "hunter2" not in (dead.error or "")
    assert mailbox.mails == []


def test_a_server_that_is_down_gets_the_mail_when_it_returns(
    outbox: Outbox, clock: ManualClock, start: StartServer, mailbox: Mailbox, certificate: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    enqueue(outbox)
    sender = notifier(outbox, clock, settings(port, certificate))
    assert sender.deliver_due() == 0
    (row,) = outbox.rows("pending")
    assert "Connection refused" in (row.error or "")
    assert 1000.0 <= row.due_at <= 1030.0
    start(port)
    clock.time = row.due_at
    assert sender.deliver_due() == 1
    assert len(mailbox.mails) == 1


def test_a_refused_recipient_is_a_dead_letter_at_once(
    outbox: Outbox, clock: ManualClock, start: StartServer, mailbox: Mailbox, certificate: Path
) -> None:
    mailbox.recipient_reply = "550 5.1.1 no such user"
    enqueue(outbox)
    notifier(outbox, clock, settings(start(), certificate)).deliver_due()
    (dead,) = outbox.rows("dead")
    assert dead.attempts == 1
    assert "550 5.1.1 no such user" in (dead.error or "")
    mailbox.recipient_reply = "250 OK"
    assert outbox.retry_dead(None, clock.time) == 1


def test_a_busy_mailbox_is_retried(
    outbox: Outbox, clock: ManualClock, start: StartServer, mailbox: Mailbox, certificate: Path
) -> None:
    mailbox.recipient_reply = "450 4.2.1 mailbox busy"
    enqueue(outbox)
    notifier(outbox, clock, settings(start(), certificate)).deliver_due()
    assert "450 4.2.1 mailbox busy" in (outbox.rows("pending")[0].error or "")


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_login(
    outbox: Outbox, clock: ManualClock, start: StartServer, mailbox: Mailbox, certificate: Path
) -> None:
    enqueue(outbox)
    notifier(outbox, clock, settings(start(), certificate, ca_file=None)).deliver_due()
    error = outbox.rows("pending")[0].error or ""
    assert "self-signed certificate" in error
    assert "ca_file" in error
    assert mailbox.logins == []


def test_a_server_without_starttls_never_sees_the_password(
    outbox: Outbox, clock: ManualClock, mailbox: Mailbox, certificate: Path
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    class Plain(Controller):
        def _create_server(self) -> Any:
            return self.loop.create_server(self._factory_invoker, sock=listener)

    server = Plain(mailbox, hostname="127.0.0.1", port=listener.getsockname()[1])
    server.start()
    try:
        enqueue(outbox)
        notifier(outbox, clock, settings(server.port, certificate)).deliver_due()
    finally:
        server.stop()
    assert "STARTTLS" in (outbox.rows("pending")[0].error or "")
    assert (mailbox.logins, mailbox.mails) == ([], [])


def test_a_connection_that_is_encrypted_from_the_start(
    outbox: Outbox, clock: ManualClock, mailbox: Mailbox, certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    class Encrypted(Controller):
        def _create_server(self) -> Any:
            return self.loop.create_server(self._factory_invoker, sock=listener, ssl=context)

    server = Encrypted(mailbox, hostname="127.0.0.1", port=listener.getsockname()[1], ssl_context=context)
    server.start()
    try:
        enqueue(outbox)
        smtp = settings(server.port, certificate, security="tls", username=None, password_secret=None)
        assert notifier(outbox, clock, smtp).deliver_due() == 1
    finally:
        server.stop()
    assert [mail["Message-ID"] for mail in mailbox.mails] == ["<alarm-1@penstock>"]


def test_a_server_that_never_answers_is_left_in_time(outbox: Outbox, clock: ManualClock, certificate: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        enqueue(outbox)
        port = silent.getsockname()[1]
        notifier(outbox, clock, settings(port, certificate, timeout_seconds=0.2)).deliver_due()
    assert "timed out" in (outbox.rows("pending")[0].error or "")


DELIVER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from penstock.adapters.local.channels import SmtpChannel, smtp_settings
    from penstock.adapters.local.database import Database
    from penstock.adapters.local.outbox import MIGRATION, Outbox
    from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
    from penstock.runtime.machine.notifier import Notifier

    class Clock:
        def now(self): return float(sys.argv[4])
        def monotonic(self): return 0.0

    smtp = smtp_settings({"host": "127.0.0.1", "port": int(sys.argv[2]), "from_address": "penstock@example.com",
        "username": "penstock", "password_secret": "SMTP_PASSWORD", "ca_file": sys.argv[3]})
    channel = SmtpChannel(smtp, EnvironmentAndFileSecrets(Path("/nonexistent")))
    outbox = Outbox(Database(Path(sys.argv[1]), [MIGRATION]))
    print(Notifier(outbox, {"mailto": channel}, Clock(), lease_seconds=60).deliver_due())
    """
)


@pytest.mark.parametrize("point", ["notifier.after_deliver", "notifier.before_mark"])
def test_killed_before_it_was_recorded_a_mail_comes_twice_under_one_id(
    tmp_path: Path, outbox: Outbox, start: StartServer, mailbox: Mailbox, certificate: Path, point: str
) -> None:
    enqueue(outbox)
    port = str(start())

    def deliver(now: float, fault: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", DELIVER, str(tmp_path / "journal.db"), port, str(certificate), str(now)],
            env=os.environ | {"PENSTOCK_FAULT": fault, "PENSTOCK_SECRET_SMTP_PASSWORD": PASSWORD},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert deliver(1000.0, f"{point}:kill").returncode == -signal.SIGKILL
    assert len(mailbox.mails) == 1
    assert deliver(1059.0).stdout == "0\n"
    assert deliver(1060.0).stdout == "1\n"
    assert deliver(1e9).stdout == "0\n"
    assert [mail["Message-ID"] for mail in mailbox.mails] == ["<alarm-1@penstock>"] * 2
    assert outbox.counts() == {"pending": 0, "delivered": 1, "dead": 0}
