"""Calls in the name of a role that only a service of AWS may take: the account's owner takes it for a moment."""

from __future__ import annotations

import json
from typing import Any

from penstock.adapters.aws.session import calling, client
from penstock.rehearsal.access_keys import role_name

SESSION = "penstock-rehearsal"


def role_session(role: str) -> dict[str, str]:
    """Returns the variables with which calls are made in a role's name.

    Whom the role trusts is widened for this moment, and put back: a second plan finds it as it was deployed.

    Args:
        role: its ARN.
    """
    iam, name = client("iam"), role_name(role)
    with calling(f"take the role {name}"):
        trusted: dict[str, Any] = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        caller = client("sts").get_caller_identity()["Arn"]
        ours = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": caller}}
        widened = {**trusted, "Statement": [*trusted["Statement"], ours]}
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(widened))
        try:
            taken = client("sts").assume_role(RoleArn=role, RoleSessionName=SESSION)["Credentials"]
        finally:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trusted))
    return {
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
    }
