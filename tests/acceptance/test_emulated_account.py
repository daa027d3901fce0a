"""What the emulator is given beyond what it has: logins to databases by IAM, prefix lists, identities of functions."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.errors import AccessDeniedError
from penstock.rehearsal.assets.simple_bind import BIND, INTEGER, OCTETS, SEQUENCE, SIMPLE, element, made
from penstock.rehearsal.calls import read
from penstock.rehearsal.credentials import settings
from penstock.rehearsal.emulator import ACCOUNT, Emulator, access_key, free_port
from penstock.rehearsal.role_sessions import role_session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
REGION = "eu-central-1"
ADDRESS = "127.9.8.7"
SOURCE = "import os\n\ndef handler(event, context):\n    return os.environ['AWS_ACCESS_KEY_ID']"
LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


class Account:
    """An emulated account with one database, which nobody has started."""

    def __init__(self, port: int, calls: Path) -> None:
        self.port, self.calls = port, calls

    def may(self, name: str, password: str) -> bool:
        """Asks as PostgreSQL does whether somebody may log in."""
        body = made(INTEGER, b"\x03") + made(OCTETS, name.encode()) + made(SIMPLE, password.encode())
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.port), timeout=10)) as connection:
            connection.sendall(made(SEQUENCE, made(INTEGER, b"\x01") + made(BIND, body)))
            answer, _ = element(connection.recv(100), SEQUENCE)
        return answer[7:8] == b"\x00"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    port, calls = free_port(), tmp_path_factory.mktemp("logins") / "logins.jsonl"
    told = {
        "account": ACCOUNT, "region": REGION, "port": port, "calls": str(calls),
        "servers": {"crm": {"address": ADDRESS, "password": "the owner's"}},
    }  # fmt: skip
    emulator = Emulator(region=REGION, told={"PENSTOCK_DATABASES": json.dumps(told)})
    with contextlib.closing(emulator):
        emulator.start()
        with settings(emulator.environment()):
            yield Account(port, calls)


def role(name: str, *statements: dict[str, Any]) -> str:
    """Makes a role; returns its ARN."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": [LAMBDA]})
    arn = str(client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        client("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    return arn


def token(user: str, address: str = ADDRESS) -> str:
    return str(client("rds").generate_db_auth_token(DBHostname=address, Port=5432, DBUsername=user))


def test_a_database_has_an_owner_and_judges_tokens(account: Account) -> None:
    client("rds").create_db_instance(
        DBInstanceIdentifier="shop-crm", DBInstanceClass="db.t4g.micro", Engine="postgres", DBName="crm", Port=5432,
        AllocatedStorage=20, MasterUsername="penstock", ManageMasterUserPassword=True,
        EnableIAMDatabaseAuthentication=True, EnableCloudwatchLogsExports=["postgresql"],
    )  # fmt: skip
    (found,) = client("rds").describe_db_instances(DBInstanceIdentifier="shop-crm")["DBInstances"]
    assert (found["Endpoint"]["Address"], found["Endpoint"]["Port"]) == (ADDRESS, 5432)
    assert found["EnabledCloudwatchLogsExports"] == ["postgresql"]
    secret = found["MasterUserSecret"]["SecretArn"]
    kept = json.loads(client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    assert kept == {"username": "penstock", "password": "the owner's"}

    user = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{found['DbiResourceId']}/crm_write"
    writer = role("writer", {"Effect": "Allow", "Action": "rds-db:connect", "Resource": user})
    stranger = role("stranger")
    with settings(role_session(writer)):
        good = token("crm_write")
        assert account.may("crm:crm_write", good)
        assert not account.may("crm:crm_read", token("crm_read")), "its policy names one user"
        assert not account.may("crm:crm_read", good), "a token is of one user"
        assert not account.may("crm:crm_write", token("crm_write", "127.9.8.8")), "a token is for one address"
        assert not account.may("other:crm_write", good)
        assert not account.may("crm:crm_write", good[:-1] + ("0" if good[-1] != "0" else "1")), "it is signed"
        assert not account.may("crm:crm_write", "a password")
    with settings(role_session(stranger)):
        assert not account.may("crm:crm_write", token("crm_write"))
    asked = [(call.role.rpartition("/")[0].rpartition("/")[2], call.resource == user) for call in read(account.calls)]
    assert asked == [("writer", True), ("writer", False), ("stranger", True)]

    client("rds").delete_db_instance(DBInstanceIdentifier="shop-crm", SkipFinalSnapshot=True)
    with pytest.raises(client("secretsmanager").exceptions.ResourceNotFoundException):
        client("secretsmanager").get_secret_value(SecretId=secret)
    with settings(role_session(writer)):
        assert not account.may("crm:crm_write", token("crm_write")), "it is gone"


def test_a_rule_keeps_its_prefix_list(account: Account) -> None:
    ec2 = client("ec2")
    network = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=network)["GroupId"]
    made_rules = []
    for name in ("pl-1", "pl-2"):
        asked = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": name}]}
        made_rules += ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[asked])["SecurityGroupRules"]
    assert [rule["PrefixListId"] for rule in made_rules] == ["pl-1", "pl-2"]
    assert len({rule["SecurityGroupRuleId"] for rule in made_rules}) == 2


def test_a_function_has_one_identity_however_it_is_called(account: Account) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", SOURCE)
    arn = role("caller")
    function = client("lambda").create_function(
        FunctionName="told", Runtime="python3.13", Role=arn, Handler="app.handler", Code={"ZipFile": code.getvalue()}
    )["FunctionArn"]
    answers = [
        json.load(client("lambda").invoke(FunctionName="told", **qualified)["Payload"])
        for qualified in ({"Qualifier": "$LATEST"}, {})
    ]
    assert answers == [access_key(function, arn)] * 2


def test_what_a_role_may_not_is_refused(account: Account) -> None:
    """Else it would prove nothing that a login is refused."""
    client("s3").create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": REGION})
    with settings(role_session(role("nobody"))), pytest.raises(AccessDeniedError):
        list(S3ObjectStore("shop").list())
