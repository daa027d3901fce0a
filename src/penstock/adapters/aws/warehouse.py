"""Warehouses in Amazon RDS, each where the function's environment says.

Tasks log in by IAM, with a token that is signed here and asks no service for anything; the owner of the database with
the password that RDS keeps in a secret.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.adapters.relational.location import Location, location_of
from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.errors import UsageError
from penstock.model.warehouses import Warehouse
from penstock.ports.secrets import Secrets
from penstock.ports.warehouse import Server


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A database as the environment has it.

    Attributes:
        username: who logs in by IAM.
        secret: the ARN of a secret of RDS, an object with ``username`` and ``password``, where nobody does.
    """

    server: Server
    host: str
    port: int
    database: str
    username: str = ""
    secret: str = ""


class Login(msgspec.Struct, frozen=True):
    """What is in the secret. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html"""

    username: str
    password: str


def open_warehouses(places: str, secrets: Secrets | None = None) -> RelationalWarehouseStore:
    """Returns the warehouses of an account.

    Args:
        places: JSON, a ``Place`` for each warehouse by its name.
        secrets: needed where a place names one.

    Raises:
        UsageError: it is none.
    """
    try:
        known = msgspec.json.decode(places, type=dict[str, Place])
    except msgspec.DecodeError as error:
        raise UsageError(
            f"the function's variable PENSTOCK_WAREHOUSES is no JSON of databases: {error}",
            hint="deploy what `penstock synth` wrote",
        ) from None
    return RelationalWarehouseStore(lambda warehouse: locate(warehouse, known, secrets))


def locate(warehouse: Warehouse, known: Mapping[str, Place], secrets: Secrets | None = None) -> Location:
    """Returns where a warehouse is. A password is looked up each time: RDS changes it once a week.

    Raises:
        UsageError: it is in none of the databases, or the secret is not as RDS writes it.
        NotFoundError: there is no such secret.
        AccessDeniedError: there are no credentials to sign with.
    """
    place = known.get(warehouse.name)
    if place is None:
        raise UsageError(f"warehouse {warehouse.name!r} is not deployed", hint="deploy what `penstock synth` wrote")
    login = _signed(place) if place.username else _kept(warehouse, place, secrets)
    return location_of(
        place.server,
        "PENSTOCK_WAREHOUSES",
        username=login.username,
        password=login.password,
        host=place.host,
        port=place.port,
        database=place.database,
        query={"sslmode": "require"} if place.server == "postgresql" else {"ssl_check_hostname": "false"},
    )


def _kept(warehouse: Warehouse, place: Place, secrets: Secrets | None) -> Login:
    if secrets is None:
        raise UsageError(
            f"nobody is named who logs in to warehouse {warehouse.name!r}", hint="deploy what `penstock synth` wrote"
        )
    try:
        return msgspec.json.decode(secrets.get(place.secret), type=Login)
    except msgspec.DecodeError:
        raise UsageError(
            f"the secret of warehouse {warehouse.name!r} has no username and password",
            hint="let RDS manage the master user's password",
        ) from None


def _signed(place: Place) -> Login:
    """Returns a token in place of a password; the server takes it for 15 minutes, for connections that begin then."""
    with calling(f"sign in as {place.username}"):
        token = client("rds").generate_db_auth_token(DBHostname=place.host, Port=place.port, DBUsername=place.username)
    return Login(place.username, str(token))
