"""What each channel of this machine adds to the contract: form, files, secrets, mail headers, settings."""

from __future__ import annotations

import email
import email.policy
import fcntl
import io
import json
import logging
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.local.channels import (
    ChannelRoutes,
    ChatChannel,
    ConsoleChannel,
    FileChannel,
    SmtpChannel,
    open_channels,
    smtp_settings,
)
from penstock.adapters.local.channels.smtp import compose
from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.errors import DeliveryError, UsageError
from penstock.testing.contracts.notify import a_message

NO_SECRETS = EnvironmentAndFileSecrets(Path("/nonexistent"), {})
SMTP = {"host": "mail.example.com", "from_address": "penstock@example.com"}


class TestConsole:
    def test_a_paragraph(self) -> None:
        stream = io.StringIO()
        ConsoleChannel(stream).deliver(a_message(created_at=0.0), "console:")
        assert stream.getvalue() == (
            "1970-01-01 00:00:00Z CRITICAL alerts: ALARM 1: HighCPUUtilization\n"
            "    Threshold Crossed: 2 datapoints were greater than 80.0.\n"
            "    Look at web-1.\n"
        )

    def test_colour(self) -> None:
        stream = io.StringIO()
        ConsoleChannel(stream, colour=True).deliver(a_message(), "console:")
        assert "\x1b[1;31mCRITICAL\x1b[0m" in stream.getvalue()

    def test_a_message_cannot_drive_the_terminal(self) -> None:
        stream = io.StringIO()
        ConsoleChannel(stream).deliver(a_message(subject="a\x1b[2Jb\x07", body="c\x9bd"), "console:")
        assert not {"\x1b", "\x07", "\x9b"} & set(stream.getvalue())

    def test_characters_that_the_terminal_lacks_are_escaped(self) -> None:
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="ascii")
        ConsoleChannel(stream).deliver(a_message(subject="80 °C"), "console:")
        assert rb"80 \xb0C" in raw.getvalue()


class TestFile:
    def test_one_json_object_a_line_for_the_owner_only(self, tmp_path: Path) -> None:
        FileChannel(tmp_path / "notifications").deliver(a_message(), "file:")
        path = tmp_path / "notifications" / "notifications.jsonl"
        assert json.loads(path.read_text()) == {
            "id": "alarm-1",
            "topic": "alerts",
            "subject": "ALARM 1: HighCPUUtilization",
            "body": "Threshold Crossed: 2 datapoints were greater than 80.0.\nLook at web-1.",
            "data": {"AlarmName": "HighCPUUtilization", "Threshold": 80.0},
            "severity": "CRITICAL",
            "created_at": 1771574220.0,
        }
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_half_a_line_is_not_glued_to_the_next(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"id": "half')
        FileChannel(tmp_path).deliver(a_message(), "file:a.jsonl")
        assert json.loads((tmp_path / "a.jsonl").read_text().splitlines()[1])["id"] == "alarm-1"

    def test_a_line_that_does_not_fit_is_taken_back(self, tmp_path: Path) -> None:
        script = textwrap.dedent(
            """
            import resource, signal, sys
            from pathlib import Path
            from penstock.adapters.local.channels import FileChannel
            from penstock.errors import DeliveryError
            from penstock.testing.contracts.notify import a_message

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            channel = FileChannel(Path(sys.argv[1]))
            channel.deliver(a_message(body="x" * 3000), "file:a.jsonl")
            try:
                channel.deliver(a_message(body="y" * 3000), "file:a.jsonl")
            except DeliveryError as error:
                print(error.data["permanent"], error)
            """
        )
        ended = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
        )
        assert ended.stdout.startswith("False cannot append to")
        content = (tmp_path / "a.jsonl").read_text()
        assert content.endswith("}\n")
        assert json.loads(content)["body"] == "x" * 3000

    def test_a_writer_waits_for_the_one_before(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        thread = threading.Thread(target=FileChannel(tmp_path).deliver, args=(a_message(), "file:a.jsonl"))
        with path.open("a") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            thread.start()
            thread.join(0.2)
            assert path.read_text() == ""
        thread.join(10)
        assert json.loads(path.read_text())["id"] == "alarm-1"

    def test_symbolic_links_lead_nowhere(self, tmp_path: Path) -> None:
        folder = tmp_path / "notifications"
        folder.mkdir()
        (folder / "file.jsonl").symlink_to(tmp_path / "elsewhere")
        (folder / "folder").symlink_to(tmp_path)
        channel = FileChannel(folder)
        for endpoint in ("file:file.jsonl", "file:folder/elsewhere"):
            with pytest.raises(DeliveryError):
                channel.deliver(a_message(), endpoint)
        assert not (tmp_path / "elsewhere").exists()

    def test_writers_do_not_mix_their_lines(self, tmp_path: Path) -> None:
        message = a_message(body="x" * 100_000)
        threads = [
            threading.Thread(target=FileChannel(tmp_path).deliver, args=(message, "file:a.jsonl")) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = (tmp_path / "a.jsonl").read_text().splitlines()
        assert [len(json.loads(line)["body"]) for line in lines] == [100_000] * 8


class TestMail:
    def test_content(self) -> None:
        mail = compose(a_message(body="Größer als 80 %"), "Penstock <penstock@example.com>", "ops@example.com")
        parsed = email.message_from_bytes(bytes(mail), policy=email.policy.default)
        assert parsed["From"] == "Penstock <penstock@example.com>"
        assert parsed["To"] == "ops@example.com"
        assert parsed["Message-ID"] == "<alarm-1@penstock>"
        # 1771574220 s = 2026-02-20T07:57:00Z
        assert parsed["Date"] == "Fri, 20 Feb 2026 07:57:00 +0000"
        text, attachment = parsed.iter_parts()
        assert text.get_content().strip() == "Größer als 80 %"  # type: ignore[attr-defined]
        assert attachment.get_content_type() == "application/json"
        assert json.loads(attachment.get_content()) == {"AlarmName": "HighCPUUtilization", "Threshold": 80.0}  # type: ignore[attr-defined]

    def test_without_data_it_is_plain_text(self) -> None:
        mail = compose(a_message(data=None), "penstock@example.com", "ops@example.com")
        assert mail.get_content_type() == "text/plain"

    @pytest.mark.parametrize(
        "hostile", ["a\r\nBcc: x@example.com", "a\n\nbody", "a\rb", "a\x00b", "a\u2028b", "ü\r\nX: y"]
    )
    def test_no_field_can_add_a_header(self, hostile: str) -> None:
        harmless = compose(a_message(), "penstock@example.com", "ops@example.com")
        mail = compose(a_message(id=hostile, topic=hostile, subject=hostile), "penstock@example.com", "ops@example.com")
        parsed = email.message_from_bytes(bytes(mail), policy=email.policy.default)
        assert parsed.keys() == email.message_from_bytes(bytes(harmless)).keys()

    @pytest.mark.parametrize("number", [55, 56, 5000])
    def test_long_ids_stay_one_short_and_stable_line(self, number: int) -> None:
        ids = {compose(a_message(id="i" * number), "a@example.com", "b@example.com")["Message-ID"] for _ in range(2)}
        (identifier,) = ids
        assert identifier.endswith("@penstock>")
        assert len(f"Message-ID: {identifier}") <= 78
        assert f"Message-ID: {identifier}\r\n".encode() in bytes(
            compose(a_message(id="i" * number), "a@example.com", "b@example.com")
        )

    def test_an_address_from_a_secret_is_checked_and_not_shown(self) -> None:
        secrets = EnvironmentAndFileSecrets(Path("/nonexistent"), {"WHO": "a@example.com\r\nRCPT TO:<b@example.com>"})
        with pytest.raises(DeliveryError, match=r"\$\{WHO\} is no usable") as caught:
            SmtpChannel(smtp_settings(SMTP), secrets).deliver(a_message(), "mailto:${WHO}")
        assert caught.value.data["permanent"] is True
        assert "example.com" not in str(caught.value.to_dict())


class TestSmtpSettings:
    def test_the_port_follows_from_security(self) -> None:
        ports = {
            security: smtp_settings(SMTP | {"security": security}).port for security in ("starttls", "tls", "none")
        }
        assert ports == {"starttls": 587, "tls": 465, "none": 25}
        assert smtp_settings(SMTP).security == "starttls"

    @pytest.mark.parametrize(
        ("changes", "mistake"),
        [
            ({"host": ""}, "host is missing"),
            ({"from_address": "nobody"}, "no @"),
            ({"from_address": "a@example.com\r\nBcc: b@example.com"}, "from_address"),
            ({"security": "ssl"}, "choose starttls, tls or none"),
            ({"security": ["tls"]}, "choose starttls, tls or none"),
            ({"port": "25"}, "port"),
            ({"port": 0}, "between 1 and 65535"),
            ({"port": 70000}, "between 1 and 65535"),
            ({"timeout_seconds": 0}, "timeout_seconds"),
            ({"timeout_seconds": float("nan")}, "timeout_seconds"),
            ({"username": "me"}, "go together"),
            ({"password": "hunter2"}, "password_secret"),
            ({"hots": "x"}, "did you mean host?"),
            ({"ca_file": "/nonexistent.pem"}, "not a file"),
            ({"security": "none", "username": "me", "password_secret": "PW"}, "show the password"),
        ],
    )
    def test_mistakes(self, changes: dict[str, Any], mistake: str) -> None:
        with pytest.raises(UsageError) as caught:
            smtp_settings(SMTP | changes)
        assert mistake in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_all_mistakes_at_once(self) -> None:
        with pytest.raises(UsageError) as caught:
            smtp_settings({"security": "ssl", "sender": "x"})
        for mistake in ("host is missing", "from_address is missing", "security is", "no setting 'sender'"):
            assert mistake in str(caught.value)

    def test_a_login_without_tls_is_fine_on_this_machine(self) -> None:
        login = {"security": "none", "username": "me", "password_secret": "PW"}
        for host in ("localhost", "127.0.0.1", "::1"):
            assert smtp_settings(SMTP | login | {"host": host}).username == "me"


class TestRoutes:
    def test_each_endpoint_has_its_channel(self, tmp_path: Path) -> None:
        routes = ChannelRoutes(tmp_path, io.StringIO(), NO_SECRETS, smtp_settings(SMTP))
        kinds = {
            endpoint: type(routes(endpoint))
            for endpoint in ("console:", "file:", "mailto:a@example.com", "mailto://a:b@c.com", "slack://x")
        }
        assert list(kinds.values()) == [ConsoleChannel, FileChannel, SmtpChannel, ChatChannel, ChatChannel]

    def test_mail_without_a_server_waits_for_one(self, tmp_path: Path) -> None:
        with pytest.raises(DeliveryError, match="no mail server") as caught:
            ChannelRoutes(tmp_path, io.StringIO(), NO_SECRETS)("mailto:a@example.com")
        assert caught.value.data["permanent"] is False

    def test_a_home_has_its_folder_its_secrets_and_its_mail_server(self, tmp_path: Path) -> None:
        channels = open_channels(tmp_path, SMTP, io.StringIO())
        channels("file:").deliver(a_message(), "file:")
        assert (tmp_path / "notifications" / "notifications.jsonl").exists()
        assert isinstance(channels("mailto:a@example.com"), SmtpChannel)
        with pytest.raises(DeliveryError) as caught:
            channels("slack://${ABSENT_TOKEN}").deliver(a_message(), "slack://${ABSENT_TOKEN}")
        assert str(tmp_path / "secrets.toml") in caught.value.hint
        with pytest.raises(UsageError):
            open_channels(tmp_path, {"host": "mail.example.com"})
        with pytest.raises(DeliveryError, match="no mail server"):
            open_channels(tmp_path, {})("mailto:a@example.com")

    def test_a_wrong_endpoint_is_permanent(self, tmp_path: Path) -> None:
        with pytest.raises(DeliveryError) as caught:
            ChannelRoutes(tmp_path, io.StringIO(), NO_SECRETS)("carrier-pigeon")
        assert caught.value.data["permanent"] is True


class Webhook:
    """A local HTTP server that answers with one status."""

    def __init__(self) -> None:
        self.status = 200
        self.posts: list[tuple[str, dict[str, Any]]] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                webhook.posts.append((self.path, body))
                self.send_response(webhook.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


# apprise imports imghdr, which Python 3.11 and 3.12 warn of.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
class TestChat:
    @pytest.fixture
    def webhook(self) -> Iterator[Webhook]:
        webhook = Webhook()
        thread = threading.Thread(target=webhook.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield webhook
        webhook.server.shutdown()
        webhook.server.server_close()
        thread.join()

    def endpoint(self, webhook: Webhook) -> tuple[ChatChannel, str]:
        secrets = EnvironmentAndFileSecrets(Path("/nonexistent"), {"HOOK_TOKEN": "hunter2"})
        return ChatChannel(secrets), f"json://127.0.0.1:{webhook.server.server_port}/${{HOOK_TOKEN}}"

    def test_title_body_and_kind_arrive(self, webhook: Webhook) -> None:
        channel, endpoint = self.endpoint(webhook)
        channel.deliver(a_message(body="a < b & {{c}}"), endpoint)
        ((path, post),) = webhook.posts
        assert path == "/hunter2"
        assert (post["title"], post["message"], post["type"]) == (
            "ALARM 1: HighCPUUtilization",
            "a < b & {{c}}",
            "failure",
        )

    @pytest.mark.parametrize(
        ("status", "permanent"), [(401, True), (404, True), (429, False), (408, False), (503, False)]
    )
    def test_statuses(self, webhook: Webhook, status: int, permanent: bool) -> None:
        webhook.status = status
        channel, endpoint = self.endpoint(webhook)
        with pytest.raises(DeliveryError, match=f"HTTP status {status}") as caught:
            channel.deliver(a_message(), endpoint)
        assert caught.value.data["permanent"] is permanent

    @pytest.mark.parametrize("status", [200, 401, 503])
    def test_no_secret_reaches_log_or_error(
        self, webhook: Webhook, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        webhook.status = status
        channel, endpoint = self.endpoint(webhook)
        told = ""
        try:
            channel.deliver(a_message(), endpoint)
        except DeliveryError as error:
            told = str(error.to_dict())
        assert len(webhook.posts) == 1
        assert "hunter2" not in told + caplog.text

    def test_no_secret_reaches_log_or_error_of_a_url_that_cannot_be_used(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        secrets = EnvironmentAndFileSecrets(Path("/nonexistent"), {"TOKEN": "hunter2"})
        with pytest.raises(DeliveryError) as caught:
            ChatChannel(secrets).deliver(a_message(), "slack://${TOKEN}")
        assert caught.value.data["permanent"] is True
        assert "hunter2" not in str(caught.value.to_dict()) + caplog.text

    def test_other_threads_may_still_log_their_requests(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        ChatChannel(NO_SECRETS)
        logging.getLogger("urllib3.connectionpool").debug("somebody else's request")
        assert "somebody else's request" in caplog.text
