"""Permissions that requests to Glue's catalog need: on what they name, and on all that this is part of.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html and
https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.rehearsal.exchange import Need, Place, text_at


def needs(operation: str, document: Mapping[str, Any], place: Place) -> list[Need]:
    """Returns what one request needs; one that names no database needs ``glue:Operation`` on ``*``."""
    database = text_at(document, "DatabaseName")
    table = text_at(document, "TableName")
    if operation == "GetDatabase":
        database = text_at(document, "Name")
    elif operation == "GetTable":
        table = text_at(document, "Name")
    if not database:
        return [Need(f"glue:{operation}", "*")]
    places = ["catalog", f"database/{database}", *([f"table/{database}/{table}"] if table else [])]
    return [Need(f"glue:{operation}", place.arn("glue", one)) for one in places]
