"""E-mail addresses as people type them → addresses in small letters, or nothing."""

from __future__ import annotations

import re

# What stands around an address in lists and address books: <…>, mailto:, quotation marks, a final stop.
_AROUND = re.compile(r"^.*<([^<>]*)>[\s;,.]*$|^(?:mailto:|e-?mail:)\s*", re.IGNORECASE | re.DOTALL)
_SPACED = re.compile(r"\s*(@|\(at\)|\[at\]|\s+at\s+)\s*", re.IGNORECASE)
_DOTTED = re.compile(r"\s*(\(dot\)|\[dot\]|\s+dot\s+)\s*", re.IGNORECASE)
LENGTH_LIMIT = 320


def tidy_email(text: str) -> str | None:
    """Returns the address in small letters, or ``None`` when ``email-validator`` says that it is none.

    Nothing is asked of the network: whether the domain exists is not known. Of several addresses the first sound one
    is taken. Reserved domains (``.test``, ``.invalid``, ``localhost``) are no addresses.
    """
    if "@" not in text and " at " not in text and "at)" not in text and "at]" not in text:
        return None
    for part in re.split(r"[;,/|\n]|\s{2,}", text[: 4 * LENGTH_LIMIT]):
        found = _address(part)
        if found is not None:
            return found
    return None


def _address(text: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email

    bare = _AROUND.sub(lambda match: match[1] or "", text.strip().strip("\"'"))
    bare = _DOTTED.sub(".", _SPACED.sub(lambda match: "@", bare)).strip(" \"'<>().,:")
    # What has neither a letter nor a digit before the @ is what is left of something else.
    if not 3 <= len(bare) <= LENGTH_LIMIT or not any(sign.isalnum() for sign in bare.partition("@")[0]):
        return None
    try:
        return validate_email(bare, check_deliverability=False, strict=True).normalized.lower()
    except (EmailNotValidError, UnicodeError):
        return None
