"""Starts MiniStack, with what it lacks for a rehearsal. It runs in MiniStack's own environment, not in Penstock's.

What is added answers as AWS's pages say; ``penstock.rehearsal.report`` tells whoever reads a report of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import ec2, lambda_svc, stepfunctions  # type: ignore[import-not-found]

SDK = "arn:aws:states:::aws-sdk:s3:"
# As MiniStack signs what its own integrations ask for.
OWNER = f"AWS4-HMAC-SHA256 Credential=test/20260101/{stepfunctions.REGION}/s3/aws4_request"
# JSON documents, as ``ministack_databases`` and ``ministack_jobs`` take them.
DATABASES, JOBS = "PENSTOCK_DATABASES", "PENSTOCK_JOBS"
# First line, quiet, at most; in seconds.
LOG_WAIT_SECONDS = (0.25, 0.25, 2.0)
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
GIVEN_AS_HEADERS = {"IfNoneMatch": "if-none-match", "ContentType": "content-type"}


def wait_for_logs() -> None:
    """Takes a function's log for complete later than after 5 ms: a busy machine would lose lines, and so metrics."""
    for kind in list(vars(lambda_runtime).values()):
        drain = getattr(kind, "_drain_stderr_bounded", None)
        if drain is not None:
            drain.__defaults__ = LOG_WAIT_SECONDS


def name_roles_once() -> None:
    """Gives a function the same credentials whether it is called by its name or by its version."""

    def made(config: dict[str, Any]) -> dict[str, str]:
        unqualified = ":".join(config["FunctionArn"].split(":")[:7])
        return dict(execution_credentials({**config, "FunctionArn": unqualified}))

    execution_credentials = lambda_runtime.execution_credentials
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = made


def add_calls_of_objects() -> None:
    """Lets workflows read and write objects: MiniStack has neither of these integrations."""
    own: dict[str, Callable[[str, dict[str, Any]], Any]] = {"getObject": get_object, "putObject": put_object}
    stepfunctions._SERVICE_DISPATCH.update({SDK + action: act for action, act in own.items()})


def get_object(_resource: str, given: dict[str, Any]) -> dict[str, Any]:
    headers, body = _ask("GET", given, b"")
    return {
        "AcceptRanges": "bytes",
        "Body": body.decode("utf-8", "replace"),
        "ContentLength": len(body),
        "ETag": headers.get("etag", ""),
        "LastModified": headers.get("last-modified", ""),
    }


def put_object(_resource: str, given: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(given["Body"], separators=(",", ":"), ensure_ascii=False) if "Body" in given else ""
    headers, _ = _ask("PUT", given, content.encode())
    return {"ETag": headers.get("etag", "")}


def _ask(method: str, given: dict[str, Any], body: bytes) -> tuple[dict[str, str], bytes]:
    path = f"/{given['Bucket']}/{given['Key']}"
    headers = {"host": "s3.amazonaws.com", "content-length": str(len(body)), "authorization": OWNER}
    headers |= {header: str(given[name]) for name, header in GIVEN_AS_HEADERS.items() if name in given}
    handler = app.SERVICE_HANDLERS["s3"]
    status, answered, content = app.call_service_handler_sync(handler, method, path, headers, body, {})
    data = content.encode() if isinstance(content, str) else content or b""
    if status >= 400:
        # Names of errors as AWS SDK integrations have them: S3.NoSuchKeyException.
        code = data.decode("utf-8", "replace").partition("<Code>")[2].partition("<")[0] or str(status)
        raise stepfunctions._ExecutionError(f"S3.{code}Exception", data.decode("utf-8", "replace"))
    return {name.lower(): value for name, value in (answered or {}).items()}, data


def keep_prefix_lists() -> None:
    """Lets rules of security groups keep the prefix list that they are about, and tell it: MiniStack drops it.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
    """
    parse, describe = ec2._parse_ip_permissions, ec2._sg_rule_xml

    def parsed(given: dict[str, Any], prefix: str) -> Any:
        rules = parse(given, prefix)
        for number, rule in enumerate(rules, 1):
            name = ec2._p(given, f"{prefix}.{number}.PrefixListIds.1.PrefixListId")
            if name:
                told = ec2._p(given, f"{prefix}.{number}.PrefixListIds.1.Description")
                rule["PrefixListIds"] = [{"PrefixListId": name, "Description": told}]
        return rules

    def described(group: str, rule: dict[str, Any], is_egress: bool = False) -> str:
        told = str(describe(group, rule, is_egress))
        names = [one["PrefixListId"] for one in rule.get("PrefixListIds", ())]
        return told.replace("</toPort>", f"</toPort><prefixListId>{names[0]}</prefixListId>") if names else told

    ec2._parse_ip_permissions, ec2._sg_rule_xml = parsed, described


def add_databases() -> None:
    """Lets instances of RDS be the servers that the variable names."""
    told = os.environ.get(DATABASES)
    if told:
        from ministack_databases import Databases  # type: ignore[import-not-found]

        Databases(json.loads(told))


def add_jobs() -> None:
    """Lets jobs of Glue run by what the variable names."""
    told = os.environ.get(JOBS)
    if told:
        from ministack_jobs import Jobs  # type: ignore[import-not-found]

        Jobs(json.loads(told))


if __name__ == "__main__":
    wait_for_logs()
    name_roles_once()
    add_calls_of_objects()
    keep_prefix_lists()
    add_databases()
    add_jobs()
    app.main()
