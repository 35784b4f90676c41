"""What the S3 API says of a bucket, as evidence. Pure; answers are those of the API, by its operations.

https://docs.aws.amazon.com/AmazonS3/latest/API/ and, for what `public` means,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.storage import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OPERATIONS: Final = (
    "get_bucket_location",
    "get_bucket_encryption",
    "get_bucket_versioning",
    "get_object_lock_configuration",
    "get_bucket_replication",
    "get_bucket_policy",
    "get_bucket_acl",
    "get_public_access_block",
)
"""All of them read, and none of them reads an object."""
NOT_SET: Final = frozenset(
    {
        "ServerSideEncryptionConfigurationNotFoundError",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "NoSuchBucketPolicy",
        "NoSuchPublicAccessBlockConfiguration",
    }
)
"""Errors that are answers: there is none."""
_EVERYBODY: Final = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)
_BAD: Final = (ValueError, LookupError, TypeError, AttributeError, msgspec.MsgspecError)


class Answers:
    """What was answered to each operation: the reply, an empty one where nothing is set, or why not."""

    def __init__(self, told: Mapping[str, dict[str, Any] | Silence]) -> None:
        self._told = told

    def of(self, operation: str) -> dict[str, Any]:
        """Return the reply. LookupError: there is none; its text says why."""
        found = self._told.get(operation, Silence("it was not asked", "missing"))
        if not isinstance(found, Silence):
            return found
        raise LookupError(found.reason)


def bucket(name: str, told: Mapping[str, dict[str, Any] | Silence], *, https: bool) -> Bucket:
    """Return what is known of a bucket. `https`: nothing but TLS is spoken there."""
    answers, silent, found = Answers(told), dict[str, Silence](), dict[str, Any]()
    for field, read in _READERS.items():
        try:
            found[field] = read(answers)
        except _BAD as error:
            silent[field] = Silence(f"{name}: {str(error)[:160]}".replace("\n", " "), "failed")
    if https:
        found["tls_only"] = True
        silent.pop("tls_only", None)
    return Bucket(name=name, **found, silent=silent)


def _region(answers: Answers) -> str:
    """us-east-1 has no name of its own there."""
    return answers.of("get_bucket_location").get("LocationConstraint") or "us-east-1"


def _encryption(answers: Answers) -> str:
    told = answers.of("get_bucket_encryption").get("ServerSideEncryptionConfiguration", {})
    rules = [one.get("ApplyServerSideEncryptionByDefault", {}) for one in told.get("Rules", ())]
    return next((str(one["SSEAlgorithm"]) for one in rules if one.get("SSEAlgorithm")), "")


def _versioned(answers: Answers) -> bool:
    return bool(answers.of("get_bucket_versioning").get("Status") == "Enabled")


def _lock(answers: Answers) -> str:
    """The mode by which new objects are locked; without one, each is left to whoever writes it."""
    told = answers.of("get_object_lock_configuration").get("ObjectLockConfiguration", {})
    kept = told.get("Rule", {}).get("DefaultRetention", {})
    return str(kept.get("Mode", "")) if told.get("ObjectLockEnabled") == "Enabled" else ""


def _copied_to(answers: Answers) -> tuple[str, ...]:
    told = answers.of("get_bucket_replication").get("ReplicationConfiguration", {})
    rules = [one for one in told.get("Rules", ()) if one.get("Status") == "Enabled"]
    return tuple(dict.fromkeys(str(one["Destination"]["Bucket"]).rpartition(":")[2] for one in rules))


def _block(answers: Answers) -> dict[str, bool]:
    """Empty where nothing is blocked. Servers that are not of AWS do not know the question."""
    try:
        return dict(answers.of("get_public_access_block").get("PublicAccessBlockConfiguration", {}))
    except LookupError:
        return {}


def _statements(answers: Answers) -> list[dict[str, Any]]:
    text = answers.of("get_bucket_policy").get("Policy")
    found = msgspec.json.decode(text)["Statement"] if text else []
    return [found] if isinstance(found, dict) else list(found)


def _anonymous(answers: Answers) -> tuple[str, ...]:
    """What lets everybody in, and is not blocked."""
    block, found = _block(answers), list[str]()
    if not block.get("RestrictPublicBuckets"):
        for at, one in enumerate(_statements(answers), 1):
            if one.get("Effect") == "Allow" and _is_everybody(one) and not one.get("Condition"):
                found.append(f"policy {one.get('Sid') or f'statement {at}'}")
    if not block.get("IgnorePublicAcls"):
        for grant in answers.of("get_bucket_acl").get("Grants", ()):
            group = grant.get("Grantee", {}).get("URI", "")
            if group in _EVERYBODY:
                found.append(f"acl {group.rpartition('/')[2]} {grant.get('Permission', '')}".rstrip())
    return tuple(dict.fromkeys(found))


def _is_everybody(statement: dict[str, Any]) -> bool:
    return any(one == "*" for one in _principals(statement.get("Principal")))


def _principals(principal: object) -> Iterator[object]:
    if isinstance(principal, dict):
        for one in principal.values():
            yield from _principals(one)
    elif isinstance(principal, list):
        yield from principal
    else:
        yield principal


def _tls_only(answers: Answers) -> bool:
    """True where everybody is denied everything that came without TLS."""
    return any(_denies_plain(one) for one in _statements(answers))


def _denies_plain(statement: dict[str, Any]) -> bool:
    asked = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    everything = any(each in ("*", "s3:*") for each in _principals(statement.get("Action")))
    plain = [str(each).lower() for each in _principals(asked)] == ["false"]
    return statement.get("Effect") == "Deny" and _is_everybody(statement) and everything and plain


_READERS: Final[dict[str, Callable[[Answers], Any]]] = {
    "region": _region,
    "encryption": _encryption,
    "versioned": _versioned,
    "lock": _lock,
    "copied_to": _copied_to,
    "anonymous": _anonymous,
    "tls_only": _tls_only,
}
