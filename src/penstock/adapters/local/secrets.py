"""Secrets from environment variables and from one private file of the home."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.errors import DeliveryError, HomeError, NotFoundError, PenstockError, UsageError
from penstock.model.endpoints import secret_names
from penstock.ports.secrets import Secrets


class EnvironmentAndFileSecrets:
    """Looks a secret up in ``PENSTOCK_SECRET_<NAME>``, then ``<NAME>``, then the file.

    The file is TOML, ``NAME = "value"`` a line, and must be closed to group and others. It is read at each look-up, so
    that a changed secret needs no restart. An empty variable counts as absent.
    """

    def __init__(self, path: Path, environment: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._environment = os.environ if environment is None else environment

    def get(self, name: str) -> str:
        """Returns a secret's value.

        Raises:
            NotFoundError: it is set nowhere.
            HomeError: the file cannot be read or is open to others.
            UsageError: the file is not TOML, or the value is not a string.
        """
        found = self._environment.get(f"PENSTOCK_SECRET_{name}") or self._environment.get(name)
        if found:
            return found
        value = self._file().get(name)
        if value is None or value == "":
            raise NotFoundError(
                f"secret {name} is not set",
                hint=f"set the environment variable PENSTOCK_SECRET_{name}, "
                f'or write {name} = "…" into {self._path} (mode 0600)',
                secret=name,
            )
        if not isinstance(value, str):
            raise UsageError(f"secret {name} in {self._path} is not a string", hint=f'write {name} = "…" in quotes')
        return value

    def _file(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as stream:
                mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
                if mode & 0o077:
                    raise HomeError(
                        f"{self._path} can be read by others (mode {mode:04o}): not used",
                        hint=f"chmod 600 {self._path}",
                    )
                return tomllib.loads(stream.read().decode())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise HomeError(
                f"cannot read {self._path}: {error.strerror}", hint=f"chmod 600 {self._path}, and check its owner"
            ) from error
        except ValueError as error:
            # The parser's own text may quote the line, which holds a secret.
            place = re.search(r"\(at [a-z0-9 ,]+\)", str(error))
            raise UsageError(
                f"{self._path} is not valid TOML {place[0] if place else ''}".rstrip(),
                hint='write one NAME = "value" a line',
            ) from None


def resolve(endpoint: str, secrets: Secrets) -> str:
    """Returns the endpoint with every ``${NAME}`` replaced by its secret, taken as it is (not percent-encoded).

    Raises:
        NotFoundError: a secret is not set.
    """
    values = {name: secrets.get(name) for name in secret_names(endpoint)}
    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", lambda match: values[match[1]], endpoint)


def resolve_for_delivery(endpoint: str, secrets: Secrets) -> str:
    """Resolves an endpoint as :func:`resolve` does, for a channel.

    Raises:
        DeliveryError: a secret cannot be had. Not permanent: it may be set before the last attempt.
    """
    try:
        return resolve(endpoint, secrets)
    except PenstockError as error:
        raise DeliveryError(error.message, hint=error.hint, permanent=False) from None
