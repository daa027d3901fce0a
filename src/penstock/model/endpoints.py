"""Endpoints of subscriptions: where a message goes, written as one line of text.

    console:                    the terminal of the process that delivers
    file:  file:NAME            a file of JSON lines below the home's folder ``notifications``
    mailto:you@example.com      mail
    scheme://…                  a chat channel, in apprise's URL form

``${NAME}`` stands for a secret in mail addresses and channel URLs. It is looked up when a message is sent.
"""

from __future__ import annotations

import re

DEFAULT_FILE = "notifications.jsonl"
MASK = "***"

_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII)
_FILE_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
# RFC 5321 section 4.1.2: Dot-string of atext; labels of letters, digits and inner hyphens.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LOCAL_PART = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
# In these schemes the host is a server's name. In most others (slack, discord, tgram…) it is a token.
_HOST = re.compile(r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)(:\d+)?", re.ASCII)
_HOST_SCHEMES = frozenset({"http", "https", "json", "jsons", "xml", "xmls", "form", "forms"})


def scheme_of(endpoint: str) -> str:
    """Returns the endpoint's scheme, such as ``mailto`` or ``slack``; empty when it has none."""
    match = _SCHEME.match(endpoint)
    return match[1] if match else ""


def secret_names(endpoint: str) -> list[str]:
    """Returns the names of the secrets that an endpoint needs, in order, each once."""
    return list(dict.fromkeys(_SECRET.findall(endpoint)))


def check_endpoint(endpoint: str) -> str | None:
    """Returns None when the endpoint can be used, else what is wrong with it, in words without secrets."""
    scheme = scheme_of(endpoint)
    if not scheme:
        return "an endpoint starts with console:, file:, mailto: or a channel's scheme://"
    if any(character.isspace() or not character.isprintable() for character in endpoint):
        return f"the {scheme} endpoint holds a space or a control character"
    if "${" in _SECRET.sub("", endpoint):
        return f"the {scheme} endpoint holds a broken secret; write ${{NAME}} with letters, digits and _"
    return _check_rest(scheme, endpoint[len(scheme) + 1 :])


def check_address(address: str) -> str | None:
    """Returns None for a mail address that SMTP can carry as it is, else what is wrong with it.

    Source: RFC 5321 sections 4.1.2 and 4.5.3.1; quoted local parts and address literals are refused.
    """
    if not address.isascii():
        return f"mail address {address!r} is not ASCII; write its domain in the xn-- form"
    local, at, domain = address.rpartition("@")
    if not at:
        return f"mail address {address!r} has no @"
    if len(local) > 64 or len(address) > 254:
        return f"mail address {address[:40]!r}… is too long (64 before the @, 254 in all)"
    if not _LOCAL_PART.fullmatch(local):
        return f"mail address {address!r} has an unusable part before the @"
    labels = domain.split(".")
    if not all(map(_LABEL.fullmatch, labels)) or (len(labels) == 1 and domain.lower() != "localhost"):
        return f"mail address {address!r} has an unusable domain"
    return None


def file_name(endpoint: str) -> str:
    """Returns the relative path that a checked ``file:`` endpoint names."""
    return endpoint.removeprefix("file:") or DEFAULT_FILE


def redact(endpoint: str) -> str:
    """Returns the endpoint as it may be shown in tables and logs.

    ``${NAME}`` stays. Of a channel URL everything else is masked, except the server's name where the scheme has one.
    """
    scheme = scheme_of(endpoint)
    if not scheme:
        return MASK
    rest = endpoint[len(scheme) + 1 :]
    if not rest.startswith("//"):
        return endpoint if check_endpoint(endpoint) is None else f"{scheme}:{MASK}"
    authority, slash, path = rest[2:].partition("/")
    userinfo, at, host = authority.rpartition("@")
    # An @ after the first slash means that a password holds a slash: what looks like the host may be part of it.
    if scheme not in _HOST_SCHEMES or "@" in path or not _HOST.fullmatch(host):
        return f"{scheme}://{_masked(rest[2:])}"
    return f"{scheme}://{_masked(userinfo)}{at}{host}{slash}{_masked(path)}"


def _masked(text: str) -> str:
    pieces = re.split(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\}|/)", text)
    return "".join(piece if piece == "/" or _SECRET.fullmatch(piece) else MASK for piece in pieces if piece)


def _check_rest(scheme: str, rest: str) -> str | None:
    if scheme == "console":
        return f"console: takes nothing after the colon, not {rest!r}" if rest else None
    if scheme == "file":
        return _check_file(rest)
    if rest.startswith("//"):
        return None if rest[2:].strip("/") else f"{scheme}:// names no channel"
    if scheme == "mailto":
        return _check_mail(rest)
    return f"{scheme}: is no endpoint; channels are written {scheme}://…"


def _check_file(name: str) -> str | None:
    if not name or all(map(_FILE_SEGMENT.fullmatch, name.split("/"))):
        return None
    return (
        f"file:{name} is not a file below the folder notifications; "
        "write file:NAME with letters, digits, '.', '_', '-' and '/' for subfolders"
    )


def _check_mail(address: str) -> str | None:
    if _SECRET.search(address) and "@" not in address:
        return None
    mistake = check_address(_SECRET.sub("secret", address))
    return f"{mistake}; write mailto:you@example.com" if mistake else None
