"""Asks one object store over HTTP, as who the configuration, the environment or a profile says."""

from __future__ import annotations

import configparser
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.client import Client, Patience
from dcctl.inventory.sources.http.connection import Connection, pool, tls
from dcctl.inventory.sources.http.dialect import Dialect
from dcctl.inventory.sources.http.failure import Failure, of_status
from dcctl.inventory.sources.s3.replies import QUERIES, buckets, code_of, reply
from dcctl.inventory.sources.s3.sign import Credentials, Question, signed
from dcctl.inventory.sources.s3.source import StoreError
from dcctl.inventory.sources.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES: Final = 4 << 20
_TRIES: Final = 3


class Access(NamedTuple):
    """What a configuration says of a store. Without `key` and `profile`: as the environment says."""

    endpoint: str
    region: str = "us-east-1"
    key: str | None = None
    secret: Secret = Secret()
    profile: str | None = None
    ca_file: str | None = None


class _Refusals(Dialect):
    """A refusal of S3 has a code of its own, which becomes the reason."""

    def refused(self, code: int, headers: Mapping[str, str], body: bytes) -> Failure:
        failure = of_status(code, headers)
        failure.reason = code_of(body) or failure.reason
        return failure


class S3Client:
    """One store, with one deadline for all that it is asked."""

    def __init__(self, access: Access, timeout_s: float) -> None:
        """Nothing is sent yet. SourceError: nobody says who asks, or the CA cannot be read."""
        parts = urlsplit(access.endpoint)
        self._access, self._who = access, _credentials(access)
        self._below = parts.path.rstrip("/")
        self._authority = _authority(parts.hostname or "", parts.port, parts.scheme)
        try:
            context = tls(str(Path(access.ca_file).expanduser()) if access.ca_file else None)
        except OSError as error:
            raise SourceError(
                access.endpoint, f"{access.ca_file}: no CA can be read from it", "invalid"
            ) from error
        host = f"{parts.scheme}://{self._authority}"
        self._connection = Connection(host, pool(host, context, proxies=True), dict, _Refusals())
        self._until = time.monotonic() + timeout_s

    def __call__(self, operation: str, bucket: str) -> dict[str, Any]:
        """Return the reply about a bucket. StoreError: the store says no; OSError: it says nothing."""
        try:
            return reply(operation, self._get(f"/{bucket}", QUERIES[operation]))
        except Failure as failure:
            if failure.status is not None:
                raise StoreError(failure.reason) from failure
            raise OSError(failure.reason) from failure
        except ValueError as error:
            raise StoreError(f"it makes no sense: {error}"[:160]) from error

    def names(self) -> tuple[str, ...]:
        """Return all buckets that the store lists. SourceError: it does not."""
        try:
            return buckets(self._get("/", ""))
        except Failure as failure:
            cause = "denied" if failure.status in (401, 403) else failure.cause
            why = f"ListBuckets: {failure.reason}"
            raise SourceError(self._access.endpoint, why, cause, failure.hint) from failure
        except ValueError as error:
            raise SourceError(self._access.endpoint, f"ListBuckets: {error}", "invalid") from error

    def _get(self, path: str, part: str) -> bytes:
        """One signed question; each try is signed anew, since a signature grows old."""
        question = Question(self._authority, self._below + path, ((part, ""),) if part else ())

        def headers() -> dict[str, str]:
            at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            return signed(question, self._who, self._access.region, at)

        left_s = self._until - time.monotonic()
        patience = Patience(tries=_TRIES, page_bytes=_MOST_BYTES)
        asking = Client(self._connection._replace(headers=headers), left_s, patience)
        return asking.get(question.path, dict(question.query))


def _authority(host: str, port: int | None, scheme: str) -> str:
    """The host as it stands in the header: without a port that goes without saying."""
    name = f"[{host}]" if ":" in host else host
    return name if port in (None, {"http": 80, "https": 443}.get(scheme)) else f"{name}:{port}"


def _credentials(access: Access) -> Credentials:
    if access.key is not None:
        return Credentials(access.key, access.secret.read("the secret of the store").strip())
    if access.profile is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return Credentials(*(os.environ.get(name, "") for name in names))
    return _of_profile(access)


def _of_profile(access: Access) -> Credentials:
    """Who a profile is. SourceError: there is no such profile, or it has no keys of its own."""
    name = access.profile or os.environ.get("AWS_PROFILE") or "default"
    path = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()
    file = configparser.RawConfigParser()
    try:
        file.read_string(path.read_text(encoding="utf-8"))
        told = file[name]
        keys = (told["aws_access_key_id"], told["aws_secret_access_key"])
    except (OSError, ValueError, KeyError, configparser.Error) as error:
        why = f"no profile {name} with keys in {path}, and no AWS_ACCESS_KEY_ID"
        raise SourceError(access.endpoint, why, "unauthenticated", "aws configure") from error
    return Credentials(*keys, told.get("aws_session_token", ""))
