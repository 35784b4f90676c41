"""What a handler hands to the wire: a whole answer, or a stream of chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.kubeapi.status import REASONS, ApiError, Obj, status
from tests.kubeapi.store import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Response:
    code: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """A watch: each item is one chunk; an empty one asks only whether the client is still there."""

    chunks: Iterator[bytes]


def of_object(obj: Obj, code: int = 200) -> Response:
    return Response(code, encode(obj) + b"\n")


def of_error(error: ApiError) -> Response:
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return Response(error.code, encode(error.status) + b"\n", headers=headers)


def of_code(code: int, headers: Mapping[str, str], message: str, body: bytes | None) -> Response:
    """The answer a server would give with this code, for a scripted fault."""
    if body is None:
        text = message or f"scripted fault {code}"
        body = encode(status(code, text, REASONS.get(code, "InternalError"))) + b"\n"
    return Response(code, body, headers=headers)


NOT_FOUND = Response(
    404, b"404 page not found\n", "text/plain; charset=utf-8", {"X-Content-Type-Options": "nosniff"}
)
