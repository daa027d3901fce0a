"""The recorder, between boto3 and an emulator."""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from penstock.errors import UsageError
from penstock.rehearsal.calls import RecordedCall, read
from penstock.rehearsal.recorder import Recorder

ACCOUNT = "123456789012"
REGION = "eu-west-1"
ROLES = {"AKIDREADER": "reader", "AKIDWRITER": "writer"}


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def recorder(emulator: str, tmp_path: Path) -> Iterator[Recorder]:
    moto = http.client.HTTPConnection(emulator.removeprefix("http://"))
    moto.request("POST", "/moto-api/reset")
    assert moto.getresponse().status == 200
    moto.close()
    with Recorder(
        emulator,
        role_of=lambda key: ROLES.get(key, ""),
        account=ACCOUNT,
        path=tmp_path / "calls.jsonl",
        now=lambda: 1_700_000_000.0,
    ) as made:
        yield made


def client(recorder: Recorder, service: str, key: str = "AKIDWRITER", signing: str | None = None) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=recorder.url,
        aws_access_key_id=key,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, signature_version=signing),
    )


def seen(recorder: Recorder) -> list[tuple[str, str]]:
    return [(call.action, call.resource) for call in recorder.calls]


def test_a_call_has_its_role_time_and_context_and_is_a_line_of_the_file(recorder: Recorder, tmp_path: Path) -> None:
    client(recorder, "s3", "AKIDREADER").list_buckets()
    expected = [
        RecordedCall("reader", "s3:ListAllMyBuckets", "*", {"aws:SecureTransport": "true"}, 1_700_000_000.0),
    ]
    assert recorder.calls == expected
    assert read(tmp_path / "calls.jsonl") == expected


def test_an_unknown_access_key_has_no_role(recorder: Recorder) -> None:
    client(recorder, "s3", "AKIDOTHER").list_buckets()
    assert [call.role for call in recorder.calls] == [""]


def test_a_role_that_is_known_only_later_is_found(emulator: str) -> None:
    known: dict[str, str] = {}
    with Recorder(emulator, role_of=lambda key: known.get(key, ""), account=ACCOUNT) as recorder:
        client(recorder, "sts").get_caller_identity()
        assert [call.role for call in recorder.calls] == [""]
        known["AKIDWRITER"] = "writer"
        assert [call.role for call in recorder.calls] == ["writer"]


def test_objects(recorder: Recorder) -> None:
    s3 = client(recorder, "s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    key = "raw/table/a b+ü.json"
    one = f"arn:aws:s3:::lake/{key}"
    s3.put_object(Bucket="lake", Key=key, Body=b"x" * 100_000)
    assert s3.get_object(Bucket="lake", Key=key)["Body"].read() == b"x" * 100_000
    assert s3.head_object(Bucket="lake", Key=key)["ContentLength"] == 100_000
    s3.list_objects_v2(Bucket="lake", Prefix="raw/")
    s3.copy_object(Bucket="lake", Key="copy", CopySource={"Bucket": "lake", "Key": key})
    s3.delete_object(Bucket="lake", Key=key)
    s3.delete_objects(Bucket="lake", Delete={"Objects": [{"Key": "copy"}, {"Key": "a&b"}]})
    assert seen(recorder) == [
        ("s3:CreateBucket", "arn:aws:s3:::lake"),
        ("s3:PutObject", one),
        ("s3:GetObject", one),
        ("s3:GetObject", one),
        ("s3:ListBucket", "arn:aws:s3:::lake"),
        ("s3:GetObject", one),
        ("s3:PutObject", "arn:aws:s3:::lake/copy"),
        ("s3:DeleteObject", one),
        ("s3:DeleteObject", "arn:aws:s3:::lake/copy"),
        ("s3:DeleteObject", "arn:aws:s3:::lake/a&b"),
    ]
    assert recorder.calls[4].context["s3:prefix"] == "raw/"


def test_to_be_told_that_an_object_is_absent_needs_the_list(recorder: Recorder) -> None:
    s3 = client(recorder, "s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    with pytest.raises(s3.exceptions.ClientError):
        s3.head_object(Bucket="lake", Key="none")
    assert seen(recorder)[1:] == [
        ("s3:GetObject", "arn:aws:s3:::lake/none"),
        ("s3:ListBucket", "arn:aws:s3:::lake"),
    ]


def test_uploads_in_parts(recorder: Recorder) -> None:
    s3 = client(recorder, "s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    upload = s3.create_multipart_upload(Bucket="lake", Key="big")["UploadId"]
    part = s3.upload_part(Bucket="lake", Key="big", UploadId=upload, PartNumber=1, Body=b"1")
    s3.list_parts(Bucket="lake", Key="big", UploadId=upload)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket="lake", Key="big", UploadId=upload, MultipartUpload=parts)
    upload = s3.create_multipart_upload(Bucket="lake", Key="big")["UploadId"]
    s3.abort_multipart_upload(Bucket="lake", Key="big", UploadId=upload)
    assert [action for action, _ in seen(recorder)[1:]] == [
        "s3:PutObject", "s3:PutObject", "s3:ListMultipartUploadParts", "s3:PutObject",
        "s3:PutObject", "s3:AbortMultipartUpload",
    ]  # fmt: skip


TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"


def make_table(dynamodb: Any, name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name_, "AttributeType": "S"} for name_ in ("k", "i")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-i",
                "KeySchema": [{"AttributeName": "i", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def test_items(recorder: Recorder) -> None:
    dynamodb = client(recorder, "dynamodb")
    make_table(dynamodb, "Hot")
    item = {"k": {"S": "1"}, "i": {"S": "2"}}
    dynamodb.put_item(TableName="Hot", Item=item)
    dynamodb.get_item(TableName=f"{TABLE}/Hot", Key={"k": {"S": "1"}})
    values = {":v": {"S": "2"}}
    dynamodb.query(TableName="Hot", KeyConditionExpression="k = :v", ExpressionAttributeValues=values)
    dynamodb.query(TableName="Hot", IndexName="by-i", KeyConditionExpression="i = :v", ExpressionAttributeValues=values)
    assert seen(recorder) == [
        ("dynamodb:CreateTable", f"{TABLE}/Hot"),
        ("dynamodb:PutItem", f"{TABLE}/Hot"),
        ("dynamodb:GetItem", f"{TABLE}/Hot"),
        ("dynamodb:Query", f"{TABLE}/Hot"),
        ("dynamodb:Query", f"{TABLE}/Hot/index/by-i"),
    ]


def test_batches_and_transactions_need_each_table(recorder: Recorder) -> None:
    dynamodb = client(recorder, "dynamodb")
    make_table(dynamodb, "A")
    make_table(dynamodb, "B")
    key = {"k": {"S": "1"}}
    # Of another key: moto takes equal keys in two tables for a duplicate.
    other = {"k": {"S": "3"}}
    puts = [[{"PutRequest": {"Item": item}}] for item in (key, other)]
    dynamodb.batch_write_item(RequestItems={"B": puts[0], "A": puts[1]})
    dynamodb.batch_get_item(RequestItems={"A": {"Keys": [other]}, "B": {"Keys": [key]}})
    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "A", "Item": {"k": {"S": "2"}}}},
            {"ConditionCheck": {"TableName": "B", "Key": key, "ConditionExpression": "attribute_exists(k)"}},
            {"Delete": {"TableName": "A", "Key": other}},
        ]
    )
    dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "B", "Key": key}}])
    assert seen(recorder)[2:] == [
        ("dynamodb:BatchWriteItem", f"{TABLE}/A"),
        ("dynamodb:BatchWriteItem", f"{TABLE}/B"),
        ("dynamodb:BatchGetItem", f"{TABLE}/A"),
        ("dynamodb:BatchGetItem", f"{TABLE}/B"),
        ("dynamodb:PutItem", f"{TABLE}/A"),
        ("dynamodb:ConditionCheckItem", f"{TABLE}/B"),
        ("dynamodb:DeleteItem", f"{TABLE}/A"),
        ("dynamodb:GetItem", f"{TABLE}/B"),
    ]
    assert {call.context.get("dynamodb:EnclosingOperation") for call in recorder.calls[-1:]} == {"TransactGetItems"}


def test_topics_and_queues(recorder: Recorder) -> None:
    sns, sqs = client(recorder, "sns"), client(recorder, "sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="letters")["QueueUrl"]
    sns.publish(TopicArn=topic, Message="m", Subject="s & t")
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "m"}])
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "m"}])
    sqs.receive_message(QueueUrl=queue)
    letters = f"arn:aws:sqs:{REGION}:{ACCOUNT}:letters"
    assert seen(recorder)[1:] == [
        ("sqs:CreateQueue", letters),
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"),
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"),
        ("sqs:SendMessage", letters),
        ("sqs:SendMessage", letters),
        ("sqs:ReceiveMessage", letters),
    ]


def test_secrets_and_keys_are_known_by_the_answer(recorder: Recorder) -> None:
    secrets, kms = client(recorder, "secretsmanager"), client(recorder, "kms")
    arn = secrets.create_secret(Name="mail", SecretString="x")["ARN"]
    secrets.get_secret_value(SecretId="mail")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    blob = kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob)
    assert seen(recorder)[1] == ("secretsmanager:GetSecretValue", arn)
    assert seen(recorder)[-2:] == [("kms:Encrypt", key["Arn"]), ("kms:Decrypt", key["Arn"])]


def test_metrics_and_executions(recorder: Recorder) -> None:
    client(recorder, "cloudwatch").put_metric_data(Namespace="Penstock", MetricData=[{"MetricName": "n", "Value": 1.5}])
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:metrics"
    states = client(recorder, "stepfunctions")
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.start_execution(stateMachineArn=machine, input="{}")
    assert seen(recorder) == [("cloudwatch:PutMetricData", "*"), ("states:StartExecution", machine)]
    assert recorder.calls[0].context["cloudwatch:namespace"] == "Penstock"


def test_functions(recorder: Recorder) -> None:
    function = client(recorder, "lambda")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:metrics-collect"
    for name in ("metrics-collect", arn, f"{ACCOUNT}:function:metrics-collect"):
        with pytest.raises(function.exceptions.ClientError):
            function.invoke(FunctionName=name, Payload=b"{}")
    with pytest.raises(function.exceptions.ClientError):
        function.invoke(FunctionName="metrics-collect", Qualifier="live")
    assert seen(recorder) == [("lambda:InvokeFunction", arn)] * 3 + [("lambda:InvokeFunction", f"{arn}:live")]


def test_what_is_not_known_is_on_everything(recorder: Recorder) -> None:
    client(recorder, "sts").get_caller_identity()
    client(recorder, "glue").get_databases()
    assert seen(recorder) == [("sts:GetCallerIdentity", "*"), ("glue:GetDatabases", "*")]


def test_a_body_in_chunks_passes_whole(recorder: Recorder) -> None:
    """https://www.rfc-editor.org/rfc/rfc9112.html#section-7.1"""
    s3 = client(recorder, "s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    host, port = recorder.url.removeprefix("http://").split(":")
    head = (
        "PUT /lake/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKIDWRITER/20260101/{REGION}/s3/aws4_request, SignedHeaders=host,"
        " Signature=0\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(head.encode() + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")
        assert raw.makefile("rb").readline().split()[1] == b"200"
    assert s3.get_object(Bucket="lake", Key="k")["Body"].read() == b"abcde"


def test_a_stream_is_passed_on(recorder: Recorder) -> None:
    s3 = client(recorder, "s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.upload_fileobj(io.BytesIO(b"abcd" * 50_000), "lake", "k")
    assert s3.get_object(Bucket="lake", Key="k")["Body"].read() == b"abcd" * 50_000


def test_a_presigned_request_has_the_role_of_who_signed_it(recorder: Recorder) -> None:
    s3 = client(recorder, "s3", "AKIDREADER", "s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": "k"})
    connection = http.client.HTTPConnection(recorder.url.removeprefix("http://"))
    connection.request("GET", url.removeprefix(recorder.url))
    connection.getresponse().read()
    connection.close()
    assert (recorder.calls[0].role, recorder.calls[0].action) == ("reader", "s3:GetObject")


def test_a_request_that_nobody_signed_is_passed_on_and_not_kept(recorder: Recorder) -> None:
    connection = http.client.HTTPConnection(recorder.url.removeprefix("http://"))
    connection.request("GET", "/moto-api/data.json")
    assert connection.getresponse().status == 200
    connection.close()
    assert recorder.calls == []


def test_many_at_once_are_all_kept(recorder: Recorder) -> None:
    def ask() -> None:
        sts = client(recorder, "sts")
        for _ in range(5):
            sts.get_caller_identity()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorder.calls) == 30


def test_it_leaves_no_thread_when_connections_are_open(emulator: str) -> None:
    before = set(threading.enumerate())
    with Recorder(emulator, role_of=str, account=ACCOUNT) as recorder:
        client(recorder, "sts").get_caller_identity()
        own = [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]
        assert own
    assert not [thread for thread in own if thread.is_alive()]


def test_what_is_signed_passes_unchanged_and_what_is_of_one_connection_stays() -> None:
    heard: list[bytes] = []

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rwb") as file:
            while (head := file.readline()) != b"\r\n":
                heard.append(head.rstrip())
            heard.append(file.read(2))
            file.write(b"HTTP/1.1 201 Made\r\nX-Own: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        upstream = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with Recorder(upstream, role_of=str, account=ACCOUNT) as recorder:
            connection = http.client.HTTPConnection(recorder.url.removeprefix("http://"))
            connection.putrequest("PUT", "/b/a%20b?x=%2F", skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", "lake.example"), ("X-Amz-Date", "d"), ("Expect", "100-continue"),
                                ("Connection", "keep-alive"), ("Content-Length", "2")):  # fmt: skip
                connection.putheader(name, value)
            connection.endheaders(b"hi")
            response = connection.getresponse()
            assert (response.status, response.reason, response.read()) == (201, "Made", b"ok")
            assert response.getheader("X-Own") == "1"
            assert response.getheader("Transfer-Encoding") is None
            connection.close()
        thread.join()
    assert heard[0] == b"PUT /b/a%20b?x=%2F HTTP/1.1"
    assert sorted(heard[1:]) == [b"Content-Length: 2", b"Host: lake.example", b"X-Amz-Date: d", b"hi"]


def test_an_emulator_that_is_gone_is_an_error_of_the_gateway(tmp_path: Path) -> None:
    with Recorder("http://127.0.0.1:1", role_of=str, account=ACCOUNT) as recorder:
        sts = client(recorder, "sts")
        with pytest.raises(sts.exceptions.ClientError, match="502"):
            sts.get_caller_identity()
        assert recorder.calls == []


def test_only_http_is_taken() -> None:
    with pytest.raises(UsageError):
        Recorder("https://s3.amazonaws.com", role_of=str, account=ACCOUNT)


def test_the_last_line_may_still_be_written(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    assert read(path) == []
    path.write_bytes(b'{"role":"a","action":"s3:GetObject","resource":"*"}\n{"role":"b"')
    assert [call.role for call in read(path)] == ["a"]
