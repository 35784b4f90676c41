"""Failures as the API server words them: `Status` objects with its reason, code, message and details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.kubeapi.kinds import Kind

Obj = dict[str, Any]

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You can start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent "
    "list - objects that were created, modified, or deleted between the time the first chunk was returned "
    "and now may show up in the list."
)
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class ApiError(Exception):
    """One failure to be answered with its `Status`."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str | None = None,
        details: Obj | None = None,
        metadata: Obj | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status(
            code, message, REASONS.get(code, "") if reason is None else reason, details, metadata
        )

    @property
    def retry_after_s(self) -> int:
        return int((self.status.get("details") or {}).get("retryAfterSeconds", 0))


def status(
    code: int, message: str, reason: str, details: Obj | None = None, metadata: Obj | None = None
) -> Obj:
    """A Failure `Status`; empty fields are left out, as the server's encoder does."""
    answer: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}, "status": "Failure"}
    answer["message"] = message
    if reason:
        answer["reason"] = reason
    if details is not None:
        answer["details"] = details
    answer["code"] = code
    return answer


def details(kind: Kind, name: str = "", **more: object) -> Obj:
    found: Obj = {"name": name} if name else {}
    if kind.group:
        found["group"] = kind.group
    return {**found, "kind": kind.plural, **more}


def not_found(kind: Kind, name: str) -> ApiError:
    return ApiError(404, f'{kind.qualified} "{name}" not found', details=details(kind, name))


def no_such_resource() -> ApiError:
    return ApiError(404, "the server could not find the requested resource", details={})


def method_not_allowed() -> ApiError:
    return ApiError(405, "the server does not allow this method on the requested resource", details={})


def already_exists(kind: Kind, name: str) -> ApiError:
    return ApiError(409, f'{kind.qualified} "{name}" already exists', "AlreadyExists", details(kind, name))


def conflict(kind: Kind, name: str, why: str = MODIFIED) -> ApiError:
    text = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return ApiError(409, text, details=details(kind, name))


def precondition_failed(kind: Kind, name: str, why: str) -> ApiError:
    """The server names the Kind, not the plural, when a delete precondition does not hold."""
    shown = f"{kind.name}.{kind.group}" if kind.custom else kind.name
    found: Obj = {"name": name, "kind": kind.name}
    return ApiError(409, f'Operation cannot be fulfilled on {shown} "{name}": {why}', details=found)


def forbidden(kind: Kind, name: str, why: str, **more: object) -> ApiError:
    subject = f'{kind.qualified} "{name}"' if name else kind.qualified
    return ApiError(403, f"{subject} is forbidden: {why}", details=details(kind, name, **more))


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized")


def bad_request(message: str) -> ApiError:
    return ApiError(400, message)


def invalid(kind: Kind, name: str, field: str, kind_of_error: str, message: str) -> ApiError:
    """422 with one cause: `kind_of_error` is FieldValueRequired, FieldValueInvalid or FieldValueForbidden."""
    shown = f"{kind.name}.{kind.group}" if kind.group else kind.name
    found: Obj = {"name": name} if name else {}
    if kind.group:
        found["group"] = kind.group
    found |= {"kind": kind.name, "causes": [{"reason": kind_of_error, "message": message, "field": field}]}
    return ApiError(422, f'{shown} "{name}" is invalid: {field}: {message}', details=found)


def continue_expired(fresh_token: str) -> ApiError:
    """410 for a page whose snapshot is gone; the fresh token goes on from there, without consistency."""
    return ApiError(410, CONTINUE_TOO_OLD, metadata={"continue": fresh_token})


def list_expired() -> ApiError:
    return ApiError(410, "The resourceVersion for the provided list is too old.")


def watch_expired(asked: int, oldest: int) -> ApiError:
    return ApiError(410, f"too old resource version: {asked} ({oldest})")


def version_too_large(asked: int, current: int) -> ApiError:
    message = f"Too large resource version: {asked}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError(504, f"Timeout: {message}", details={"causes": [cause], "retryAfterSeconds": 1})


def invalid_options(kind_name: str, field: str, message: str) -> ApiError:
    """422 for the query of a request: `kind_name` is ListOptions, DeleteOptions and the like."""
    error, _, text = message.partition(": ")
    cause = {
        "reason": f"FieldValue{error.replace('Unsupported value', 'NotSupported')}",
        "message": message,
        "field": field,
    }
    found: Obj = {"group": "meta.k8s.io", "kind": kind_name, "causes": [cause]}
    return ApiError(
        422, f'{kind_name}.meta.k8s.io "" is invalid: {field}: {message}' if text else message, details=found
    )
