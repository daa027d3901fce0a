"""Which role signed a request, when functions run in the emulator."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.rehearsal.emulator import access_key


def role_name(role_arn: str) -> str:
    """Returns the name at the end of a role's ARN, or of a session's of that role."""
    parts = role_arn.split("/")
    return parts[1] if ":assumed-role/" in role_arn else parts[-1]


def roles_by_access_key(functions: Mapping[str, str]) -> dict[str, str]:
    """Returns the name of the role behind each access key.

    Args:
        functions: the ARN of every function's role, by the function's ARN.
    """
    return {access_key(function, role): role_name(role) for function, role in functions.items()}
