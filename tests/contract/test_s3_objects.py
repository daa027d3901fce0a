import pytest
from scripted_aws import Answer, serving

from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.errors import AccessDeniedError, ConditionFailedError, NotFoundError, UnavailableError
from penstock.testing.contracts.objects import ObjectStoreContract


@pytest.fixture
def objects(aws: str) -> S3ObjectStore:
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return S3ObjectStore("lake")


class TestS3ObjectStore(ObjectStoreContract):
    def test_a_listing_has_more_than_a_page(self, objects: S3ObjectStore) -> None:
        keys = [f"t/{number:04}" for number in range(1001)]
        for key in keys:
            objects.put(key, b"")
        assert [info.key for info in objects.list("t/")] == keys
        assert [info.key for info in objects.list("t/", start_after="t/0998")] == keys[999:]

    @pytest.mark.parametrize(
        "key", ["a b", "50%", "%2F", "a+b", "a#b?c=d&e", "é/ü", "~tilde", "a:b", "[x]{y}|z^", "'\"<>`"]
    )
    def test_a_key_arrives_as_it_is(self, objects: S3ObjectStore, key: str) -> None:
        objects.create(key, b"x")
        assert [one["Key"] for one in client("s3").list_objects_v2(Bucket="lake")["Contents"]] == [key]
        assert objects.get(key) == b"x"
        assert [info.key for info in objects.list()] == [key]


def test_a_bucket_that_is_not_there(aws: str) -> None:
    with pytest.raises(NotFoundError, match="s3://nothing/a"):
        S3ObjectStore("nothing").get("a")
    with pytest.raises(NotFoundError, match="s3://nothing/t/"):
        list(S3ObjectStore("nothing").list("t/"))


def test_a_listing_that_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch) as aws:
        body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        aws.script = [Answer(status=403, body=body)]
        with pytest.raises(AccessDeniedError, match="no access to s3://lake/t/"):
            list(S3ObjectStore("lake").list("t/"))


def test_nobody_answers(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.adapters.aws.objects.RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="cannot reach s3://lake/a"):
        S3ObjectStore("lake").get("a")


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("PreconditionFailed", 412, ConditionFailedError), ("ConditionalRequestConflict", 409, ConditionFailedError),
     ("NoSuchKey", 404, ConditionFailedError), ("NoSuchBucket", 404, NotFoundError),
     ("AccessDenied", 403, AccessDeniedError)],
)  # fmt: skip
def test_what_s3_answers_to_a_conditional_write(
    code: str, status: int, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch) as aws:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        aws.script = [Answer(status=status, body=body)]
        with pytest.raises(expected):
            S3ObjectStore("lake").replace("a", b"x", if_match="e")
