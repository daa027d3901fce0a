"""The mail server's settings, read from configuration."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from penstock.errors import UsageError
from penstock.model.endpoints import check_address

Security = Literal["starttls", "tls", "none"]
# RFC 6409 section 3.1, RFC 8314 section 3.3, RFC 5321 section 4.5.4.2
_PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How mail is handed to a server.

    Attributes:
        username: None sends without logging in; may hold ``${NAME}``.
        password_secret: the name of the secret with the password.
        from_address: the sender, as ``penstock@example.com`` or ``Penstock <penstock@example.com>``.
        security: ``starttls`` upgrades the connection before anything is said and refuses to go on without,
            ``tls`` begins encrypted, ``none`` is for a relay on this machine or in a closed network.
        ca_file: certificates to trust instead of the system's.
        timeout_seconds: the limit for each wait for the server.
    """

    host: str
    port: int
    from_address: str
    username: str | None = None
    password_secret: str | None = None
    security: Security = "starttls"
    ca_file: str | None = None
    timeout_seconds: float = 15.0


def smtp_settings(mapping: Mapping[str, Any]) -> SmtpSettings:
    """Returns the settings of a ``smtp`` table of the configuration; the port follows from ``security``.

    Raises:
        UsageError: with every mistake of the table at once.
    """
    known = SmtpSettings.__struct_fields__
    mistakes = [_unknown(key, known) for key in mapping if key not in known]
    security = mapping.get("security", "starttls")
    values = {"port": _PORTS.get(security if isinstance(security, str) else "", 0)} | {
        key: value for key, value in mapping.items() if key in known
    }
    for key in ("host", "from_address"):
        if not values.get(key):
            mistakes.append(f"{key} is missing")
            values[key] = "localhost"
    if security not in get_args(Security):
        mistakes.append(f"security is {security!r}; choose starttls, tls or none")
        values["security"] = "starttls"
    settings: SmtpSettings | None = None
    try:
        settings = msgspec.convert(values, SmtpSettings)
    except msgspec.ValidationError as error:
        mistakes.append(str(error).replace(" - at `$.", " for `"))
    if settings is not None:
        mistakes += _contradictions(settings, mapping)
    if mistakes or settings is None:
        raise UsageError(
            f"the smtp settings cannot be used: {'; '.join(mistakes)}",
            hint='such as host = "mail.example.com", username = "penstock", password_secret = "SMTP_PASSWORD", '
            'from_address = "penstock@example.com"',
        )
    return settings


def _contradictions(settings: SmtpSettings, mapping: Mapping[str, Any]) -> list[str]:
    import email.utils

    mistakes = []
    sender = email.utils.parseaddr(settings.from_address)[1]
    if mapping.get("from_address") and (mistake := check_address(sender)):
        mistakes.append(f"from_address {settings.from_address!r}: {mistake}")
    if any(not character.isprintable() for character in settings.from_address + settings.host):
        mistakes.append("host and from_address are one line each")
    if not 0 < settings.port < 65536 and "port" in mapping:
        mistakes.append(f"port is {settings.port}; it lies between 1 and 65535")
    if not 0 < settings.timeout_seconds <= 60:
        mistakes.append(f"timeout_seconds is {settings.timeout_seconds:g}; it lies between 0 and 60")
    if (settings.username is None) != (settings.password_secret is None):
        mistakes.append("username and password_secret go together")
    if settings.username and settings.security == "none" and not _is_this_machine(settings.host):
        mistakes.append("a login with security = none would show the password to the network; use starttls or tls")
    if settings.ca_file is not None and not Path(settings.ca_file).is_file():
        mistakes.append(f"ca_file {settings.ca_file!r} is not a file")
    return mistakes


def _unknown(key: str, known: tuple[str, ...]) -> str:
    if key == "password":
        return "a password is never written here: name its secret in password_secret"
    near = difflib.get_close_matches(key, known, 1)
    return f"there is no setting {key!r}" + (f"; did you mean {near[0]}?" if near else "")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
