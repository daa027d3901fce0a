"""Notifications as mail, over SMTP."""

from __future__ import annotations

import datetime
import hashlib
import re
from typing import TYPE_CHECKING, NoReturn

import msgspec

from penstock.adapters.local.channels.smtp_settings import SmtpSettings
from penstock.adapters.local.secrets import resolve_for_delivery
from penstock.errors import DeliveryError
from penstock.model.endpoints import check_address
from penstock.ports.notify import Message
from penstock.ports.secrets import Secrets

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

# RFC 4954 section 6: a login is missing or was refused. Operators mend these while the message waits.
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_SUBJECT_CHARACTERS = 200
# With its name and domain still one line of 78 characters (RFC 5322 section 2.1.1): folded ones get lost on the way.
_IDENTIFIER_CHARACTERS = 55


class SmtpChannel:
    """Sends each message as a mail of its own to a ``mailto:`` endpoint.

    Server certificates are verified. A mail counts as delivered when the server has accepted its text (RFC 5321
    section 4.2.5). Copies of one message carry the same Message-ID, so that mailboxes can drop the second.
    """

    def __init__(self, settings: SmtpSettings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    def deliver(self, message: Message, endpoint: str) -> None:
        """Sends a message.

        Raises:
            DeliveryError: permanent when the address is unusable or the server refused for good (5yz, RFC 5321
                section 4.2.1); not when the login failed or the server was not reached.
        """
        import email.utils
        import smtplib

        address = resolve_for_delivery(endpoint, self._secrets).removeprefix("mailto:")
        if check_address(address):
            raise DeliveryError(
                f"{endpoint} is no usable mail address", hint="correct the topic's subscription", permanent=True
            )
        mail = compose(message, self._settings.from_address, address)
        sender = email.utils.parseaddr(self._settings.from_address)[1]
        try:
            session = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            self._raise(error, endpoint)
        try:
            self._login(session)
            session.send_message(mail, sender, [address])
        except (OSError, smtplib.SMTPException) as error:
            self._raise(error, endpoint)
        finally:
            _leave(session)

    def _connect(self) -> smtplib.SMTP:
        import smtplib
        import ssl

        settings = self._settings
        if settings.security == "none":
            return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_seconds, context=context)
        session = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)
        try:
            session.starttls(context=context)
        except BaseException:
            session.close()
            raise
        return session

    def _login(self, session: smtplib.SMTP) -> None:
        settings = self._settings
        if settings.username is None or settings.password_secret is None:
            return
        username = resolve_for_delivery(settings.username, self._secrets)
        password = resolve_for_delivery(f"${{{settings.password_secret}}}", self._secrets)
        try:
            session.login(username, password)
        except UnicodeError:
            raise DeliveryError(
                "the mail server's user name or password is not ASCII, which its login cannot carry",
                hint=f"change the secret {settings.password_secret}",
                permanent=False,
            ) from None

    def _raise(self, error: Exception, endpoint: str) -> NoReturn:
        """Raises what the caller can act on. A refused login's own text is left out: servers echo what they got."""
        import smtplib
        import ssl

        server = f"mail server {self._settings.host}:{self._settings.port}"
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, text = next(iter(error.recipients.values()))
            raise _refusal(f"{server} refused {endpoint}", code, text, "check the address") from None
        if isinstance(error, smtplib.SMTPAuthenticationError) or (
            isinstance(error, smtplib.SMTPResponseException) and error.smtp_code in _LOGIN_CODES
        ):
            secret = self._settings.password_secret
            hint = f"check username and the secret {secret}" if secret else "set username and password_secret"
            raise DeliveryError(f"{server} refused the login ({error.smtp_code})", hint=hint, permanent=False) from None
        if isinstance(error, smtplib.SMTPSenderRefused):
            what = f"{server} refused the sender {self._settings.from_address}"
            raise _refusal(what, error.smtp_code, error.smtp_error, "check from_address") from None
        if isinstance(error, smtplib.SMTPResponseException):
            raise _refusal(f"{server} refused the mail", error.smtp_code, error.smtp_error, "") from None
        if isinstance(error, smtplib.SMTPNotSupportedError):
            message, hint = f"{server} does not offer what was asked: {error}", "check security, port and username"
        elif isinstance(error, ssl.SSLError):
            reason = getattr(error, "verify_message", "") or error.reason or "TLS failed"
            message = f"{server}: its certificate or encryption was not accepted: {reason}"
            hint = "check host and port; for a private certificate authority set ca_file"
        else:
            reason = str(getattr(error, "strerror", None) or error or type(error).__name__)
            message, hint = f"{server} cannot be used: {reason}", "check host, port and the network"
        raise DeliveryError(message, hint=hint, permanent=False) from None


def compose(message: Message, from_address: str, to_address: str) -> EmailMessage:
    """Returns the mail: the body as text, the data as an attached JSON file. No field can add a header."""
    import email.policy
    import email.utils
    from email.message import EmailMessage

    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = from_address
    mail["To"] = to_address
    mail["Subject"] = _one_line(message.subject)[:_SUBJECT_CHARACTERS]
    mail["Date"] = email.utils.format_datetime(datetime.datetime.fromtimestamp(message.created_at, datetime.UTC))
    mail["Message-ID"] = f"<{_identifier(message.id)}@penstock>"
    # RFC 3834 section 5: keeps holiday replies away.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Penstock-Message-Id"] = _one_line(message.id)
    mail["X-Penstock-Topic"] = _one_line(message.topic)
    mail["X-Penstock-Severity"] = message.severity
    mail.set_content(message.body)
    if message.data is not None:
        data = msgspec.json.format(msgspec.json.encode(message.data), indent=2)
        mail.add_attachment(data, maintype="application", subtype="json", filename="notification.json")
    return mail


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _identifier(text: str) -> str:
    """Returns the left side of a Message-ID (dot-atom-text, RFC 5322 section 3.6.4); odd and long ids are hashed."""
    if len(text) <= _IDENTIFIER_CHARACTERS and re.fullmatch(
        r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", text
    ):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _refusal(what: str, code: int, text: bytes | str, hint: str) -> DeliveryError:
    reply = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return DeliveryError(
        f"{what}: {code} {_one_line(reply)[:200]}", hint=hint, permanent=500 <= code < 600 and code not in _LOGIN_CODES
    )


def _leave(session: smtplib.SMTP) -> None:
    """Says goodbye. The mail's fate is known by now: nothing that goes wrong here may change it."""
    import contextlib
    import smtplib

    with contextlib.suppress(OSError, smtplib.SMTPException):
        session.quit()
    session.close()
