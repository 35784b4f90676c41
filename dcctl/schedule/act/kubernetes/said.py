"""Failed requests in the words of a command, before anything was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import DeniedError, RefusedError, UnreachableError, UsageError

if TYPE_CHECKING:
    from dcctl.errors import DcctlError
    from dcctl.inventory.sources.http.failure import Failure


def said(failure: Failure, what: str) -> DcctlError:
    """The error for a request that failed before anything was changed."""
    if failure.cause in ("denied", "unauthenticated"):
        return DeniedError(what, failure.reason, "kubectl auth can-i --list")
    if failure.cause in ("unreachable", "timeout") and failure.status is None:
        return UnreachableError(what, failure.reason, failure.hint)
    if failure.status == 404:
        return UsageError(what, failure.reason, "kubectl api-resources")
    return RefusedError(
        what, f"the API server would refuse it: {failure.reason}", "kubectl apply --dry-run=server -f"
    )
