"""The notification contracts, for the channels and the outbox of this machine."""

from __future__ import annotations

import email
import email.policy
import io
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from penstock.adapters.local.channels import ChatChannel, ConsoleChannel, FileChannel, SmtpChannel, smtp_settings
from penstock.adapters.local.database import Database
from penstock.adapters.local.outbox import MIGRATION, Outbox
from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.ports.notify import OutboxStore
from penstock.testing.contracts.notify import (
    ChannelContract,
    ChannelUnderTest,
    OutboxContract,
    Received,
    RefusingChannelContract,
)

NO_SECRETS = EnvironmentAndFileSecrets(Path("/nonexistent"), {})


class TestConsoleChannel(ChannelContract):
    carries_id = False

    @pytest.fixture
    def subject(self) -> ChannelUnderTest:
        stream = io.StringIO()
        return ChannelUnderTest(
            channel=ConsoleChannel(stream),
            endpoint="console:",
            received=lambda: _paragraphs(stream.getvalue()),
            cut=stream.close,
        )


def _paragraphs(text: str) -> list[Received]:
    received: list[Received] = []
    for line in text.splitlines():
        if line.startswith("    "):
            last = received.pop()
            received.append(Received(subject=last.subject, body=last.body + line + "\n"))
        else:
            received.append(Received(subject=line.partition(" alerts: ")[2], body=""))
    return received


class TestFileChannel(RefusingChannelContract):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> ChannelUnderTest:
        folder = tmp_path / "notifications"
        path = folder / "team" / "alerts.jsonl"

        def received() -> list[Received]:
            lines = path.read_text().splitlines() if path.exists() else []
            return [Received(id=row["id"], subject=row["subject"], body=row["body"]) for row in map(json.loads, lines)]

        return ChannelUnderTest(
            channel=FileChannel(folder),
            endpoint="file:team/alerts.jsonl",
            unusable_endpoint="file:../alerts.jsonl",
            received=received,
            cut=lambda: path.mkdir(parents=True),
        )


class _Mailbox:
    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.content)
        return "250 OK"


class _AnyPortController(Controller):
    """An SMTP server on a port that the system chose, bound before anybody else can take it."""

    def __init__(self, handler: Any) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        super().__init__(handler, hostname="127.0.0.1", port=self._socket.getsockname()[1])

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._socket)


class TestSmtpChannel(RefusingChannelContract):
    @pytest.fixture
    def subject(self) -> Iterator[ChannelUnderTest]:
        mailbox = _Mailbox()
        controller = _AnyPortController(mailbox)
        controller.start()
        settings = smtp_settings(
            {"host": "127.0.0.1", "port": controller.port, "security": "none", "from_address": "penstock@example.com"}
        )
        yield ChannelUnderTest(
            channel=SmtpChannel(settings, NO_SECRETS),
            endpoint="mailto:ops@example.com",
            unusable_endpoint="mailto:nobody",
            received=lambda: list(map(_mail, mailbox.mails)),
            cut=controller.stop,
        )
        if controller.server is not None:
            controller.stop(no_assert=True)


def _mail(content: bytes) -> Received:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    return Received(id=mail["Message-ID"], subject=mail["Subject"], body=body.get_content())


# apprise imports imghdr, which Python 3.11 and 3.12 warn of.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
class TestChatChannel(RefusingChannelContract):
    carries_id = False

    @pytest.fixture
    def subject(self) -> Iterator[ChannelUnderTest]:
        posted: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def cut() -> None:
            server.shutdown()
            server.server_close()

        yield ChannelUnderTest(
            channel=ChatChannel(NO_SECRETS),
            endpoint=f"json://127.0.0.1:{server.server_port}/hook",
            unusable_endpoint="nosuchservice://token",
            received=lambda: [Received(subject=post["title"], body=post["message"]) for post in posted],
            cut=cut,
        )
        cut()
        thread.join()


class TestOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self, tmp_path: Path) -> Iterator[OutboxStore]:
        database = Database(tmp_path / "journal.db", [MIGRATION])
        yield Outbox(database)
        database.close()
