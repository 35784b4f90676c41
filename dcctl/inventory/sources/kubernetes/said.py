"""Failed requests in the words of a command, before anything was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.errors import DeniedError, RefusedError, UnreachableError, UsageError

if TYPE_CHECKING:
    from dcctl.errors import DcctlError
    from dcctl.inventory.sources.http.failure import Failure

CAN_I: Final = "kubectl auth can-i --list"


def said(
    failure: Failure, what: str, tries: str = "kubectl apply --dry-run=server -f", role: str = CAN_I
) -> DcctlError:
    """The error for a request that failed before anything was changed.

    `tries`: the command that shows a refusal again. `role`: what helps who lacks a right.
    """
    if failure.cause in ("denied", "unauthenticated"):
        return DeniedError(what, failure.reason, role)
    if failure.cause in ("unreachable", "timeout") and failure.status is None:
        return UnreachableError(what, failure.reason, failure.hint)
    if failure.status == 404:
        return UsageError(what, failure.reason, "kubectl api-resources")
    return RefusedError(what, f"the API server would refuse it: {failure.reason}", tries)
