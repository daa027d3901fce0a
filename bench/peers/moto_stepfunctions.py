"""moto's Step Functions, executing a Parallel of four Lambda calls that moto answers itself, in memory. Prints JSON."""

import io
import json
import sys
import time
import zipfile

import boto3
from moto import mock_aws

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def definition(function: str) -> str:
    """Returns a Parallel of four calls of a function."""
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    branches = [{"StartAt": f"T{n}", "States": {f"T{n}": call}} for n in range(4)]
    return json.dumps({"StartAt": "Four", "States": {"Four": {"Type": "Parallel", "Branches": branches, "End": True}}})


@mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}})
def measure(count: int) -> float:
    """Returns executions a second, all started before the first is waited for."""
    role = boto3.client("iam", **KEYS).create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("f.py", "def handler(event, context): return None")
    function = boto3.client("lambda", **KEYS).create_function(
        FunctionName="nothing", Runtime="python3.11", Role=role["Arn"], Handler="f.handler",
        Code={"ZipFile": archive.getvalue()},
    )["FunctionArn"]  # fmt: skip
    client = boto3.client("stepfunctions", **KEYS)
    arn = client.create_state_machine(name="bench", definition=definition(function), roleArn=role["Arn"])
    began = time.perf_counter()
    machine = arn["stateMachineArn"]
    started = [client.start_execution(stateMachineArn=machine, name=f"e{n}")["executionArn"] for n in range(count)]
    for execution in started:
        while client.describe_execution(executionArn=execution)["status"] == "RUNNING":
            time.sleep(0.002)
    elapsed = time.perf_counter() - began
    ended = [client.describe_execution(executionArn=execution) for execution in started]
    assert {one["status"] for one in ended} == {"SUCCEEDED"}, ended[0]
    return count / elapsed


measure(3)
print(json.dumps({"per_second": measure(int(sys.argv[1]))}))
