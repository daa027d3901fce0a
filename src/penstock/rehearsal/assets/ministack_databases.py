"""Instances of RDS in MiniStack whose databases are servers of this machine: MiniStack has none without containers.

Each answers where its server is, has its owner's password in a secret, as RDS keeps it, and lets users in whom IAM
allows ``rds-db:connect``: their tokens and the policies of their roles are MiniStack's to judge.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simple_bind  # type: ignore[import-not-found]
from ministack.core import iam_evaluator, rds_iam  # type: ignore[import-not-found]
from ministack.core.responses import get_account_id, get_region, request_scope  # type: ignore[import-not-found]
from ministack.services import rds, secretsmanager, sts  # type: ignore[import-not-found]

CONNECT = "rds-db:connect"
SESSION_SECONDS = 12 * 3600


class Databases:
    """The servers that stand for instances.

    Args:
        told: ``account`` and ``region``, ``port`` on which logins are asked for, ``calls``, a file for the permissions
            that they needed, and ``servers``: by the name of a database ``address`` and the owner's ``password``.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self._servers: dict[str, dict[str, str]] = told["servers"]
        self._account, self._region = str(told["account"]), str(told["region"])
        self._calls = Path(told["calls"])
        self._describe = rds._instance_xml
        simple_bind.BindServer(self.may, int(told["port"]))
        rds._instance_xml = self.described
        sts.register_session = self.ends(sts.register_session)
        rds._ACTION_MAP |= {"CreateDBInstance": self.create, "DeleteDBInstance": self.delete}

    def ends(self, register: Callable[[str, dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
        """Lets sessions of functions end some day, as those of Lambda do: tokens of others are refused."""

        def registered(access_key: str, session: dict[str, Any]) -> None:
            session.setdefault("Expiration", time.time() + SESSION_SECONDS)
            register(access_key, session)

        return registered

    def create(self, given: dict[str, Any]) -> Any:
        """Makes an instance, and the secret of its owner."""
        answer = rds._create_db_instance(given)
        made = rds._instances.get(rds._p(given, "DBInstanceIdentifier"))
        server = self._servers.get(made["DBName"]) if made else None
        if made is None or server is None or answer[0] >= 400:
            return answer
        made["Endpoint"]["Address"] = server["address"]
        made["EnabledCloudwatchLogsExports"] = rds._parse_member_list(given, "EnableCloudwatchLogsExports")
        made["MasterUserSecret"] = secretsmanager.create_secret_in_process(
            f"rds!db-{uuid.uuid4()}",
            json.dumps({"username": made["MasterUsername"], "password": server["password"]}),
            description=f"The owner of {made['DBInstanceIdentifier']}",
        )
        return rds._single_instance_response("CreateDBInstanceResponse", "CreateDBInstanceResult", made)

    def delete(self, given: dict[str, Any]) -> Any:
        """Removes an instance, with its secret."""
        gone = rds._instances.get(rds._p(given, "DBInstanceIdentifier")) or {}
        answer = rds._delete_db_instance(given)
        if answer[0] < 400 and gone.get("MasterUserSecret"):
            secretsmanager.delete_secret_in_process(gone["MasterUserSecret"])
        return answer

    def described(self, instance: dict[str, Any]) -> str:
        """Returns what DescribeDBInstances tells of an instance, with what MiniStack leaves out."""
        told = str(self._describe(instance))
        if instance.get("MasterUserSecret"):
            key = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/secretsmanager"
            told += (
                f"<MasterUserSecret><SecretArn>{instance['MasterUserSecret']}</SecretArn>"
                f"<SecretStatus>active</SecretStatus><KmsKeyId>{key}</KmsKeyId></MasterUserSecret>"
            )
        logs = "".join(f"<member>{log}</member>" for log in instance["EnabledCloudwatchLogsExports"])
        exports = f"<EnabledCloudwatchLogsExports>{logs}</EnabledCloudwatchLogsExports>"
        return told.replace("<EnabledCloudwatchLogsExports/>", exports)

    def may(self, name: str, token: str) -> bool:
        """Tells whether IAM lets a user into a database: ``database:user``, and a token in place of a password."""
        database, _, user = name.partition(":")
        with request_scope(self._account, self._region):
            found = [one for one in rds._instances.values() if one["DBName"] == database]
            return any(self._allows(one, user, token) for one in found)

    def _allows(self, instance: dict[str, Any], user: str, token: str) -> bool:
        end = instance["Endpoint"]
        who = rds_iam.verify_rds_iam_token(
            token, hostname=end["Address"], port=end["Port"], db_user=user, region=self._region,
            account_id=self._account,
        )  # fmt: skip
        if isinstance(who, rds_iam.RdsIamTokenError):
            print(f"a token of {user} is refused: {who.code}", flush=True)  # noqa: T201
            return False
        resource = f"arn:aws:rds-db:{self._region}:{self._account}:dbuser:{instance['DbiResourceId']}/{user}"
        self._keep(who.principal_arn, resource)
        principal = iam_evaluator.resolve_principal(who.access_key_id, self._account)
        if isinstance(principal, iam_evaluator.AuthError) or not instance["IAMDatabaseAuthenticationEnabled"]:
            return False
        if principal.policies is None:
            return True
        asked = iam_evaluator.EvalContext(
            principal_arn=principal.arn, principal_type=principal.type, principal_account=self._account, action=CONNECT,
            resource_arn=resource, region=self._region, principal_keys=principal.keys,
        )  # fmt: skip
        return bool(iam_evaluator.evaluate(asked, principal.policies, *principal.limits).decision == "Allow")

    def _keep(self, principal: str, resource: str) -> None:
        call = {"role": principal, "action": CONNECT, "resource": resource, "at": time.time()}
        with self._calls.open("a", encoding="utf-8") as file:
            file.write(json.dumps(call) + "\n")
