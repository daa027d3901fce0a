"""Glue jobs in MiniStack that run: their script, as a process with PySpark of this machine, in the name of their role.

MiniStack takes every job on Spark for done at once, and has no integration by which a workflow starts one. Files are
exchanged with Spark on this machine's disk: Spark here has no client of S3's.
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-not-found, import-untyped, unused-ignore]
from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services import glue, stepfunctions, sts  # type: ignore[import-not-found]

START = "arn:aws:states:::glue:startJobRun"
ENVIRONMENT, ADDRESS = "--penstock-environment", "PENSTOCK_SPARK_ADDRESS"
SUBMIT = "--master local[1] --conf spark.sql.shuffle.partitions=1 --conf spark.ui.enabled=false pyspark-shell"
SESSION_SECONDS = 12 * 3600
TOLD_CHARACTERS = 2000
LOG_GROUP = "/aws-glue/jobs/output"


class Jobs:
    """What runs jobs.

    Args:
        told: ``python``, an interpreter that has PySpark.
    """

    def __init__(self, told: dict[str, str]) -> None:
        self._python = told["python"]
        stepfunctions._SERVICE_DISPATCH[START] = self.run

    def run(self, resource: str, given: dict[str, Any]) -> dict[str, Any]:
        """Runs a job to its end, with and without ``.sync``, and returns what Step Functions tells of it."""
        job = glue._jobs.get(given["JobName"])
        if job is None:
            raise stepfunctions._ExecutionError("Glue.EntityNotFoundException", f"there is no job {given['JobName']}")
        run = {"JobName": given["JobName"], "Id": f"jr_{uuid.uuid4().hex}", "Arguments": given.get("Arguments", {})}
        began = time.time()
        with tempfile.TemporaryDirectory(prefix="penstock-job-") as folder:
            problem = self._run(job, run, Path(folder))
        told = {**run, "JobRunState": "FAILED" if problem else "SUCCEEDED", "ExecutionTime": int(time.time() - began)}
        if problem:
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps({**told, "ErrorMessage": problem}))
        return told if resource.endswith(".sync") else {"JobName": run["JobName"], "JobRunId": run["Id"]}

    def _run(self, job: dict[str, Any], run: dict[str, Any], folder: Path) -> str:
        """Returns why it failed, or nothing."""
        role = session(job)
        arguments = {**job["DefaultArguments"], "--JOB_NAME": run["JobName"], "--JOB_RUN_ID": run["Id"]}
        arguments |= run["Arguments"]
        arguments[ENVIRONMENT] = json.dumps({**json.loads(arguments[ENVIRONMENT]), ADDRESS: ""})
        script = _fetched(job["Command"]["ScriptLocation"], folder, role)
        for address in arguments.get("--extra-files", "").split(","):
            _fetched(address, folder, role)
        command = [self._python, str(script), *(part for pair in arguments.items() for part in pair)]
        environment = {**os.environ, **role, "PYSPARK_SUBMIT_ARGS": SUBMIT, "SPARK_LOCAL_IP": "127.0.0.1"}
        done = subprocess.run(
            command, cwd=folder, env={**environment, "TMPDIR": str(folder)}, capture_output=True, text=True, check=False
        )
        _log(run["Id"], done.stdout.splitlines())
        return done.stderr[-TOLD_CHARACTERS:] or f"it ended with {done.returncode}" if done.returncode else ""


def session(job: dict[str, Any]) -> dict[str, str]:
    """Returns the variables with which calls are made in a job's name; the key follows from it, as a function's."""
    account, name, role = get_account_id(), job["Name"], job["Role"].rpartition("/")[2]
    digest = hashlib.sha256(f"arn:aws:glue:{get_region()}:{account}:job/{name}:{job['Role']}".encode()).hexdigest()
    made = {
        "AWS_ACCESS_KEY_ID": f"ASIA{digest[:16].upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_SESSION_TOKEN": secrets.token_hex(20),
    }
    told = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name[:64]}",
        "UserId": f"{role}:{name[:64]}",
        "SecretAccessKey": made["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": made["AWS_SESSION_TOKEN"],
        "Expiration": time.time() + SESSION_SECONDS,
    }
    sts.register_session(made["AWS_ACCESS_KEY_ID"], told)
    return made


def _log(run: str, lines: list[str]) -> None:
    """Writes what a job printed where Glue does, as the account's owner: Glue does it inside AWS."""
    logs = boto3.client("logs", region_name=get_region(), endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=LOG_GROUP)
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=run)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in lines if line]
    if events:
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=run, logEvents=events)


def _fetched(address: str, folder: Path, role: dict[str, str]) -> Path:
    """Brings an object of S3 into a folder, as Glue does with the job's role; returns where it is."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    client = boto3.client(
        "s3",
        region_name=get_region(),
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id=role["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=role["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=role["AWS_SESSION_TOKEN"],
    )
    path = folder / key.rpartition("/")[2]
    path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    return path
