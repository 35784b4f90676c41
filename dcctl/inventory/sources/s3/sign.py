"""Signs requests for S3: AWS Signature Version 4, for questions that have no body. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NamedTuple
from urllib.parse import quote

_NOTHING: Final = hashlib.sha256(b"").hexdigest()
_SERVICE: Final = "s3"
_KEPT: Final = "-_.~"


class Credentials(NamedTuple):
    """Who asks. `secret` and `token` are never shown."""

    key: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.key!r})"


class Question(NamedTuple):
    """A GET: the server as it stands in `Host`, the path, and the query in order of names."""

    host: str
    path: str
    query: tuple[tuple[str, str], ...] = ()


def signed(question: Question, who: Credentials, region: str, at: str) -> dict[str, str]:
    """Return the headers that say who asks; `at` is the time as `20260301T120000Z`."""
    headers = {"host": question.host, "x-amz-content-sha256": _NOTHING, "x-amz-date": at}
    if who.token:
        headers["x-amz-security-token"] = who.token
    names = ";".join(sorted(headers))
    pairs = "&".join(f"{quote(name, safe=_KEPT)}={quote(text, safe=_KEPT)}" for name, text in question.query)
    told = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(("GET", quote(question.path, safe="/-_.~"), pairs, told, names, _NOTHING))
    scope = f"{at[:8]}/{region}/{_SERVICE}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}"
    key = f"AWS4{who.secret}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    whose = f"AWS4-HMAC-SHA256 Credential={who.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**{name: value for name, value in headers.items() if name != "host"}, "Authorization": whose}
