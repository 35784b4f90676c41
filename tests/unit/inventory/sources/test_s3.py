"""Buckets, by answers in the forms that the S3 API documents."""

from __future__ import annotations

from threading import Event
from typing import Any

import msgspec
import pytest

from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.sources.s3.source import StoreError, gather

BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
PUBLIC: dict[str, Any] = {
    "Sid": "PublicRead",
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["s3:GetObject"],
    "Resource": ["arn:aws:s3:::models/*"],
}
TLS = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::models", "arn:aws:s3:::models/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
OWNER = {"Grantee": {"Type": "CanonicalUser", "ID": "79a5"}, "Permission": "FULL_CONTROL"}
ALL = {
    "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
    "Permission": "READ",
}
SOUND: dict[str, Any] = {
    "get_bucket_location": {"LocationConstraint": "eu-central-1"},
    "get_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"},
                    "BucketKeyEnabled": True,
                }
            ]
        }
    },
    "get_bucket_versioning": {"Status": "Enabled"},
    "get_object_lock_configuration": {
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}},
        }
    },
    "get_bucket_replication": {
        "ReplicationConfiguration": {
            "Role": "r",
            "Rules": [
                {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::models-dr"}},
                {"Status": "Disabled", "Destination": {"Bucket": "arn:aws:s3:::old"}},
            ],
        }
    },
    "get_bucket_policy": {"Policy": msgspec.json.encode({"Statement": [TLS]}).decode()},
    "get_bucket_acl": {"Owner": {}, "Grants": [OWNER]},
    "get_public_access_block": {"PublicAccessBlockConfiguration": BLOCKED},
}


def read(https: bool = False, **changed: Any) -> Any:  # replies, and errors in their place
    answers = SOUND | changed

    def ask(operation: str, bucket: str) -> dict[str, Any]:
        assert bucket == "models"
        if isinstance(answers[operation], Exception):
            raise answers[operation]
        return answers[operation]  # type: ignore[no-any-return]

    (found,) = gather(["models"], ask, https=https).buckets or ()
    return found


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Policy": msgspec.json.encode({"Version": "2012-10-17", "Statement": statements}).decode()}


def test_a_bucket_that_is_as_it_should_be() -> None:
    one = read()
    assert (one.region, one.encryption, one.versioned, one.lock) == (
        "eu-central-1",
        "aws:kms",
        True,
        "COMPLIANCE",
    )
    assert (one.copied_to, one.anonymous, one.tls_only, one.silent) == (("models-dr",), (), True, {})


def test_what_is_not_set_is_an_answer_and_what_is_refused_is_none() -> None:
    one = read(
        get_bucket_location={"LocationConstraint": None},
        get_bucket_encryption=StoreError("ServerSideEncryptionConfigurationNotFoundError"),
        get_bucket_versioning={},
        get_object_lock_configuration=StoreError("ObjectLockConfigurationNotFoundError"),
        get_bucket_replication=StoreError("ReplicationConfigurationNotFoundError"),
        get_bucket_policy=StoreError("NoSuchBucketPolicy"),
        get_public_access_block=StoreError("NoSuchPublicAccessBlockConfiguration"),
    )
    assert (one.region, one.encryption, one.versioned, one.lock) == ("us-east-1", "", False, "")
    assert (one.copied_to, one.anonymous, one.tls_only) == ((), (), False)
    refused = read(get_bucket_policy=StoreError("AccessDenied"), get_public_access_block=StoreError("x"))
    assert (refused.anonymous, refused.tls_only) == (None, None)
    assert "AccessDenied" in refused.silent["anonymous"].reason


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::1:root", "*"]}])
def test_everybody_is_let_in(principal: object) -> None:
    opened: dict[str, Any] = {"get_public_access_block": StoreError("NoSuchPublicAccessBlockConfiguration")}
    allowed = policy(PUBLIC | {"Principal": principal})
    assert read(get_bucket_policy=allowed, **opened).anonymous == ("policy PublicRead",)
    assert read(get_bucket_policy=allowed).anonymous == (), "it is blocked"
    within = policy(PUBLIC | {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}})
    assert read(get_bucket_policy=within, **opened).anonymous == ()
    assert read(get_bucket_policy=policy(PUBLIC | {"Effect": "Deny"}), **opened).anonymous == ()
    grants = {"Grants": [OWNER, ALL]}
    assert read(get_bucket_acl=grants, **opened).anonymous == ("acl AllUsers READ",)
    assert read(get_bucket_acl=grants).anonymous == ()


def test_tls_alone() -> None:
    assert (
        read(get_bucket_policy=policy(TLS | {"Principal": {"AWS": "arn:aws:iam::1:root"}})).tls_only is False
    )
    assert read(get_bucket_policy=policy(TLS | {"Action": "s3:PutObject"})).tls_only is False
    assert read(get_bucket_policy=policy(TLS | {"Effect": "Allow"})).tls_only is False
    assert read(get_bucket_policy=policy(), https=True).tls_only is True


def test_answers_that_make_no_sense_are_none() -> None:
    one = read(
        get_bucket_policy={"Policy": "{"},
        get_bucket_replication={"ReplicationConfiguration": 3},
        get_public_access_block=StoreError("NotImplemented"),
    )
    assert (one.anonymous, one.tls_only, one.copied_to) == (None, None, None)
    assert set(one.silent) == {"anonymous", "tls_only", "copied_to"}
    away = OSError(113, "No route to host")
    silent = read(get_bucket_acl=away, get_public_access_block=away).silent
    assert silent["anonymous"].reason.endswith("No route to host")


def test_buckets_that_were_told_of_before_the_store_hung_are_kept() -> None:
    stop, deaf = Event(), Event()

    def ask(operation: str, bucket: str) -> dict[str, Any]:
        if bucket != "models":
            stop.set()
            deaf.wait(30)
        return SOUND[operation]  # type: ignore[no-any-return]

    told, hung, later = gather(["models", "hangs", "later"], ask, https=False, stop=stop).buckets or ()
    deaf.set()
    assert (told.name, told.silent) == ("models", {})
    assert {why for one in (hung, later) for why in one.silent.values()} == {CUT}
