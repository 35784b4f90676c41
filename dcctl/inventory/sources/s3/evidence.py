"""The buckets of one object store, for an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet
from dcctl.inventory.sources.s3.client import Access, S3Client
from dcctl.inventory.sources.s3.source import gather, refusals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from dcctl.inventory.evidence.collected import Evidence


class BucketEvidence:
    """Some buckets of a store, or all that it lists."""

    kinds = ("buckets",)

    def __init__(
        self, name: str, access: Access, buckets: Sequence[str], *, https: bool, timeout_s: float
    ) -> None:
        """`https`: nothing but TLS is spoken there; `timeout_s`: for all that the store is asked."""
        self.name, self._access, self._buckets = name, access, tuple(buckets)
        self._https, self._timeout_s = https, timeout_s

    def gather(self, stop: Event) -> Evidence:
        """Return the buckets, with a gap for each that was refused. SourceError: it is silent."""
        client = S3Client(self._access, self._timeout_s)
        found = gather(self._buckets or client.names(), client, https=self._https, stop=stop)
        return replace(found, fleet=Fleet(gaps=refusals(self.name, found)))
